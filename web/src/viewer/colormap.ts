// Colormaps by name, as the engine has them: linear in sRGB between even points.
import { table } from "pellucid:colormaps";

type Points = readonly number[]; // 0xRRGGBB

// Their order of colours is lost, or goes back and forth, for people with a colour-vision deficiency.
const unsafe: ReadonlySet<string> = new Set(["turbo", "jet"]);

export interface ColormapInfo {
  name: string;
  summary: string;
  diverging: boolean;
  colourBlindSafe: boolean;
}

const described = table.map(({ name, summary, diverging }) => ({
  name,
  summary,
  diverging,
  colourBlindSafe: !unsafe.has(name),
}));

/** "auto" first (see `defaultColormap`), then those that are safe with a colour-vision deficiency. */
export const colormaps: readonly ColormapInfo[] = [
  {
    name: "auto",
    summary: "inferno for maps of one sign, balance for signed ones.",
    diverging: false,
    colourBlindSafe: true,
  },
  ...described.filter((map) => map.colourBlindSafe),
  ...described.filter((map) => !map.colourBlindSafe),
];

/** What "auto" comes to. */
export function defaultColormap(diverging: boolean): string {
  return diverging ? "balance" : "inferno";
}

export function isDiverging(name: string): boolean {
  return table.some((map) => map.name === name && map.diverging);
}

function pointsOf(name: string): Points {
  const found = table.find((map) => map.name === name);
  if (found === undefined) throw new Error(`no colormap is called "${name}"`);
  return found.points;
}

/** The colour at 0..1 (clamped, NaN counts as 0) as [red, green, blue]. */
export function colour(name: string, position: number): [number, number, number] {
  const points = pointsOf(name);
  const last = points.length - 1;
  const along = position > 0 ? Math.min(position, 1) * last : 0;
  const left = Math.min(Math.floor(along), last - 1);
  const weight = along - left;
  const channel = (shift: number): number => {
    const low = ((points[left] ?? 0) >> shift) & 0xff;
    const high = ((points[left + 1] ?? 0) >> shift) & 0xff;
    return Math.round(low + (high - low) * weight);
  };
  return [channel(16), channel(8), channel(0)];
}

/** Finer than 8 bits a channel can show. */
export const steps = 1024;
const tables = new Map<string, Uint32Array>();

/** Opaque pixels of `steps` + 1 positions, in the byte order of ImageData on every machine that browsers run on. */
export function pixelTable(name: string): Uint32Array {
  let pixels = tables.get(name);
  if (pixels === undefined) {
    pixels = new Uint32Array(steps + 1);
    for (let i = 0; i <= steps; ++i) {
      const [red, green, blue] = colour(name, i / steps);
      pixels[i] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
    tables.set(name, pixels);
  }
  return pixels;
}
