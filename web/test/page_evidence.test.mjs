import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const { agreement, isFlat, pooled, rankCorrelation, weightOf } = await source("page/evidence");
const plane = (height, width, values) => ({ height, width, values: Float32Array.from(values), step: 0 });
const close = (found, expected) => assert.ok(Math.abs(found - expected) < 1e-9, `${found} is not ${expected}`);

test("half of the weight lies in the fewest places that hold it, and has their centre", () => {
  const weight = weightOf(plane(2, 4, [0, 0, 0, 6, 1, 1, 1, 1]), 1);
  assert.deepEqual(weight, { share: 1 / 8, x: 3.5 / 4, y: 0.5 / 2 });
});

test("each sign has its own weight, and a sign without scores has none", () => {
  const map = plane(1, 4, [-4, 0, 0, 1]);
  close(weightOf(map, -1).x, 0.5 / 4);
  close(weightOf(map, 1).x, 3.5 / 4);
  assert.equal(weightOf(plane(1, 2, [1, 2]), -1), null);
  assert.equal(weightOf(plane(1, 2, [NaN, Infinity]), 1), null);
});

test("a map of one value is flat, scores that are not finite do not count", () => {
  assert.ok(isFlat(plane(1, 3, [2, 2, NaN])));
  assert.ok(!isFlat(plane(1, 3, [2, 2, 2.5])));
});

test("the rank correlation of any rising function is 1, of its mirror -1, with ties by their mean rank", () => {
  const x = Float64Array.of(3, 1, 2, 5, 4);
  close(rankCorrelation(x, x.map(Math.exp)), 1);
  close(
    rankCorrelation(
      x,
      x.map((value) => -value),
    ),
    -1,
  );
  // By hand: ranks (0.5, 0.5, 2) and (0, 1, 2): 1.5 / sqrt(1.5 * 2).
  close(rankCorrelation(Float64Array.of(1, 1, 2), Float64Array.of(1, 2, 3)), 1.5 / Math.sqrt(3));
  assert.ok(Number.isNaN(rankCorrelation(Float64Array.of(1, 1), Float64Array.of(1, 2))));
});

test("planes are compared by their magnitudes on the coarser grid", () => {
  const fine = plane(4, 4, [-1, 1, 2, 2, 1, -1, 2, 2, 3, 3, 4, -4, 3, 3, 4, 4]);
  assert.deepEqual([...pooled(fine, 2, 2)], [1, 2, 3, 4]);
  close(agreement(fine, plane(2, 2, [10, 20, 30, 40])), 1);
  close(agreement(plane(2, 2, [40, 30, 20, 10]), fine), -1);
});
