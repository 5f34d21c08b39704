// From raw scores to positions on a colormap: the rules of pellucid/render/scale.cpp, and one scale for several maps.
// The scores themselves are never changed. The clip's quantile is the order statistic of rank ceil(q·n)
// of the magnitudes that are not 0.
import { say } from "../words";
import { number } from "./numbers";

/** Where a picture's scale ends: the quantile of the magnitudes that the engine's pictures take. */
export const pictureClip = 0.995;

export interface Scale {
  low: number; // the scores at the two ends of the colormap: 0 or -high
  high: number; // > 0
  diverging: boolean;
  positivePart: boolean;
  smallest: number; // the extremes of the finite raw scores
  largest: number;
  count: number;
  nonfinite: number;
  clipped: number; // scores beyond low..high
  clip: number;
  flat: boolean; // the map says nothing
  shared: number; // maps that have this scale in common; 1: its own
}

export interface Remark {
  text: string;
  alarm: boolean; // it changes what the map means
}

function quantile(magnitudes: Float64Array, q: number): number {
  return magnitudes.sort()[Math.max(Math.ceil(q * magnitudes.length) - 1, 0)] ?? 0;
}

export function scaleOf(values: ArrayLike<number>, positivePart = false, clip = pictureClip): Scale {
  let smallest = Infinity,
    largest = -Infinity,
    finite = 0,
    visible = 0; // not 0 as drawn
  const magnitudes = new Float64Array(values.length);
  for (let i = 0; i < values.length; ++i) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    smallest = Math.min(smallest, value);
    largest = Math.max(largest, value);
    ++finite;
    const drawn = positivePart ? Math.max(value, 0) : Math.abs(value);
    if (drawn > 0) magnitudes[visible++] = drawn;
  }
  if (finite === 0) smallest = largest = 0;
  const diverging = !positivePart && smallest < 0;
  const drawn = magnitudes.subarray(0, visible);
  const high = visible > 0 ? quantile(drawn, clip) : 1;
  return {
    low: diverging ? -high : 0,
    high,
    diverging,
    positivePart,
    smallest,
    largest,
    count: values.length,
    nonfinite: values.length - finite,
    clipped: beyond(drawn, high),
    clip,
    flat: finite === 0 || smallest === largest || (positivePart && largest <= 0),
    shared: 1,
  };
}

function beyond(magnitudes: Float64Array, end: number): number {
  return magnitudes.reduce((sum, magnitude) => sum + (magnitude > end ? 1 : 0), 0);
}

/** The scales of several maps of one unit, brought to one: the widest ends of all, signed if one of them is. */
export function shareScales(scales: readonly Scale[]): Scale[] {
  const telling = scales.filter((scale) => !scale.flat);
  if (telling.length < 2) return [...scales];
  const high = Math.max(...telling.map((scale) => scale.high));
  const diverging = telling.some((scale) => scale.diverging);
  return scales.map((scale) =>
    scale.flat ? scale : { ...scale, high, diverging, low: diverging ? -high : 0, shared: telling.length },
  );
}

/** Position = offset + slope · score, before it is clamped. */
export function line(scale: Scale): { offset: number; slope: number } {
  return scale.diverging ? { offset: 0.5, slope: 0.5 / scale.high } : { offset: 0, slope: 1 / scale.high };
}

/** 0..1 along the colormap, clamped. A NaN stays one. */
export function position(scale: Scale, score: number): number {
  const { offset, slope } = line(scale);
  return Math.min(Math.max(offset + slope * (scale.positivePart ? Math.max(score, 0) : score), 0), 1);
}

/** What a reader has to know of a scale; empty when there is nothing to say. */
export function remarks(scale: Scale): Remark[] {
  const short = (value: number): string => number(value, 3);
  if (scale.nonfinite === scale.count)
    return [{ text: say("no attribution: no score of the map is a finite number"), alarm: true }];
  const lines: Remark[] = [];
  const add = (text: string, alarm = false): void => void lines.push({ text, alarm });
  if (scale.smallest === scale.largest)
    add(say("no attribution: the map is constant {0}", short(scale.smallest)), true);
  else if (scale.flat)
    add(
      say("no positive attribution: the scores lie between {0} and {1}", short(scale.smallest), short(scale.largest)),
      true,
    );
  else if (scale.positivePart && scale.smallest < 0)
    add(say("positive part shown; the lowest score is {0}", short(scale.smallest)));
  else if (scale.positivePart) add(say("positive part shown; no score is negative"));
  if (scale.clipped > 0 && !scale.flat && scale.shared === 1)
    add(
      say(
        "the scale ends at the {0} % quantile of the magnitudes above 0; {1} of {2} scores lie beyond, up to {3}",
        number(100 * scale.clip),
        scale.clipped,
        scale.count,
        short(!scale.positivePart && -scale.smallest > scale.largest ? scale.smallest : scale.largest),
      ),
    );
  if (scale.shared > 1) add(say("one scale for the {0} maps of this unit", scale.shared));
  if (scale.nonfinite > 0) add(say("{0} of {1} scores are not finite: hatched", scale.nonfinite, scale.count), true);
  return lines;
}
