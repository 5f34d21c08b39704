import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const { fileNameOf, fromExplain, npyFile, percentInColumn, placeName, readNpy, sharesOf, shortName } = await source(
  "page/prediction",
  "page/files",
  "page/sentence",
  "answer/npy",
);

test("logits are softmaxed, however large; several labels go one by one; probabilities stay", () => {
  const [a, b] = sharesOf("logits", Float32Array.of(1000, 1000 + Math.log(3)));
  assert.ok(Math.abs(a - 0.25) < 1e-4 && Math.abs(b - 0.75) < 1e-4);
  assert.deepEqual([...sharesOf("multilabel", Float32Array.of(0, 0))], [0.5, 0.5]);
  assert.deepEqual([...sharesOf("probabilities", Float32Array.of(0.25, 0.75))], [0.25, 0.75]);
  assert.equal(sharesOf("regression", Float32Array.of(1, 2)), null);
});

test("a share in a column has one decimal, and is 100 % only where it is", () => {
  assert.deepEqual([0.19, 0.9999, 1, 0, 0.0001].map(percentInColumn), [
    "19.0 %",
    "99.9 %",
    "100.0 %",
    "0.0 %",
    "< 0.1 %",
  ]);
});

test("every kind of output has rows", () => {
  const rows = (prediction) => fromExplain({ prediction, target: {} }).rows.map(({ label, text }) => [label, text]);
  assert.deepEqual(rows({ top: [{ index: 3, score: 2, probability: 0.5 }] }), [["class 3", "50.0 %"]]);
  assert.deepEqual(rows({ classes: [{ index: 0, label: "road", share: 0.5 }] }), [["road", "50.0 %"]]);
  assert.deepEqual(rows({ score: 1, probability: 0.73, label: "ill" }), [["ill", "73.0 %"]]);
  assert.deepEqual(rows({ values: [[1.5], [-2]] }), [
    ["output 0", "1.5"],
    ["output 1", "-2"],
  ]);
  assert.deepEqual(
    rows({ smallest: 0, mean: 1, largest: 2 }).map(([, text]) => text),
    ["0", "1", "2"],
  );
});

test("an array is a .npy file, and its name is the photo's", async () => {
  const bytes = new Uint8Array(Float32Array.of(1, -2, 3).buffer);
  for (const shape of [[3], [1, 3], [3, 1, 1]]) {
    const file = npyFile(shape, bytes);
    const read = readNpy(await file.arrayBuffer());
    assert.deepEqual([read.shape, [...read.values]], [shape, [1, -2, 3]]);
    assert.equal((file.size - bytes.length) % 64, 0);
  }
  assert.equal(fileNameOf({ name: "0.grad_cam.npy" }, "my.cat"), "my.cat.grad_cam.npy");
});

test("places and classes have names", () => {
  assert.equal(placeName(0.1, 0.9), "the lower left");
  assert.equal(placeName(0.5, 0.5), "the middle");
  assert.equal(shortName("282 tiger cat"), "tiger cat");
  assert.equal(shortName("282"), "282");
});
