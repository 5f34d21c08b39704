// A map at another size for display, as the engine's pictures have it (pellucid/render/resample.cpp): Catmull-Rom,
// separable, centred at (i + 0.5)·in/out - 0.5, widened when shrinking, clamped to the finite extremes so that no
// ringing invents a score. A score that is not finite spoils only its own cell.

interface Taps {
  first: number;
  weights: number[];
}

function kernel(at: number): number {
  const x = Math.abs(at);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

function cubicTaps(from: number, to: number): Taps[] {
  const ratio = from / to;
  const widened = Math.max(1, ratio);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * ratio - 0.5;
    const low = Math.ceil(centre - 2 * widened),
      high = Math.floor(centre + 2 * widened);
    const first = clamp(low, 0, from - 1);
    const weights = new Array<number>(clamp(high, 0, from - 1) - first + 1).fill(0);
    let sum = 0;
    for (let j = low; j <= high; ++j) {
      const weight = kernel((j - centre) / widened);
      // Beyond the edge the outermost cell repeats.
      const at = clamp(j, 0, from - 1) - first;
      weights[at] = (weights[at] ?? 0) + weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

// [outer, from, inner] → [outer, to, inner]
function apply(values: Float32Array, outer: number, from: number, inner: number, rows: readonly Taps[]): Float32Array {
  const to = rows.length;
  const result = new Float32Array(outer * to * inner);
  for (let o = 0; o < outer; ++o)
    for (let i = 0; i < to; ++i) {
      const row = rows[i] as Taps;
      const target = (o * to + i) * inner;
      let source = (o * from + row.first) * inner;
      for (const weight of row.weights) {
        for (let k = 0; k < inner; ++k) result[target + k]! += weight * values[source + k]!;
        source += inner;
      }
    }
  return result;
}

export interface Grid {
  height: number;
  width: number;
  values: Float32Array;
}

/** The cell that a place from 0 to 1 along `cells` of them lies in. */
export function cellAt(share: number, cells: number): number {
  return clamp(Math.floor(share * cells), 0, cells - 1);
}

export function resample(map: Grid, height: number, width: number): Float32Array {
  const down = cubicTaps(map.height, height),
    across = cubicTaps(map.width, width);
  const both = (values: Float32Array): Float32Array =>
    apply(apply(values, map.height, map.width, 1, across), 1, map.height, width, down);
  let least = Infinity,
    most = -Infinity,
    spoiled = false;
  for (const value of map.values) {
    if (Number.isFinite(value)) {
      if (value < least) least = value;
      if (value > most) most = value;
    } else spoiled = true;
  }
  const result = both(spoiled ? map.values.map((value) => (Number.isFinite(value) ? value : 0)) : map.values);
  const present = spoiled ? both(map.values.map((value) => (Number.isFinite(value) ? 1 : 0))) : null;
  for (let y = 0; y < height; ++y) {
    const row = cellAt((y + 0.5) / height, map.height) * map.width;
    for (let x = 0; x < width; ++x) {
      const i = y * width + x;
      if (present !== null) {
        if (!Number.isFinite(map.values[row + cellAt((x + 0.5) / width, map.width)])) {
          result[i] = NaN;
          continue;
        }
        // Where the kernel's negative lobes leave next to no weight a quotient would be noise.
        result[i]! /= Math.max(present[i]!, 0.25);
      }
      result[i] = clamp(result[i]!, least, most);
    }
  }
  return result;
}
