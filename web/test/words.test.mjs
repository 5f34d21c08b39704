import assert from "node:assert/strict";
import test from "node:test";
import { source } from "./source.mjs";
import { engineTable, ownTable, textsSaid } from "./words_in_source.mjs";

const { addWords, say, setWords } = await source("words");
const engine = engineTable();
const own = ownTable();
const marks = (text) => [...text.matchAll(/\{\d\}/g)].map(([mark]) => mark).sort();

test("every text that the page and the report say has its Chinese", () => {
  const known = new Set([...engine.keys(), ...own.map(([english]) => english)]);
  const said = textsSaid();
  assert.ok(said.size > 50 && engine.size > 150);
  assert.deepEqual([...said].filter(([text]) => !known.has(text)), []);
});

test("the table is sorted, has no text of the engine's twice, and no mark is lost", () => {
  const keys = own.map(([english]) => english);
  assert.deepEqual(keys, [...keys].sort());
  assert.deepEqual(keys.filter((key) => engine.has(key)), []);
  for (const [english, chinese] of own) assert.deepEqual(marks(chinese), marks(english), english);
});

test("a text is said in the language of the table, and what is missing stays English", () => {
  assert.equal(say("row {0}, column {1}", 3, 4), "row 3, column 4");
  setWords({ "row {0}, column {1}": "第 {0} 行，第 {1} 列" });
  assert.equal(say("row {0}, column {1}", 3, 4), "第 3 行，第 4 列");
  assert.equal(say("not in the table {0}", "{1}"), "not in the table {1}");
  assert.equal(say("constructor"), "constructor");
  addWords({ "3 of 4 scores are NaN or infinite.": "4 个分数中有 3 个是 NaN 或无穷大。" });
  assert.equal(say("3 of 4 scores are NaN or infinite."), "4 个分数中有 3 个是 NaN 或无穷大。");
  assert.equal(say("row {0}, column {1}", 3, 4), "第 3 行，第 4 列");
});
