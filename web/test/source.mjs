// Modules of web/src for tests, bundled as the build does it: `await source("viewer/scale", "words")` has the exports of
// both, and they share what they import.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { colormapTable } from "../colormap_table.mjs";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "../src");

export async function source(...names) {
  const { outputFiles } = await build({
    stdin: { contents: names.map((name) => `export * from "./${name}";`).join("\n"), resolveDir: folder },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    plugins: [colormapTable],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}
