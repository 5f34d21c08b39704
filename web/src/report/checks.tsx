// Every check in words, with its verdict; those that did not pass first.
import type { CheckDocument, ExplainAnswer } from "../answer/documents";
import { say } from "../words";

const order = ["fail", "warn", "info", "pass"];
const signs: Readonly<Record<string, string>> = { fail: "\u2715", warn: "!", info: "i", pass: "\u2713" };

function verdictWord(verdict: string): string {
  if (verdict === "pass") return say("passed");
  if (verdict === "fail") return say("failed");
  if (verdict === "warn") return say("doubtful");
  if (verdict === "info") return say("for information");
  return verdict;
}

interface Found {
  check: CheckDocument;
  of: string[]; // the maps it is about
}

/** Checks of the same verdict and words are one line, with all the maps it is about. */
function gathered(answers: readonly ExplainAnswer[]): Found[] {
  const found = new Map<string, Found>();
  for (const answer of answers)
    for (const check of answer.checks) {
      const key = JSON.stringify([check.name, check.verdict, check.words]);
      const line = found.get(key) ?? { check, of: [] };
      line.of.push(answer.method.name);
      found.set(key, line);
    }
  const rank = ({ check }: Found): number => (order.includes(check.verdict) ? order.indexOf(check.verdict) : 0);
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

export function Checks({ answers }: { answers: readonly ExplainAnswer[] }) {
  return (
    <ul class="checks">
      {gathered(answers).map(({ check, of }, i) => (
        <li key={i} class={`check check-${order.includes(check.verdict) ? check.verdict : "info"}`}>
          <span class="check-sign" aria-hidden="true">
            {signs[check.verdict] ?? "?"}
          </span>
          <span>
            <span class="unseen">{verdictWord(check.verdict)}: </span>
            {say(check.words)} <span class="check-of">{[...new Set(of)].join(", ")}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
