// What the model answers, as rows with bars: whatever kind of output it has.
import type { ExplainAnswer, Json } from "../answer/documents";
import { number } from "../viewer/numbers";
import { say } from "../words";
import type { Answer } from "./server";

export interface Row {
  index: number | null; // of a class
  label: string;
  share: number | null; // length of the bar, 0 to 1
  text: string; // the number beside it
}

export interface Prediction {
  kind: string;
  guessed: boolean;
  rows: Row[];
}

interface Entry {
  index: number;
  label?: string;
  score?: number | null;
  probability?: number | null;
  share?: number;
}

interface Document {
  kind?: string;
  guessed?: boolean;
  top?: Entry[];
  classes?: Entry[]; // of a dense output, by the area they take
  values?: Json;
  label?: string;
  score?: number;
  probability?: number;
  smallest?: number;
  largest?: number;
  mean?: number;
}

const fewest = 4; // significant digits
const least = 0.0005; // what is less has no digit to show

// With one decimal, so that a column of them is aligned; never "100.0 %" for what is less.
export function percentInColumn(share: number): string {
  if (share > 0 && share < least) return "< 0.1 %";
  return (share < 1 ? Math.min(100 * share, 99.9) : 100).toFixed(1) + " %";
}

export const nameOfClass = (index: number, label?: string): string => (label ? label : say("class {0}", index));

function rowOf(entry: Entry): Row {
  const share = entry.probability ?? entry.share ?? null;
  const text = share !== null ? percentInColumn(share) : number(entry.score ?? NaN, fewest);
  return { index: entry.index, label: nameOfClass(entry.index, entry.label), share, text };
}

function plain(label: string, value: number): Row {
  return { index: null, label, share: null, text: number(value, fewest) };
}

const numbersIn = (value: Json): number[] => (Array.isArray(value) ? value.flatMap(numbersIn) : [Number(value)]);

function rowsOf(document: Document): Row[] {
  const classes = document.top ?? document.classes;
  if (classes) return classes.map(rowOf);
  if (document.probability !== undefined) {
    const { label = say("yes"), probability } = document;
    return [{ index: null, label, share: probability, text: percentInColumn(probability) }];
  }
  if (Array.isArray(document.values))
    return numbersIn(document.values).map((value, i) => plain(say("output {0}", i), value));
  const { smallest, mean, largest } = document;
  if (smallest === undefined || mean === undefined || largest === undefined) return [];
  return [plain(say("smallest"), smallest), plain(say("mean"), mean), plain(say("largest"), largest)];
}

function predictionOf(document: Document): Prediction {
  return { kind: document.kind ?? "", guessed: document.guessed ?? false, rows: rowsOf(document) };
}

export function fromExplain(record: ExplainAnswer): Prediction | null {
  if (!record.prediction) return null;
  const target = record.target as { output_kind?: string; output_kind_guessed?: boolean };
  const guessed = target.output_kind_guessed ?? false;
  return predictionOf({ kind: target.output_kind ?? "", guessed, ...(record.prediction as Document) });
}

export function fromPredict(answer: Answer): Prediction | null {
  type Outputs = { outputs?: { kind?: string; guessed?: boolean; samples?: Document[] }[] }[];
  const first = (answer.document["answers"] as Outputs | undefined)?.[0]?.outputs?.[0];
  const sample = first?.samples?.[0];
  return first && sample ? predictionOf({ ...first, ...sample }) : null;
}

// Every class's number out of the raw output, as the kind of output reads it. null: not classes.
export function sharesOf(kind: string, raw: Float32Array): Float64Array | null {
  if (raw.length < 2) return null;
  if (kind === "probabilities") return Float64Array.from(raw);
  if (kind === "multilabel") return Float64Array.from(raw, (value) => 1 / (1 + Math.exp(-value)));
  if (kind !== "logits") return null;
  const largest = raw.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(raw, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
