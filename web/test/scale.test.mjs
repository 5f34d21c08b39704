import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const { colourScores, exact, number, numbersFor, numberText, percent, position, rangeOf, remarks, remarksOnBars, resample, rowsOf, scaleOf, shareScales, unitText } =
  await source("viewer/scale", "viewer/paint", "viewer/numbers", "viewer/resample", "viewer/bars");

const texts = (scale) => remarks(scale).map((remark) => remark.text);

test("maps of one sign go from 0 to the largest, signed ones have 0 in the middle", () => {
  const one = scaleOf([0, 1, 4]);
  assert.deepEqual([one.low, one.high, one.diverging, position(one, 1)], [0, 4, false, 0.25]);
  const two = scaleOf([-8, 0, 2]);
  assert.deepEqual([two.low, two.high, two.diverging], [-8, 8, true]);
  assert.deepEqual([position(two, 0), position(two, -8), position(two, 2), position(two, 99)], [0.5, 0, 0.625, 1]);
  assert.ok(Number.isNaN(position(two, NaN)));
});

test("the positive part begins at 0 and says what is below", () => {
  const scale = scaleOf([-3, 0, 2], true);
  assert.deepEqual([scale.low, scale.high, position(scale, -3)], [0, 2, 0]);
  assert.deepEqual(texts(scale), ["positive part shown; the lowest score is -3"]);
});

test("the clip is the order statistic of rank ceil(q·n), which never bites in small maps", () => {
  const small = scaleOf(Array.from({ length: 199 }, (_, i) => i));
  assert.deepEqual([small.high, small.clipped], [198, 0]);
  const large = scaleOf(Array.from({ length: 1000 }, (_, i) => -i));
  assert.deepEqual([large.high, large.clipped], [995, 4]); // rank 995 of 1..999
  assert.deepEqual(texts(large), ["the scale ends at the 99.5 % quantile of the magnitudes above 0; 4 of 1000 scores lie beyond, up to -999"]);
  // Mostly 0: the few strong places keep their differences.
  const sparse = scaleOf([...new Array(3000).fill(0), ...Array.from({ length: 20 }, (_, i) => i + 1)]);
  assert.deepEqual([sparse.high, sparse.clipped], [20, 0]);
});

test("flat and broken maps are said to be so", () => {
  assert.deepEqual(remarks(scaleOf([2, 2, 2])), [{ text: "no attribution: the map is constant 2", alarm: true }]);
  assert.deepEqual(texts(scaleOf([NaN, Infinity])), ["no attribution: no score of the map is a finite number"]);
  assert.deepEqual(texts(scaleOf([-2, -1], true)), ["no positive attribution: the scores lie between -2 and -1"]);
  assert.deepEqual(texts(scaleOf([NaN, 0, 1])), ["1 of 3 scores are not finite: hatched"]);
  assert.ok(scaleOf([2, 2]).flat && scaleOf([NaN]).flat && !scaleOf([0, 1]).flat);
});

test("a shared scale is the widest, signed if one of its maps is, and leaves flat maps out", () => {
  const [one, two, flat] = shareScales([scaleOf([0, 1]), scaleOf([-4, 2]), scaleOf([9, 9])]);
  assert.deepEqual([one.low, one.high, one.diverging, one.shared], [-4, 4, true, 2]);
  assert.deepEqual([position(one, 1), position(two, -4)], [0.625, 0]);
  assert.deepEqual([flat.flat, flat.shared], [true, 1]);
  assert.equal(shareScales([scaleOf([0, 1]), scaleOf([9, 9])])[0].shared, 1);
});

test("what a threshold leaves is a share of where the scale ends, and nothing left is told", () => {
  const scores = Float32Array.of(0.5, -3, 4, 0);
  const scale = scaleOf(scores);
  const drawn = (threshold) => {
    const pixels = new Uint32Array(4);
    const something = colourScores(scores, 2, scale, "viridis", threshold, pixels);
    return [something, ...[...pixels].map((pixel) => pixel !== 0)];
  };
  assert.deepEqual(drawn(0), [true, true, true, true, true]);
  assert.deepEqual(drawn(0.7), [true, false, true, true, false]);
  assert.deepEqual(drawn(1), [true, false, false, true, false]);
  // On a scale that a stronger map shares.
  const [weak] = shareScales([scale, scaleOf([0, 100])]);
  assert.equal(colourScores(scores, 2, weak, "viridis", 0.5, new Uint32Array(4)), false);
});

