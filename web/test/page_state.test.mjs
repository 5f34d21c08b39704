import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const { initialState, isStep, readFragment, unchanged, writeFragment } = await source("page/state");
const look = { opacity: 0.5, threshold: 0, colormap: "auto", scale: "own" };
const full = {
  question: "methods",
  operation: "",
  model: "a model",
  photo: "file:my cat & dog #1.jpg",
  target: "tabby, tabby cat",
  against: "285",
  methods: ["grad_cam", "integrated_gradients"],
  options: { seed: 7, baseline: "blur", layer: ["conv1", "b.c"], salvage: true },
  settings: { integrated_gradients: { n_steps: 12, quadrature: "trapezoid" } },
  look: { opacity: 0.3, threshold: 0.25, colormap: "viridis", scale: "shared" },
  map: "grad_cam",
  change: { turns: 3, mirrored: true, brightness: 0.65, cover: "0a-_Z", fill: "grey" },
};

test("the fragment carries the whole state", () => {
  assert.deepEqual(readFragment(writeFragment(full, look), look), full);
});

test("the first state needs no fragment, and an empty one is the first state", () => {
  assert.equal(writeFragment(initialState(look), look), "#");
  for (const empty of ["", "#"]) assert.deepEqual(readFragment(empty, look), initialState(look));
});

test("a broken fragment gives a state all the same", () => {
  const state = readFragment("#why?look=9,x,,no&change=7,2,99&o.=1&s.a=2&methods=,,&__proto__=1&s.__proto__.x=1", look);
  assert.deepEqual({ ...state, settings: {} }, { ...initialState(look), question: "why" });
  assert.equal({}.x, undefined);
  assert.deepEqual(state.change, unchanged);
});

test("a look is no step of the history, a photo is", () => {
  assert.equal(isStep(full, { ...full, look, map: "" }), false);
  assert.equal(isStep(full, { ...full, photo: "coffee" }), true);
});
