// Which rows the picture of a vector has: the rules of pellucid/render/bars.cpp. The largest magnitudes first, scores
// that are no numbers before them, the others summed in one last row.
import { say } from "../words";
import type { Remark } from "./scale";
import type { Vector } from "./types";

export interface Row {
  name: string;
  value: number | null; // of the input
  score: number;
  isSum: boolean;
}

const most = 20;

export function rowsOf({ names, values, scores }: Vector): Row[] {
  const weight = (i: number): number => {
    const score = scores[i] ?? NaN;
    return Number.isFinite(score) ? Math.abs(score) : Infinity;
  };
  const order = scores.map((_, i) => i).sort((a, b) => (weight(a) === weight(b) ? a - b : weight(b) - weight(a)));
  // A sum of one feature would only hide its name.
  const shown = order.length === most + 1 ? most + 1 : Math.min(order.length, most);
  const rows = order.slice(0, shown).map((i) => ({
    name: names?.[i] || say("feature {0}", i),
    value: values[i] ?? null,
    score: scores[i] ?? NaN,
    isSum: false,
  }));
  const rest = order.slice(shown);
  if (rest.length > 0)
    rows.push({
      name: say("the other {0}, summed", rest.length),
      value: null,
      score: rest.reduce((sum, i) => sum + (scores[i] ?? NaN), 0),
      isSum: true,
    });
  return rows;
}

/** The scores at the two ends of the bars of several vectors; they always hold 0. */
export function rangeOf(rows: readonly Row[]): { low: number; high: number } {
  const finite = rows.map((row) => row.score).filter(Number.isFinite);
  return { low: Math.min(0, ...finite), high: Math.max(0, ...finite) };
}

export function remarksOnBars({ scores }: Vector, rows: readonly Row[]): Remark[] {
  const missing = scores.filter((score) => !Number.isFinite(score)).length;
  const lines: Remark[] = [];
  if (missing === scores.length) lines.push({ text: say("no attribution: no score is a finite number"), alarm: true });
  else if (scores.every((score) => score === 0 || !Number.isFinite(score)))
    lines.push({ text: say("no attribution: every score is 0"), alarm: true });
  if (missing > 0 && missing < scores.length)
    lines.push({ text: say("{0} of {1} scores are not finite", missing, scores.length), alarm: true });
  if (rows.at(-1)?.isSum)
    lines.push({
      text: say("the {0} largest of {1} scores; the others are one bar, summed", rows.length - 1, scores.length),
      alarm: false,
    });
  return lines;
}
