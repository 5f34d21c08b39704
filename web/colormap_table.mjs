// The colormaps have one home, the engine's table (pellucid/render/colormap.cpp): this reads it for the bundle, where
// `import { table } from "pellucid:colormaps"` gives what stands there.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const source = fileURLToPath(new URL("../pellucid/render/colormap.cpp", import.meta.url));

/** [{name, summary, diverging, points: [0xRRGGBB]}] in the order of the C++ table; throws where it can't be read. */
export function readColormaps(text = readFileSync(source, "utf8")) {
  const points = new Map();
  for (const [, name, numbers] of text.matchAll(/constexpr std::uint32_t (\w+)\[\] = \{([^}]*)\}/g))
    points.set(name, [...numbers.matchAll(/0x([0-9a-f]{6})\b/g)].map(([, hex]) => Number.parseInt(hex, 16)));
  const list = /constexpr Colormap all\[\] = \{([\s\S]*?)\n\};/.exec(text)?.[1] ?? "";
  const table = [...list.matchAll(/\{"(\w+)",\s*"([^"]*)",\s*(true|false),\s*(\w+)\}/g)].map(
    ([, name, summary, diverging, of]) => ({ name, summary, diverging: diverging === "true", points: points.get(of) }),
  );
  if (table.length === 0 || table.some((map) => !(map.points?.length >= 2)))
    throw new Error(`${source}: the table of colormaps has another form than colormap_table.mjs reads`);
  return table;
}

/** The esbuild plugin that serves "pellucid:colormaps". */
export const colormapTable = {
  name: "colormaps",
  setup(build) {
    build.onResolve({ filter: /^pellucid:colormaps$/ }, () => ({ path: source, namespace: "colormaps" }));
    build.onLoad({ filter: /.*/, namespace: "colormaps" }, () => ({
      contents: `export const table = ${JSON.stringify(readColormaps())};`,
      loader: "js",
      watchFiles: [source],
    }));
  },
};
