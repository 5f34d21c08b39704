// Any answer's document, shown by its shape alone: what an operation that is not known here gives.
import type { Json } from "../../answer/documents";
import { number } from "../../viewer/numbers";
import { say } from "../../words";

const deepest = 6;
const firstRows = 200;
const digits = 6;

type Fields = { [key: string]: Json };

const isFields = (value: Json): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isPlain = (value: Json): boolean => typeof value !== "object" || value === null;

function plain(value: Json): string {
  if (value === null) return "\u2014";
  if (typeof value === "boolean") return value ? say("yes") : say("no");
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : number(value, digits);
  return String(value);
}

const words = (key: string): string => key.replaceAll("_", " ");

function Table({ rows }: { rows: Fields[] }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div class="scrolled" tabIndex={0} role="region" aria-label={say("Table")}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => <th key={column} scope="col">{words(column)}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, firstRows).map((row, i) => (
            <tr key={i}>
              {columns.map((column) => {
                const value = row[column] ?? null;
                return (
                  <td key={column} class={typeof value === "number" ? "number" : undefined}>
                    {column in row ? <Document value={value} depth={deepest - 1} /> : ""}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > firstRows && <p class="help">{say("{0} of {1} rows are shown", firstRows, rows.length)}</p>}
    </div>
  );
}

export function Document({ value, depth = 0 }: { value: Json; depth?: number }) {
  if (isPlain(value)) return <>{plain(value)}</>;
  if (depth > deepest) return <code>{JSON.stringify(value)}</code>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <>{"\u2014"}</>;
    if (value.every(isPlain)) return <>{value.map(plain).join(", ")}</>;
    const rows = value.filter(isFields);
    const flat = rows.length === value.length && rows.every((row) => Object.values(row).every((v) => isPlain(v) || (Array.isArray(v) && v.every(isPlain))));
    if (flat) return <Table rows={rows} />;
    return (
      <ol class="document-list">
        {value.map((item, i) => (
          <li key={i}>
            <Document value={item} depth={depth + 1} />
          </li>
        ))}
      </ol>
    );
  }
  return (
    <dl class="document">
      {Object.entries(value as Fields).map(([key, item]) => (
        <div key={key} class={isPlain(item) ? "document-line" : "document-part"}>
          <dt>{words(key)}</dt>
          <dd class={typeof item === "number" ? "number" : undefined}>
            <Document value={item} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
