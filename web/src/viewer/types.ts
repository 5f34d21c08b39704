// What the viewer shows: maps over one picture. Made from live answers or from a report (src/answer/exhibit.ts).

/** Scores with places, row by row, raw and signed. */
export interface Plane {
  height: number;
  width: number;
  values: Float32Array;
  step: number; // what the scores were rounded to; 0: exact
}

/** The rectangle of the picture that the model saw, in the picture's pixels; may reach beyond it. */
export interface Seen {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Scores of named features. */
export interface Vector {
  names: string[] | null;
  values: number[]; // of the input; may be empty
  scores: number[];
}

/** One map that can be laid over the picture. */
export interface Layer {
  id: string; // unique in its exhibit
  title: string; // "grad_cam · 282 tiger cat"
  method: string;
  target: string;
  unit: string; // of the scores
  plane: Plane | null; // null: a vector
  vector: Vector | null;
  positivePart?: boolean; // scores below 0 are drawn as 0, as Grad-CAM's pictures do; the numbers stay signed
  checks: { name: string; verdict: string; words: string }[];
  notes: string[];
}

export interface Picture {
  source: CanvasImageSource;
  width: number;
  height: number;
}

export interface Exhibit {
  name: string;
  picture: Picture | null;
  seen: Seen | null; // null: all of the picture
  layers: Layer[];
}

/** How the maps are drawn; nothing of it changes a number. */
export interface Look {
  opacity: number; // of the map over the picture, 0..1
  threshold: number; // scores of less than this share of where the scale ends are not drawn, 0..1
  colormap: string; // a name of `colormaps`
  scale: "own" | "shared"; // shared: one scale for all maps of the same unit
}

export const firstLook: Look = { opacity: 0.5, threshold: 0, colormap: "auto", scale: "own" };

export { colormaps } from "./colormap";
