// Answers in one sentence, out of the record and the map alone: no number that is not in them.
import type { ExplainAnswer } from "../answer/documents";
import { number, percent } from "../viewer/numbers";
import type { Layer } from "../viewer/types";
import { say } from "../words";
import { agreement, isFlat, weightOf, type Weight } from "./evidence";
import type { Row } from "./prediction";

const spread = 0.4; // of the area: above it, half of the weight lies nowhere in particular
const largely = 0.6; // rank correlations: words for a person, the number stands beside them
const partly = 0.3;
const third = 1 / 3;

export function placeName(x: number, y: number): string {
  const column = x < third ? 0 : x > 1 - third ? 2 : 1;
  const row = y < third ? 0 : y > 1 - third ? 2 : 1;
  const names = [
    [say("the upper left"), say("the top"), say("the upper right")],
    [say("the left"), say("the middle"), say("the right")],
    [say("the lower left"), say("the bottom"), say("the lower right")],
  ];
  return names[row]?.[column] ?? "";
}

// "282 tiger cat" → "tiger cat", where there is a name behind the number.
export const shortName = (text: string): string => text.replace(/^\d+ (?=\S)/, "");

const joint = " \u2212 "; // between the classes of a difference

export function sides(record: ExplainAnswer): [string, string] {
  const [first = "", second = ""] = record.target.text.split(joint);
  return [shortName(first), shortName(second)];
}

function flatSentence(name: string, title: string): string {
  return say("{0}: the map of {1} is the same everywhere, so it says nothing of the reason.", name, title);
}

export function whySentence(record: ExplainAnswer, layer: Layer, title: string): string {
  const { target } = record;
  const name = shortName(target.text);
  const named = target.probability != null ? say("{0}, {1}", name, percent(target.probability)) : name;
  if (!layer.plane) return vectorSentence(named, layer);
  if (isFlat(layer.plane)) return flatSentence(named, title);
  const weight = weightOf(layer.plane, 1);
  if (!weight) return say("{0}: nowhere in the photo did {1} find anything that spoke for it.", named, title);
  const share = percent(Number(weight.share.toPrecision(2)));
  if (weight.share > spread)
    return say("{0}: what spoke for it is spread over the photo; half of it takes {1} of the area.", named, share);
  return say(
    "{0}: what spoke for it lies most in {1} of what the model saw; half of it takes {2} of the area.",
    named,
    placeName(weight.x, weight.y),
    share,
  );
}

function vectorSentence(named: string, layer: Layer): string {
  const vector = layer.vector;
  if (!vector || vector.scores.length === 0) return named;
  const best = vector.scores.reduce((most, score, i, all) => (score > (all[most] ?? -Infinity) ? i : most), 0);
  return say("{0}: the input value {1} spoke for it most.", named, vector.names?.[best] ?? String(best));
}

function where(weight: Weight | null): string {
  return weight ? placeName(weight.x, weight.y) : "";
}

export function versusSentence(record: ExplainAnswer, layer: Layer, title: string): string {
  const [first, second] = sides(record);
  const score = record.target.score ?? 0;
  const ahead = score >= 0 ? first : second;
  const behind = score >= 0 ? second : first;
  const lead = leadOf(record, ahead, behind, Math.abs(score));
  if (!layer.plane) return say("{0}.", lead);
  if (isFlat(layer.plane)) return flatSentence(lead, title);
  const more = where(weightOf(layer.plane, score >= 0 ? 1 : -1));
  const less = where(weightOf(layer.plane, score >= 0 ? -1 : 1));
  if (!more) return say("{0}, although nothing in the map of {1} speaks for it.", lead, title);
  if (!less || less === more) return say("{0}: what tells them apart lies most in {1}.", lead, more);
  return say("{0}: {1} speaks most for {2}, {3} most for {4}.", lead, more, ahead, less, behind);
}

function leadOf(record: ExplainAnswer, ahead: string, behind: string, score: number): string {
  const kind = (record.target as { output_kind?: string }).output_kind;
  // A difference of two logits is the logarithm of the ratio of their probabilities.
  if (kind === "logits") return say("{0} is {1} times as likely as {2}", ahead, number(Math.exp(score), 3), behind);
  return say("{0} is ahead of {1} by {2}", ahead, behind, number(score, 3));
}

export interface Judged {
  title: string;
  layer: Layer;
  fine: boolean; // no check warns or fails
}

// Of the model, not of one map: its gradient beside finite differences.
export function gradientFailed(record: ExplainAnswer): boolean {
  const check = (record as { gradient_check?: { passed?: boolean } }).gradient_check;
  return check?.passed === false;
}

export const isFine = (record: ExplainAnswer): boolean =>
  !gradientFailed(record) && record.checks.every(({ verdict }) => verdict === "pass" || verdict === "info");

export function methodsSentence(judged: readonly Judged[]): string {
  const good = judged.filter((each) => each.fine);
  if (judged.length < 2) return say("Choose a second method: one alone has nothing to be compared with.");
  if (good.length === 0) return say("None: not one of the {0} methods passes all of its checks.", judged.length);
  const passed =
    good.length === judged.length
      ? say("All {0} methods pass their checks", judged.length)
      : say("{0} of {1} methods pass all of their checks", good.length, judged.length);
  const pairs: { a: Judged; b: Judged; by: number }[] = [];
  good.forEach((a, i) => {
    for (const b of good.slice(i + 1)) {
      if (!a.layer.plane || !b.layer.plane) continue;
      const by = agreement(a.layer.plane, b.layer.plane);
      if (Number.isFinite(by)) pairs.push({ a, b, by });
    }
  });
  const best = pairs.reduce<(typeof pairs)[0] | null>((m, p) => (m && m.by >= p.by ? m : p), null);
  const only = good[0];
  if (!best) return good.length === 1 && only ? say("{0}: {1}.", passed, only.title) : say("{0}.", passed);
  const values = [passed, best.a.title, best.b.title, number(best.by, 2)] as const;
  if (pairs.length > 1) return say("{0}; {1} and {2} agree most on where to look (rank correlation {3}).", ...values);
  if (best.by >= largely)
    return say("{0}; {1} and {2} largely agree on where to look (rank correlation {3}).", ...values);
  if (best.by >= partly)
    return say("{0}; {1} and {2} agree in part on where to look (rank correlation {3}).", ...values);
  return say("{0}; {1} and {2} hardly agree on where to look (rank correlation {3}).", ...values);
}

export interface Shift {
  label: string;
  before: number;
  after: number;
}

export function changeSentence(first: Shift, now: Row | undefined, changed: boolean): string {
  if (!changed)
    return say(
      "{0}, {1}: cover a part of the photo, turn it or change its light, and see.",
      first.label,
      percent(first.before),
    );
  const moved =
    Math.abs(first.after - first.before) < 0.0005
      ? say("{0} stays at {1}", first.label, percent(first.after))
      : first.after < first.before
        ? say("{0} falls from {1} to {2}", first.label, percent(first.before), percent(first.after))
        : say("{0} rises from {1} to {2}", first.label, percent(first.before), percent(first.after));
  if (!now || now.label === first.label) return say("{0} and is still the first.", moved);
  return say("{0}; the first class is now {1} ({2}).", moved, now.label, now.text);
}
