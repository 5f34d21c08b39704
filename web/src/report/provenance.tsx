// Where an answer comes from: enough to find the same model and input, and to get the same numbers.
import type { ExplainAnswer, Json } from "../answer/documents";
import type { Report } from "../answer/report";
import { number } from "../viewer/numbers";
import { say } from "../words";
import { plain } from "./document_view";

function seconds(value: number): string {
  return value < 0.9995 ? `${number(1000 * value, 3)} ms` : `${number(value, 3)} s`;
}

function settings(answer: ExplainAnswer): string {
  const own = Object.entries(answer.method.settings).map(([key, value]) => `${key}=${plain(value as Json)}`);
  return [answer.method.name, ...own].join(" ");
}

export function Provenance({ report, answers }: { report: Report; answers: readonly ExplainAnswer[] }) {
  const first = answers[0];
  const each = (of: (answer: ExplainAnswer) => string | number | undefined): string =>
    [...new Set(answers.map(of).filter((value) => value !== undefined && value !== ""))].join("; ");
  const model = first?.model;
  const rows: [string, string, boolean?][] = [
    [say("Model"), [model?.name, model?.format].filter(Boolean).join(" \u00b7 ")],
    [say("Model file"), model?.file ?? ""],
    [say("Model SHA-256"), model?.sha256 ?? "", true],
    [say("Exported by"), model?.producer ?? ""],
    [say("Input"), each((answer) => answer.input)],
    [say("Input SHA-256"), each((answer) => answer.sha256), true],
    [say("Target"), each((answer) => answer.target.text)],
    [say("Method"), each(settings)],
    [say("Baseline"), each((answer) => answer.baseline)],
    [say("Seed"), each((answer) => answer.seed)],
    [say("Threads"), each((answer) => answer.threads)],
    [say("Precision"), each((answer) => answer.precision)],
    [say("Cost"), costs(answers)],
    [say("Made"), report.made],
    [say("Engine"), `Pellucid ${report.engine}`],
  ];
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== "")
        .map(([name, value, code]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={code ? "hash" : undefined}>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

// By method, over all its targets.
function costs(answers: readonly ExplainAnswer[]): string {
  const spent = new Map<string, { seconds: number; calls: number }>();
  for (const { method, cost } of answers) {
    const sum = spent.get(method.name) ?? { seconds: 0, calls: 0 };
    spent.set(method.name, {
      seconds: sum.seconds + (cost?.seconds_per_sample ?? 0),
      calls: sum.calls + (cost?.model_calls ?? 0),
    });
  }
  return [...spent]
    .map(([name, sum]) => say("{0} {1}, model calls: {2}", name, seconds(sum.seconds), sum.calls))
    .join("; ");
}
