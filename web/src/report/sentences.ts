// The answer in one sentence, and how far it is to be trusted in another.
import type { ExplainAnswer, Json, PredictionDocument, TopClass } from "../answer/documents";
import { number, percent } from "../viewer/numbers";
import { say } from "../words";

export function className({ index, label }: Pick<TopClass, "index" | "label">): string {
  return label === undefined || label === "" ? say("class {0}", index) : label;
}

export function isTopList(json: Json | undefined): json is Json[] & TopClass[] {
  return (
    Array.isArray(json) &&
    json.length > 0 &&
    json.every((entry) => entry !== null && typeof entry === "object" && "index" in entry && "score" in entry)
  );
}

/** The top classes of the first output or sample that has any, wherever they stand in a document. */
export function topClasses(json: Json | undefined): (Json[] & TopClass[]) | null {
  if (json === null || typeof json !== "object") return null;
  if (!Array.isArray(json) && isTopList(json["top"])) return json["top"];
  for (const value of Array.isArray(json) ? json.slice(0, 1) : Object.values(json)) {
    const found = topClasses(value);
    if (found !== null) return found;
  }
  return null;
}

/** "The model answers “tiger cat”, with a probability of 39.5 %." */
export function predictionSentence(top: readonly TopClass[] | null): string | null {
  const first = top?.[0];
  if (first === undefined) return null;
  if (first.probability !== null && first.probability !== undefined)
    return say("The model answers “{0}”, with a probability of {1}.", className(first), percent(first.probability));
  return say("The model answers “{0}”, with a score of {1}.", className(first), number(first.score ?? NaN));
}

/** What the model answers about the input of these answers; else what they are about. */
export function answerSentence(answers: readonly ExplainAnswer[]): string {
  const prediction: PredictionDocument | undefined = answers[0]?.prediction;
  const top = topClasses(prediction as unknown as Json | undefined);
  return predictionSentence(top) ?? say("What speaks for {0}, and what against it.", answers[0]?.target.text ?? "");
}

export function checkSentence(answers: readonly ExplainAnswer[]): { text: string; alarm: boolean } {
  const verdicts = answers.flatMap((answer) => answer.checks.map((check) => check.verdict));
  const wrong = verdicts.filter((verdict) => verdict === "warn" || verdict === "fail").length;
  if (wrong > 0)
    return { text: say("{0} of {1} checks did not pass: read them before the maps.", wrong, verdicts.length), alarm: true };
  const targets = [...new Set(answers.map((answer) => answer.target.text))].join(", ");
  return { text: say("Below: what speaks for {0}. All {1} checks passed.", targets, verdicts.length), alarm: false };
}
