// Recipes of several answers: one where they differ in their method alone.
import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";

const { commandOf, pythonOf } = await source("page/recipe");

const head = 'import pellucid\n\nmodel = pellucid.load("m.pt2")\n';
const recipe = (method, command, python) => ({ method, command, python: head + python });
const plain = recipe("grad_cam", "pellucid explain m.pt2 a.png", 'model.explain("a.png").save()\n');
const named = recipe(
  "saliency",
  "pellucid explain m.pt2 a.png --method saliency",
  'model.explain("a.png", method="saliency").save()\n',
);
const set = recipe(
  "saliency",
  "pellucid explain m.pt2 a.png --method saliency --set absolute=false",
  'model.explain("a.png", method="saliency", absolute=False).save()\n',
);

test("answers that differ in their method alone have one recipe", () => {
  assert.equal(commandOf([plain, named]), "pellucid explain m.pt2 a.png --method grad_cam,saliency");
  assert.equal(pythonOf([plain, named]), head + 'model.explain("a.png", method=["grad_cam", "saliency"]).save()');
});

test("what differs otherwise keeps a line each, and opens once", () => {
  assert.equal(commandOf([plain, set]), `${plain.command}\n${set.command}`);
  assert.equal(
    pythonOf([plain, set]),
    head + 'model.explain("a.png").save()\nmodel.explain("a.png", method="saliency", absolute=False).save()',
  );
});

test("a single answer is made again as its record says", () => {
  assert.equal(commandOf([named]), named.command);
  assert.equal(pythonOf([named]), named.python.trimEnd());
});
