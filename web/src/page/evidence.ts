// What can be said in words of a map: where its weight lies, on how much of the area, and how far
// two maps agree. Nothing here knows a method.
import type { Plane } from "../viewer/types";

export interface Weight {
  share: number; // of the area: the fewest places that hold half of the weight
  x: number; // their centre, from 0 (left) to 1 (right)
  y: number;
}

// Of the positive (sign 1) or the negative part (sign -1). null: there is none.
export function weightOf(plane: Plane, sign: 1 | -1): Weight | null {
  const parts: { at: number; weight: number }[] = [];
  let total = 0;
  plane.values.forEach((value, at) => {
    const weight = value * sign;
    if (!(weight > 0) || !Number.isFinite(weight)) return;
    parts.push({ at, weight });
    total += weight;
  });
  if (total === 0) return null;
  parts.sort((a, b) => b.weight - a.weight);
  let sum = 0;
  let count = 0;
  let x = 0;
  let y = 0;
  for (const { at, weight } of parts) {
    sum += weight;
    count += 1;
    x += weight * ((at % plane.width) + 0.5);
    y += weight * (Math.floor(at / plane.width) + 0.5);
    if (sum >= total / 2) break;
  }
  return {
    share: count / plane.values.length,
    x: x / sum / plane.width,
    y: y / sum / plane.height,
  };
}

export function isFlat(plane: Plane): boolean {
  let smallest = Infinity;
  let largest = -Infinity;
  for (const value of plane.values) {
    if (!Number.isFinite(value)) continue;
    smallest = Math.min(smallest, value);
    largest = Math.max(largest, value);
  }
  return !(largest > smallest);
}

// Mean magnitude in each cell of a coarser grid; a cell that is smaller than a place takes the
// place it lies in.
export function pooled(plane: Plane, height: number, width: number): Float64Array {
  const cells = new Float64Array(height * width);
  for (let row = 0; row < height; ++row) {
    const top = Math.floor((row * plane.height) / height);
    const bottom = Math.max(top + 1, Math.ceil(((row + 1) * plane.height) / height));
    for (let column = 0; column < width; ++column) {
      const left = Math.floor((column * plane.width) / width);
      const right = Math.max(left + 1, Math.ceil(((column + 1) * plane.width) / width));
      let sum = 0;
      for (let y = top; y < bottom; ++y)
        for (let x = left; x < right; ++x) sum += Math.abs(plane.values[y * plane.width + x] ?? 0);
      cells[row * width + column] = sum / ((bottom - top) * (right - left));
    }
  }
  return cells;
}

// Ranks from 0; equal values share the mean of their ranks.
function ranks(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const result = new Float64Array(values.length);
  for (let i = 0; i < order.length;) {
    let end = i + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[i] ?? 0]) ++end;
    for (let k = i; k < end; ++k) result[order[k] ?? 0] = (i + end - 1) / 2;
    i = end;
  }
  return result;
}

// Spearman's rank correlation. NaN where one of the two is constant.
export function rankCorrelation(a: Float64Array, b: Float64Array): number {
  const one = ranks(a);
  const two = ranks(b);
  const mean = (a.length - 1) / 2;
  let product = 0;
  let ofOne = 0;
  let ofTwo = 0;
  one.forEach((rank, i) => {
    const other = (two[i] ?? 0) - mean;
    product += (rank - mean) * other;
    ofOne += (rank - mean) ** 2;
    ofTwo += other ** 2;
  });
  return product / Math.sqrt(ofOne * ofTwo);
}

// How far two maps point to the same places: the rank correlation of their magnitudes on the
// coarser of the two grids.
export function agreement(a: Plane, b: Plane): number {
  const height = Math.min(a.height, b.height);
  const width = Math.min(a.width, b.width);
  return rankCorrelation(pooled(a, height, width), pooled(b, height, width));
}
