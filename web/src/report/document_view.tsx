// Any document as nested lists and tables, by its form alone: an operation that is added later needs no line here.
import "./document.css";
import type { ComponentChildren } from "preact";
import type { Json } from "../answer/documents";
import { number } from "../viewer/numbers";
import { say } from "../words";
import { isTopList } from "./sentences";
import { TopClasses } from "./top_classes";

type Fields = { [key: string]: Json };

const shortText = 90;
const mostColumns = 8;
const mostInLine = 16;
const mostFieldsInLine = 5;

function isFields(json: Json | undefined): json is Fields {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}

function isScalar(json: Json | undefined): boolean {
  return json === undefined || json === null || typeof json !== "object";
}

/** A value in one line. */
export function plain(json: Json | undefined): string {
  if (json === undefined || json === null || json === "") return "\u2014";
  if (typeof json === "boolean") return String(json);
  if (typeof json === "number") return Number.isInteger(json) ? String(json) : number(json, 6);
  if (typeof json === "string") return json;
  if (!Array.isArray(json))
    return Object.entries(json)
      .map(([key, value]) => `${key.replaceAll("_", " ")} ${plain(value)}`)
      .join(" \u00b7 ");
  return json.length > 0 ? json.map(plain).join(", ") : "\u2014";
}

// Small enough for a table's cell or a list's line.
function isShort(json: Json | undefined): boolean {
  if (isScalar(json)) return typeof json !== "string" || (json.length <= shortText && !json.includes("\n"));
  if (Array.isArray(json)) return json.length <= mostInLine && json.every((each) => isScalar(each) && isShort(each));
  const fields = Object.values(json as Fields);
  return fields.length <= mostFieldsInLine && fields.every((each) => !isFields(each) && isShort(each)) && plain(json).length <= shortText;
}

/** "seconds_per_sample" → "Seconds per sample" */
function label(key: string): string {
  if (key === "sha256") return "SHA-256";
  const words = key.replaceAll("_", " ");
  return say(words.charAt(0).toUpperCase() + words.slice(1));
}

const apart: ReadonlySet<string> = new Set(["reproduce"]); // shown by its own part
const first: ReadonlySet<string> = new Set(["answers"]); // what was asked for comes before what it was asked of

const spoken: ReadonlySet<string> = new Set(["words", "notes", "warnings", "conversions"]); // sentences of the engine

function inWords(json: Json): Json {
  if (typeof json === "string") return say(json);
  return Array.isArray(json) ? json.map(inWords) : json;
}

// What a list's entry is called by.
const callings: readonly string[] = ["name", "input"];

export function DocumentView({ json }: { json: Json }) {
  return (
    <div class="document">
      <Value json={json} depth={0} />
    </div>
  );
}

function Value({ json, depth }: { json: Json; depth: number }): ComponentChildren {
  if (isTopList(json)) return <TopClasses top={json} />;
  if (Array.isArray(json)) return <List items={json} depth={depth} />;
  if (isFields(json)) return <FieldList fields={json} depth={depth} />;
  const text = plain(json);
  return text.includes("\n") ? <pre tabIndex={0}>{text}</pre> : text;
}

// After the answers: what fits a line, then what needs a part of its own.
function FieldList({ fields, depth }: { fields: Fields; depth: number }) {
  const entries = Object.entries(fields)
    .filter(([key]) => !apart.has(key))
    .map(([key, value]): [string, Json] => [key, spoken.has(key) ? inWords(value) : value]);
  const short = entries.filter(([, value]) => isShort(value) || isScalar(value));
  const long = entries.filter(([, value]) => !isShort(value) && !isScalar(value));
  const parts = (some: [string, Json][]) =>
    some.map(([key, value]) => (
      <Part key={key} name={label(key)} depth={depth} count={Array.isArray(value) ? value.length : 0}>
        <Value json={value} depth={depth + 1} />
      </Part>
    ));
  return (
    <>
      {parts(long.filter(([key]) => first.has(key)))}
      {short.length > 0 && (
        <dl class="facts">
          {short.map(([key, value]) => (
            <div key={key}>
              <dt>{label(key)}</dt>
              <dd>{isScalar(value) ? <Value json={value} depth={depth + 1} /> : plain(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {parts(long.filter(([key]) => !first.has(key)))}
    </>
  );
}

interface PartProperties {
  name: string;
  depth: number;
  count: number; // of a list's entries
  children: ComponentChildren;
}

function Part({ name, depth, count, children }: PartProperties) {
  if (depth === 0)
    return (
      <section class="part">
        <h2>
          {name} {count > 1 && <span class="count">{count}</span>}
        </h2>
        {children}
      </section>
    );
  return (
    <details class="part" open={count <= 40}>
      <summary>
        {name} {count > 1 && <span class="count">{count}</span>}
      </summary>
      {children}
    </details>
  );
}

function columnsOf(items: readonly Json[]): string[] | null {
  if (!items.every(isFields)) return null;
  const columns = [...new Set(items.flatMap((item) => Object.keys(item as Fields)))];
  const flat = items.every((item) => Object.values(item as Fields).every((value) => isScalar(value) || isShort(value)));
  return flat && columns.length > 1 && columns.length <= mostColumns ? columns : null;
}

function List({ items, depth }: { items: readonly Json[]; depth: number }) {
  if (items.length === 0) return "\u2014";
  const columns = columnsOf(items);
  if (columns !== null) return <Table columns={columns} items={items as Fields[]} />;
  if (items.every(isShort)) {
    // Sentences stand below each other, numbers beside.
    const sentences = items.some((item) => typeof item === "string" && item.includes(" "));
    return sentences ? (
      <ul class="lines">
        {items.map((item, i) => (
          <li key={i}>{plain(item)}</li>
        ))}
      </ul>
    ) : (
      <p class="run">{plain(items as Json[])}</p>
    );
  }
  return (
    <ol class="entries">
      {items.map((item, i) => (
        <li key={i}>
          <Entry json={item} depth={depth + 1} />
        </li>
      ))}
    </ol>
  );
}

function Entry({ json, depth }: { json: Json; depth: number }) {
  const calling = isFields(json) ? callings.find((key) => typeof json[key] === "string" && json[key] !== "") : undefined;
  if (!isFields(json) || calling === undefined) return <Value json={json} depth={depth} />;
  const { [calling]: name, ...rest } = json;
  return (
    <>
      <h3>{plain(name)}</h3>
      <Value json={rest} depth={depth} />
    </>
  );
}

function Table({ columns, items }: { columns: readonly string[]; items: readonly Fields[] }) {
  const numeric = (key: string): boolean => items.every((item) => item[key] === undefined || typeof item[key] === "number");
  return (
    <div class="table" tabIndex={0} role="region" aria-label={columns.map(label).join(", ")}>
      <table>
        <thead>
          <tr>
            {columns.map((key) => (
              <th key={key} scope="col" class={numeric(key) ? "figure" : undefined}>
                {label(key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, i) => (
            <tr key={i}>
              {columns.map((key) => (
                <td key={key} class={numeric(key) ? "figure" : undefined}>
                  {item[key] === undefined ? "" : plain(item[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
