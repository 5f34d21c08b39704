import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { readColormaps, source as table } from "../colormap_table.mjs";
import { source } from "./source.mjs";

const { colour, colormaps, defaultColormap, isDiverging, pixelTable, steps } = await source("viewer/colormap");

test("every colour of the engine's table is in ours, under its name", () => {
  const text = readFileSync(table, "utf8");
  const hex = [...text.matchAll(/0x([0-9a-f]{6})/g)].map(([, digits]) => Number.parseInt(digits, 16));
  const ours = readColormaps();
  assert.deepEqual(ours.flatMap((map) => map.points).sort(), hex.sort());
  const header = readFileSync(table.replace(/cpp$/, "h"), "utf8");
  const choices = [.../colormap_choices\[\] = \{([^}]*)\}/.exec(header)[1].matchAll(/"(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(["auto", ...ours.map((map) => map.name)].sort(), choices.sort());
  for (const { name, points } of ours)
    points.forEach((rgb, i) => {
      const [red, green, blue] = colour(name, i / (points.length - 1));
      assert.equal((red << 16) | (green << 8) | blue, rgb, `${name} ${i}`);
    });
});

test("between the points colours are linear in sRGB, beyond the ends clamped", () => {
  assert.deepEqual(colour("grey", 0.5), [128, 128, 128]);
  assert.deepEqual(colour("jet", 1 / 16), [0, 0, 192]); // halfway from 0x000080 to 0x0000ff: 191.5
  assert.deepEqual([colour("viridis", -1), colour("viridis", 2), colour("viridis", NaN)], [[68, 1, 84], [253, 231, 37], [68, 1, 84]]);
  assert.throws(() => colour("rainbow", 0), /no colormap/);
});

test("the signed ones are neutral at 0, and what is automatic follows the sign", () => {
  for (const map of colormaps.filter((each) => each.diverging)) assert.deepEqual(colour(map.name, 0.5), [250, 250, 250]);
  assert.deepEqual([defaultColormap(false), defaultColormap(true)], ["inferno", "balance"]);
  assert.ok(isDiverging("balance") && !isDiverging("inferno"));
});

test("auto is first, then all that are safe for colour-blind eyes", () => {
  assert.equal(colormaps[0].name, "auto");
  const safe = colormaps.map((map) => map.colourBlindSafe);
  assert.deepEqual(safe, [...safe].sort((a, b) => Number(b) - Number(a)));
  assert.deepEqual(colormaps.filter((map) => !map.colourBlindSafe).map((map) => map.name), ["turbo", "jet"]);
});

test("the table of pixels holds the colours in ImageData's order, opaque", () => {
  const bytes = new Uint8Array(pixelTable("inferno").buffer);
  for (const i of [0, 511, steps]) assert.deepEqual([...bytes.subarray(4 * i, 4 * i + 4)], [...colour("inferno", i / steps), 255]);
});

test("another form of the C++ table stops the build", () => {
  assert.throws(() => readColormaps("constexpr int nothing = 0;"), /another form/);
});
