// The texts that the sources say, and the two tables of their Chinese: web/words.zh.json, and the engine's own.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** Every text of `say("...")` in the .ts and .tsx files below web/src, with the file that says it. */
export function textsSaid() {
  const texts = new Map();
  const folder = path.join(here, "../src");
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.tsx?$/.test(name)) continue;
    const source = readFileSync(path.join(folder, name), "utf8");
    for (const [, text] of source.matchAll(/\bsay\(\s*("(?:[^"\\]|\\.)*")/g)) texts.set(JSON.parse(text), name);
  }
  return texts;
}

/** web/words.zh.json as it stands, as pairs in its order. */
export function ownTable() {
  return Object.entries(JSON.parse(readFileSync(path.join(here, "../words.zh.json"), "utf8")));
}

/** The engine's table: English to Chinese. */
export function engineTable() {
  const source = readFileSync(path.join(here, "../../pellucid/base/chinese.cpp"), "utf8");
  const one = String.raw`"(?:[^"\\]|\\.)*"`;
  const text = (parts) => [...parts.matchAll(new RegExp(one, "g"))].map(([part]) => JSON.parse(part)).join("");
  const several = String.raw`(${one}(?:\s*${one})*)`;
  const pairs = source.matchAll(new RegExp(String.raw`\{\s*${several}\s*,\s*${several}\s*\}`, "g"));
  return new Map([...pairs].map(([, english, chinese]) => [text(english), text(chinese)]));
}
