// The model's answer as rows with bars; a class can be taken as what the question is about.
import { say } from "../../words";
import type { Prediction, Row } from "../prediction";

function Bar({ share, old }: { share: number | null; old?: number | null }) {
  if (share === null) return null;
  const width = (part: number) => String(Math.min(Math.max(part, 0), 1) * 100) + "%";
  return (
    <span class="gauge" aria-hidden="true">
      <span class="gauge-share" style={{ width: width(share) }} />
      {old != null && <span class="gauge-old" style={{ left: width(old) }} />}
    </span>
  );
}

export function Classes(props: {
  prediction: Prediction;
  chosen?: number | undefined; // index of the class that is explained
  against?: number | undefined; // and the one it is compared with
  onClass?(row: Row): void;
  action?: string; // what taking a class does
}) {
  const { prediction, chosen, against, onClass, action } = props;
  return (
    <div class="classes">
      <ol>
        {prediction.rows.map((row) => {
          const mark = row.index === null ? "" : row.index === chosen ? "A" : row.index === against ? "B" : "";
          const inside = (
            <>
              <span class="class-name">
                {row.label}
                {mark && against !== undefined && <span class="mark">{mark}</span>}
              </span>
              <span class="number">{row.text}</span>
              <Bar share={row.share} />
            </>
          );
          const key = row.index ?? row.label;
          if (row.index === null || !onClass)
            return (
              <li key={key} class="class">
                {inside}
              </li>
            );
          return (
            <li key={key}>
              <button
                type="button"
                class="class"
                aria-pressed={mark !== ""}
                title={action}
                onClick={() => {
                  onClass(row);
                }}
              >
                {inside}
              </button>
            </li>
          );
        })}
      </ol>
      {prediction.guessed && (
        <p class="help">{say("What these numbers are was guessed: the model's file does not say.")}</p>
      )}
    </div>
  );
}

export interface ShiftRow {
  index: number;
  label: string;
  before: number;
  after: number;
  texts: [string, string];
}

export function Shifts({ rows }: { rows: readonly ShiftRow[] }) {
  return (
    <table class="shifts">
      <thead>
        <tr>
          <th scope="col">{say("Class")}</th>
          <th scope="col">{say("before")}</th>
          <th scope="col">{say("now")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.index}>
            <th scope="row">
              {row.label}
              <Bar share={row.after} old={row.before} />
            </th>
            <td class="number">{row.texts[0]}</td>
            <td class="number">{row.texts[1]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
