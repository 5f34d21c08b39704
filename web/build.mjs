// node build.mjs OUTDIR: bundles and minifies. OUTDIR then holds the page (index.html, page.js, page.css) and the
// report's shell (report.html: one file, its script and style inlined and allowed by their hashes alone), the Chinese words
// of both and the sample photos, each with its twin NAME.gz.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { colormapTable } from "./colormap_table.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
// Oldest browsers with DecompressionStream("deflate"), which the report reads its maps by.
const target = ["chrome90", "firefox113", "safari16.4"];

/** The script and the style of an entry, minified. */
async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [path.join(here, "src", entry, "main.tsx")],
    absWorkingDir: here,
    outdir: "out",
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
    target,
    plugins: [colormapTable],
  });
  const text = (ending) => outputFiles.find((file) => file.path.endsWith(ending))?.text.trim() ?? "";
  return { script: text(".js"), style: text(".css") };
}

function hash(text) {
  return `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
}

/** The shell of the report: everything in one file, and nothing else may run or load. */
function inlined(shell, { script, style }) {
  if (/<\/(script|style)/i.test(script + style)) throw new Error("report: the bundle would end its own element");
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts = { policy, script, style };
  return shell.replace(/%(policy|script|style)%/g, (_, name) => parts[name]);
}

const out = process.argv[2];
if (out === undefined) {
  console.error("usage: node build.mjs OUTDIR");
  process.exit(2);
}
await mkdir(out, { recursive: true });
async function write(name, content) {
  await writeFile(path.join(out, name), content);
  await writeFile(path.join(out, `${name}.gz`), gzipSync(content, { level: 9 }));
}

const report = await bundle("report");
await write("report.html", inlined(await readFile(path.join(here, "src/report/report.html"), "utf8"), report));
if (existsSync(path.join(here, "src/page/main.tsx"))) {
  const page = await bundle("page");
  await write("page.js", page.script);
  await write("page.css", page.style);
  await write("index.html", await readFile(path.join(here, "src/page/index.html"), "utf8"));
}
await write("words.zh.json", await readFile(path.join(here, "words.zh.json")));
const samples = path.join(here, "samples");
for (const name of await readdir(samples)) {
  if (name.endsWith(".webp")) await write(name, await readFile(path.join(samples, name)));
}
