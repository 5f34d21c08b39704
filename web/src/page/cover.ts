// Which parts of a photo are covered: a grid of cells, small enough to be written into a link.
import type { Plane, Seen } from "../viewer/types";

const longest = 28; // cells along the longer side
const bitsPerDigit = 6;
// 64 characters that a URL takes as they are.
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

export interface Cover {
  rows: number;
  columns: number;
  cells: Uint8Array; // row by row; 1: covered
}

export function emptyCover(width: number, height: number): Cover {
  const scale = longest / Math.max(width, height);
  const rows = Math.max(1, Math.round(height * scale));
  const columns = Math.max(1, Math.round(width * scale));
  return { rows, columns, cells: new Uint8Array(rows * columns) };
}

export const coveredShare = (cover: Cover): number =>
  cover.cells.reduce((sum, cell) => sum + cell, 0) / cover.cells.length;

// Six cells a character; "" where nothing is covered.
export function writeCover(cover: Cover): string {
  if (!cover.cells.includes(1)) return "";
  let text = "";
  for (let at = 0; at < cover.cells.length; at += bitsPerDigit) {
    let digit = 0;
    for (let bit = 0; bit < bitsPerDigit; ++bit) digit |= (cover.cells[at + bit] ?? 0) << bit;
    text += digits[digit];
  }
  return text;
}

export function readCover(text: string, width: number, height: number): Cover {
  const cover = emptyCover(width, height);
  for (let i = 0; i < text.length; ++i) {
    const digit = digits.indexOf(text[i] ?? "");
    for (let bit = 0; digit >= 0 && bit < bitsPerDigit; ++bit) {
      const at = i * bitsPerDigit + bit;
      if (at < cover.cells.length) cover.cells[at] = (digit >> bit) & 1;
    }
  }
  return cover;
}

export function withCells(cover: Cover, places: Iterable<number>, covered: boolean): Cover {
  const cells = cover.cells.slice();
  for (const place of places) if (place >= 0 && place < cells.length) cells[place] = covered ? 1 : 0;
  return { ...cover, cells };
}

// The cells within `radius` cells of a point of the photo (both from 0 to 1).
export function cellsAround(cover: Cover, x: number, y: number, radius: number): number[] {
  const found: number[] = [];
  for (let row = 0; row < cover.rows; ++row)
    for (let column = 0; column < cover.columns; ++column) {
      const distance = Math.hypot(column + 0.5 - x * cover.columns, row + 0.5 - y * cover.rows);
      if (distance <= radius) found.push(row * cover.columns + column);
    }
  return found;
}

// Bilinear between the centres of the plane's places; u and v from 0 to 1.
function sample(plane: Plane, u: number, v: number): number {
  const x = Math.min(Math.max(u * plane.width - 0.5, 0), plane.width - 1);
  const y = Math.min(Math.max(v * plane.height - 0.5, 0), plane.height - 1);
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(left + 1, plane.width - 1);
  const bottom = Math.min(top + 1, plane.height - 1);
  const value = (row: number, column: number) => plane.values[row * plane.width + column] ?? 0;
  const upper = value(top, left) + (value(top, right) - value(top, left)) * (x - left);
  const lower = value(bottom, left) + (value(bottom, right) - value(bottom, left)) * (x - left);
  return upper + (lower - upper) * (y - top);
}

const subdivisions = 4; // a cell's score is a mean over this many points each way

// The cells that the map scores highest (or lowest), so many that they make up `share` of what the
// model saw.
export function cellsByScore(
  end: "highest" | "lowest",
  share: number,
  cover: Cover,
  plane: Plane,
  seen: Seen | null,
  photo: { width: number; height: number },
): number[] {
  const area = seen ?? { x: 0, y: 0, width: photo.width, height: photo.height };
  const scored: { at: number; score: number }[] = [];
  for (let at = 0; at < cover.cells.length; ++at) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < subdivisions * subdivisions; ++i) {
      const inX = ((i % subdivisions) + 0.5) / subdivisions;
      const inY = (Math.floor(i / subdivisions) + 0.5) / subdivisions;
      const x = (((at % cover.columns) + inX) / cover.columns) * photo.width;
      const y = ((Math.floor(at / cover.columns) + inY) / cover.rows) * photo.height;
      const u = (x - area.x) / area.width;
      const v = (y - area.y) / area.height;
      if (u < 0 || u > 1 || v < 0 || v > 1) continue;
      sum += sample(plane, u, v);
      count += 1;
    }
    // A cell that lies mostly outside was not seen.
    if (count * 2 > subdivisions * subdivisions) scored.push({ at, score: sum / count });
  }
  scored.sort((a, b) => (end === "highest" ? b.score - a.score : a.score - b.score));
  return scored.slice(0, Math.round(scored.length * share)).map((each) => each.at);
}
