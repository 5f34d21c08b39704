// A vector as signed bars: to the right and red for the target, to the left and blue against it.
import { say } from "../words";
import { rangeOf, remarksOnBars, rowsOf } from "./bars";
import { Sentences, Title } from "./map_figure";
import { exact, number, numbersFor, numberText, unitText } from "./numbers";
import type { Layer, Vector } from "./types";

interface Properties {
  layer: Layer & { vector: Vector };
  range: { low: number; high: number } | null; // that several vectors share; null: its own
  chosen: boolean;
  onChoose?: ((layerId: string) => void) | undefined;
}

const heading = (unit: string): string => (unit === say("score") ? say("Score") : `${say("Score")} (${unit})`);

export function BarsFigure({ layer, range, chosen, onChoose }: Properties) {
  const rows = rowsOf(layer.vector);
  const { low, high } = range ?? rangeOf(rows);
  const span = high - low || 1;
  const numbers = numbersFor(Math.max(-low, high));
  const zero = (100 * -low) / span;
  const valued = rows.some((row) => row.value !== null);
  return (
    <figure class={chosen ? "map map-bars map-chosen" : "map map-bars"} data-layer={layer.id}>
      <Title layer={layer} chosen={chosen} onChoose={onChoose} />
      <table>
        <thead>
          <tr>
            <th scope="col">{say("Feature")}</th>
            {valued && <th scope="col">{say("Value")}</th>}
            <th scope="col" colSpan={2}>
              {heading(unitText(numbers, layer.unit))}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i} class={row.isSum ? "bars-rest" : undefined}>
              <th scope="row">{row.name}</th>
              {valued && <td class="bars-value">{row.value === null ? "" : number(row.value)}</td>}
              <td class="bars-track">
                <span class="bars-zero" style={{ left: `${zero}%` }} />
                {Number.isFinite(row.score) && (
                  <span
                    class={row.score < 0 ? "bar bar-against" : "bar bar-for"}
                    style={{
                      left: `${zero + (100 * Math.min(row.score, 0)) / span}%`,
                      width: `${(100 * Math.abs(row.score)) / span}%`,
                    }}
                  />
                )}
              </td>
              <td class="bars-score" title={exact(row.score)}>
                {Number.isFinite(row.score) ? numberText(numbers, row.score) : say("not a finite number")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Sentences layer={layer} said={remarksOnBars(layer.vector, rows)} />
    </figure>
  );
}