test("numbers have the engine's digits", () => {
  assert.deepEqual([0.5, 1234567, 0.00012345, 1e-7, -0.002, 100].map((value) => number(value)), ["0.5", "1.235e+06", "0.0001234", "1e-07", "-0.002", "100"]);
  assert.deepEqual([percent(0.3946), percent(0.99999), percent(1)], ["39.5 %", "99.999 %", "100 %"]);
  const small = numbersFor(0.00234);
  assert.deepEqual([numberText(small, -0.00234), unitText(small, "logit")], ["−2.34", "× 10⁻³ logit"]);
  assert.deepEqual([numberText(numbersFor(9.996), 9.996), numberText(numbersFor(0.5), 0)], ["10.0", "0"]);
});

test("the value that is read out is the float32 itself in the fewest digits", () => {
  for (const value of [0.1, -1 / 3, 123456.789, 3.4e-39, 16777217, 5e-45]) {
    const single = Math.fround(value);
    const text = exact(single);
    assert.equal(Math.fround(Number(text.replace("−", "-"))), single, text);
  }
  assert.deepEqual([exact(Math.fround(0.1)), exact(NaN), exact(0)], ["0.1", "NaN", "0"]);
  // Scores kept in steps of 0.01: digits beyond them would be invented.
  assert.equal(exact(Math.fround(0.123), 0.01), "0.12");
});

test("scaling up keeps constants and extremes, and is Catmull-Rom between the cells", () => {
  const grid = (height, width, numbers) => ({ height, width, values: Float32Array.from(numbers) });
  assert.ok(resample(grid(2, 2, [3, 3, 3, 3]), 5, 7).every((value) => Math.abs(value - 3) < 1e-6));
  // Halfway between the middle two of 0 0 1 1 the kernel's weights are -1/16, 9/16, 9/16, -1/16; 8 → 12 samples no centre.
  const edge = resample(grid(1, 4, [0, 0, 1, 1]), 1, 8);
  const kernel = [-0.0703125, 0.8671875, 0.2265625, -0.0234375]; // at a quarter of a cell
  assert.ok(Math.abs(edge[3] - (kernel[2] * 1 + kernel[3] * 1)) < 1e-6);
  assert.ok(Math.abs(edge[4] - (1 - edge[3])) < 1e-6);
  assert.ok([...edge].every((value) => value >= 0 && value <= 1));
});

test("a score that is no number spoils its own cell and no other", () => {
  const spoiled = resample({ height: 3, width: 3, values: Float32Array.of(1, 1, 1, 1, NaN, 1, 1, 1, 1) }, 9, 9);
  spoiled.forEach((value, i) => {
    const within = [Math.floor(i / 9), i % 9].every((at) => at >= 3 && at < 6);
    if (within) assert.ok(Number.isNaN(value), `${i}`);
    else assert.ok(Math.abs(value - 1) < 1e-5, `${i}: ${value}`);
  });
});

test("bars: broken scores first, then the largest magnitudes, the rest summed", () => {
  const scores = [...Array.from({ length: 24 }, (_, i) => (i % 2 ? -i : i)), NaN];
  const vector = { names: null, values: [], scores };
  const rows = rowsOf(vector);
  assert.equal(rows.length, 21);
  assert.deepEqual([rows[0].name, rows[1].score, rows[2].score], ["feature 24", -23, 22]);
  assert.deepEqual([rows[20].name, rows[20].score, rows[20].isSum], ["the other 5, summed", 0 - 1 + 2 - 3 + 4, true]);
  assert.deepEqual(rangeOf(rows), { low: -23, high: 22 });
  assert.deepEqual(remarksOnBars(vector, rows).map((remark) => remark.text), [
    "1 of 25 scores are not finite",
    "the 20 largest of 25 scores; the others are one bar, summed",
  ]);
  assert.equal(rowsOf({ names: ["a"], values: [], scores: new Array(21).fill(1) }).length, 21);
});
