import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";
import { source } from "./source.mjs";

const { decodePlane, exhibitFromAnswers, reducePlane } = await source("answer/plane", "answer/exhibit");

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const zipped = (array) => deflateSync(Buffer.from(array.buffer)).toString("base64");

test("a plane of 32 bits is exact, NaN and all", async () => {
  const numbers = new Float32Array([0.1, -3e-20, NaN, 5, -0.25, Infinity]);
  const plane = await decodePlane({ height: 2, width: 3, bits: 32, step: 0, data: base64(numbers) });
  assert.deepEqual(plane, { height: 2, width: 3, values: numbers, step: 0 });
});

test("planes of 16 and 8 bits are integers times their step, the least of them no number", async () => {
  const wide = await decodePlane({ height: 1, width: 3, bits: 16, step: 0.5, data: zipped(new Int16Array([-32767, -32768, 3])) });
  assert.deepEqual([[...wide.values], wide.step], [[-16383.5, NaN, 1.5], 0.5]);
  const small = await decodePlane({ height: 3, width: 1, bits: 8, step: 0.25, data: zipped(new Int8Array([-127, -128, 127])) });
  assert.deepEqual([[...small.values], small.step], [[-31.75, NaN, 31.75], 0.25]);
});

test("a damaged plane is an error, not a map", async () => {
  const data = zipped(new Int8Array(4));
  await assert.rejects(decodePlane({ height: 2, width: 3, bits: 8, step: 1, data }), /4 bytes where its size needs 6/);
  await assert.rejects(decodePlane({ height: 2, width: 2, bits: 4, step: 1, data }), /4 bits/);
  await assert.rejects(decodePlane({ height: 2, width: 2, bits: 8, step: 1, data: data.slice(0, 8) }));
});

test("channels are summed, or the largest is taken, at each place", () => {
  const scores = [1, -2, 3, 4, 10, 20, -30, 40]; // [2, 2, 2]
  const plane = (reduction) => [...reducePlane(scores, [2, 2, 2], { height: 2, width: 2, reduction }).values];
  assert.deepEqual(plane("sum"), [11, 18, -27, 44]);
  assert.deepEqual(plane("largest"), [10, 20, 3, 40]);
  // [1, 2, 3]: three channels, kept last
  const last = reducePlane([1, 2, 3, 4, 5, 6], [1, 2, 3], { height: 1, width: 2, reduction: "sum" });
  assert.deepEqual([...last.values], [6, 15]);
  assert.ok(Number.isNaN(reducePlane([1, NaN], [2, 1, 1], { height: 1, width: 1, reduction: "largest" }).values[0]));
});

test("scores that are no plane of the size are an error", () => {
  assert.throws(() => reducePlane([1, 2, 3], [3], { height: 2, width: 1, reduction: "sum" }), /shape 3 is no plane of 2 × 1/);
  assert.throws(() => reducePlane([1, 2], [2, 1, 1], { height: 1, width: 1, reduction: "none" }), /no plane/);
});

const answer = (over) => ({
  input: "cat.png",
  target: { text: "282 tiger cat" },
  method: { name: "saliency", title: "Saliency", settings: {} },
  maps: [{ name: "x", shape: [2, 1, 2], unit: "u", positive_part_drawn: false, file: "a.npy", plane: { height: 1, width: 2, reduction: "sum" } }],
  checks: [{ name: "flat", verdict: "pass", words: "Fine." }],
  ...over,
});

test("live answers become layers, with what was seen in the pixels of the picture at hand", () => {
  const arrays = new Map([["a.npy", { shape: [2, 1, 2], values: Float32Array.of(1, 2, 30, 40) }]]);
  const picture = { source: null, width: 50, height: 20 };
  const photo = { width: 100, height: 40, seen: { x: 30, y: 0, width: 40, height: 40 } };
  const exhibit = exhibitFromAnswers(picture, [answer({ picture: photo })], arrays);
  assert.deepEqual(exhibit.seen, { x: 15, y: 0, width: 20, height: 20 });
  const [layer] = exhibit.layers;
  assert.deepEqual([layer.id, layer.title, [...layer.plane.values]], ["0.0", "Saliency · 282 tiger cat", [31, 42]]);
  assert.deepEqual(layer.notes, ["sum of the channels"]);
});

test("a batched input's array gives each sample its own scores", () => {
  const arrays = new Map([["a.npy", { shape: [2, 2, 1, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) }]]);
  const [layer] = exhibitFromAnswers(null, [answer({ sample: 1 })], arrays).layers;
  assert.deepEqual([...layer.plane.values], [12, 14]);
  assert.throws(() => exhibitFromAnswers(null, [answer({ sample: 2 })], arrays), /smaller than its map/);
});

test("maps of one title are told apart, vectors are vectors, and a map without an array is left out", () => {
  const maps = [
    { name: "age", shape: [2], unit: "u", positive_part_drawn: false, file: "age.npy" },
    { name: "size", shape: [2], unit: "u", positive_part_drawn: false, file: "size.npy" },
    { name: "gone", shape: [2], unit: "u", positive_part_drawn: false },
  ];
  const arrays = new Map(["age.npy", "size.npy"].map((name) => [name, { shape: [2], values: Float32Array.of(1, -2) }]));
  const { layers } = exhibitFromAnswers(null, [answer({ maps })], arrays);
  assert.deepEqual(layers.map((layer) => layer.title), ["Saliency · 282 tiger cat · age", "Saliency · 282 tiger cat · size"]);
  assert.deepEqual(layers[0].vector.scores, [1, -2]);
  assert.equal(layers[0].plane, null);
});
