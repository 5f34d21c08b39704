import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const {
  cellsAround,
  cellsByScore,
  coveredShare,
  emptyCover,
  pointOfPhoto,
  readCover,
  unchanged,
  withCells,
  writeCover,
} = await source("page/cover", "page/changed_photo", "page/state");

test("a cover is read as it was written, whatever is covered", () => {
  const empty = emptyCover(640, 427);
  assert.deepEqual([empty.rows, empty.columns], [19, 28]);
  const some = withCells(empty, [0, 5, 6, 27, 28, 19 * 28 - 1, -1, 10_000], true);
  assert.equal(coveredShare(some) * some.cells.length, 6);
  assert.deepEqual(readCover(writeCover(some), 640, 427), some);
  assert.equal(writeCover(withCells(some, some.cells.keys(), false)), "");
});

test("text that is no cover covers nothing beyond its cells", () => {
  assert.equal(coveredShare(readCover("\u00fc !", 100, 100)), 0);
  assert.equal(coveredShare(readCover("_".repeat(9999), 100, 100)), 1);
});

test("the brush is round", () => {
  const cover = emptyCover(280, 280);
  assert.deepEqual(cellsAround(cover, 0.5 / 28, 0.5 / 28, 1), [0, 1, 28]);
});

test("the strongest cells lie where the map is high, within what the model saw", () => {
  const cover = emptyCover(280, 280);
  const plane = { height: 2, width: 2, values: Float32Array.of(0, 0, 0, 1), step: 0 };
  const photo = { width: 280, height: 280 };
  const seen = { x: 140, y: 0, width: 140, height: 280 };
  const strong = cellsByScore("highest", 0.1, cover, plane, seen, photo);
  assert.equal(strong.length, Math.round(0.1 * 14 * 28));
  assert.ok(
    strong.every((at) => at % 28 >= 21 && at >= 14 * 28),
    "lower right of the right half",
  );
  const weak = cellsByScore("lowest", 0.1, cover, plane, seen, photo);
  assert.ok(weak.every((at) => at % 28 >= 14) && !weak.some((at) => strong.includes(at)));
});

test("a point of the turned and mirrored picture is found in the photo", () => {
  assert.deepEqual(pointOfPhoto(unchanged, 0.2, 0.3), [0.2, 0.3]);
  // A quarter turn clockwise: what was at the lower left is now at the upper left.
  assert.deepEqual(pointOfPhoto({ ...unchanged, turns: 1 }, 0, 0), [0, 1]);
  assert.deepEqual(pointOfPhoto({ ...unchanged, turns: 2 }, 0.25, 0.25), [0.75, 0.75]);
  assert.deepEqual(pointOfPhoto({ ...unchanged, turns: 1, mirrored: true }, 0, 0), [1, 1]);
});
