// The likeliest classes with bars of their probability; without probabilities, of their score's size.
import type { TopClass } from "../answer/documents";
import { number, percent } from "../viewer/numbers";
import { say } from "../words";
import { className } from "./sentences";

interface Properties {
  top: readonly TopClass[];
  explained?: readonly (number | undefined)[]; // indices of classes that have maps
  onChoose?: ((index: number) => void) | undefined;
}

export function TopClasses({ top, explained = [], onChoose }: Properties) {
  const shares = top.some((entry) => typeof entry.probability === "number");
  const widest = Math.max(...top.map((entry) => Math.abs(entry.score ?? 0))) || 1;
  return (
    <table class="top-classes">
      <thead class="unseen">
        <tr>
          <th scope="col">{say("Class")}</th>
          <th scope="col">{say("Bar")}</th>
          <th scope="col">{shares ? say("Probability") : say("Score")}</th>
        </tr>
      </thead>
      <tbody>
        {top.map((entry) => {
          const share = shares ? (entry.probability ?? 0) : Math.abs(entry.score ?? 0) / widest;
          const mapped = explained.includes(entry.index);
          return (
            <tr key={entry.index} class={mapped ? "has-map" : undefined}>
              <th scope="row">
                {mapped && onChoose !== undefined ? (
                  <button type="button" onClick={() => onChoose(entry.index)}>
                    {className(entry)}
                  </button>
                ) : (
                  className(entry)
                )}
              </th>
              <td class="share">
                <span style={{ width: `${100 * Math.min(Math.max(share, 0), 1)}%` }} />
              </td>
              <td class="figure" title={entry.score === null ? "NaN" : say("score {0}", number(entry.score))}>
                {shares ? percent(entry.probability ?? NaN) : number(entry.score ?? NaN)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
