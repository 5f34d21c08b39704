// The pixels of one map over the picture. The map is scaled as numbers and only then coloured, so that a colour of the
// colour bar stands for the same score everywhere. The scaled scores and their colours are kept: moving the opacity
// paints two images, moving the threshold or choosing a colormap looks colours up again, nothing else.
import { defaultColormap, pixelTable, steps } from "./colormap";
import { resample } from "./resample";
import { line, type Scale } from "./scale";
import type { Exhibit, Look, Picture, Plane, Seen } from "./types";

/** The canvas' size in pixels, and the rectangle in it that the map covers. */
export interface Sheet {
  width: number;
  height: number;
  area: { x: number; y: number; width: number; height: number };
  whole: boolean; // the map covers the picture exactly
}

// Extreme shapes get at least a strip that can be seen.
const thinnest = 24;

/** The sheet of a map of this exhibit; its longer side has `longest` pixels. */
export function sheetOf(exhibit: Exhibit, plane: Plane | null, longest: number): Sheet {
  const frame = exhibit.picture ?? plane ?? { width: 1, height: 1 };
  const scale = longest / Math.max(frame.width, frame.height);
  const width = Math.max(Math.round(frame.width * scale), thinnest),
    height = Math.max(Math.round(frame.height * scale), thinnest);
  const across = width / frame.width,
    down = height / frame.height;
  const seen: Seen =
    exhibit.picture !== null && exhibit.seen !== null
      ? exhibit.seen
      : { x: 0, y: 0, width: frame.width, height: frame.height };
  const x = Math.round(seen.x * across),
    y = Math.round(seen.y * down);
  const right = Math.round((seen.x + seen.width) * across),
    bottom = Math.round((seen.y + seen.height) * down);
  const area = { x, y, width: Math.max(right - x, 1), height: Math.max(bottom - y, 1) };
  return { width, height, area, whole: x === 0 && y === 0 && area.width === width && area.height === height };
}

/** The colormap's name that a look comes to on a scale. */
export function chosenColormap(look: Look, scale: Scale): string {
  return look.colormap === "auto" ? defaultColormap(scale.diverging) : look.colormap;
}

function dimOutside(context: CanvasRenderingContext2D, sheet: Sheet): void {
  const { x, y, width, height } = sheet.area;
  context.beginPath();
  context.rect(0, 0, sheet.width, sheet.height);
  context.rect(x, y, width, height);
  context.fillStyle = "rgba(255, 255, 255, 0.6)";
  context.fill("evenodd");
}

// Scaling a photo well costs more than all the rest of a frame, and all maps of an exhibit lie over the same one.
const scaledPictures = new WeakMap<Picture, { key: string; canvas: HTMLCanvasElement }>();

function scaledPicture(picture: Picture, sheet: Sheet): HTMLCanvasElement {
  const key = JSON.stringify(sheet);
  let scaled = scaledPictures.get(picture);
  if (scaled?.key !== key) {
    const canvas = document.createElement("canvas");
    canvas.width = sheet.width;
    canvas.height = sheet.height;
    const context = canvas.getContext("2d");
    if (context !== null) {
      context.imageSmoothingQuality = "high";
      context.drawImage(picture.source, 0, 0, sheet.width, sheet.height);
      if (!sheet.whole) dimOutside(context, sheet);
    }
    scaled = { key, canvas };
    scaledPictures.set(picture, scaled);
  }
  return scaled.canvas;
}

/** The picture, pale where the model saw nothing. */
export function paintPicture(context: CanvasRenderingContext2D, sheet: Sheet, picture: Picture | null): void {
  context.globalAlpha = 1;
  context.clearRect(0, 0, sheet.width, sheet.height);
  if (picture !== null) context.drawImage(scaledPicture(picture, sheet), 0, 0);
}

function paintFrame(context: CanvasRenderingContext2D, { area, whole }: Sheet): void {
  if (whole) return;
  context.globalAlpha = 1;
  for (const [ink, thickness] of [
    ["#fff", 3],
    ["#222", 1],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = thickness;
    context.strokeRect(area.x, area.y, area.width, area.height);
  }
}

// Diagonal stripes, light beside dark, so that they are seen on any photo.
const lightStripe = 0xffe2e2e0 >>> 0,
  darkStripe = 0xff5a5a5a >>> 0;
function stripe(x: number, y: number): number {
  const phase = (x + y) % 12;
  return phase < 4 ? lightStripe : phase < 6 ? darkStripe : 0;
}

/**
 * Colours of scores that lie row by row; what is not drawn is transparent, what is no number is hatched. False: nothing
 * reaches the threshold.
 */
export function colourScores(
  scores: Float32Array,
  width: number,
  scale: Scale,
  colormap: string,
  threshold: number,
  pixels: Uint32Array,
): boolean {
  const colours = pixelTable(colormap);
  const { offset, slope } = line(scale);
  // The half rounds where the integer is taken.
  const first = offset * steps + 0.5,
    rise = slope * steps;
  const least = threshold * scale.high,
    lowest = scale.positivePart ? 0 : -Infinity;
  let something = false;
  for (let i = 0; i < scores.length; ++i) {
    const score = scores[i]!;
    if (scale.flat || !Number.isFinite(score)) {
      pixels[i] = stripe(i % width, Math.floor(i / width));
      something = true;
      continue;
    }
    const drawn = score < lowest ? lowest : score;
    if (drawn < least && -drawn < least) {
      pixels[i] = 0;
      continue;
    }
    const at = first + rise * drawn;
    pixels[i] = colours[at <= 0 ? 0 : at >= steps ? steps : Math.floor(at)]!;
    something = true;
  }
  return something;
}

export class LayerPainter {
  private scores: Float32Array | null = null;
  private size = "";
  private image: ImageData | null = null;
  private coloured: HTMLCanvasElement | null = null;
  private colouredAs = "";
  private something = true;

  constructor(private readonly plane: Plane) {}

  /** False: nothing of the map reaches the threshold. */
  paint(canvas: HTMLCanvasElement, sheet: Sheet, picture: Picture | null, scale: Scale, look: Look): boolean {
    const context = canvas.getContext("2d");
    if (context === null) return true;
    paintPicture(context, sheet, picture);
    const { x, y, width, height } = sheet.area;
    // Without a picture there is nothing to see through to.
    context.globalAlpha = picture === null ? 1 : look.opacity;
    context.drawImage(this.colours(width, height, scale, look), x, y);
    paintFrame(context, sheet);
    return this.something;
  }

  private colours(width: number, height: number, scale: Scale, look: Look): HTMLCanvasElement {
    const size = `${width} ${height}`;
    if (this.scores === null || this.image === null || this.coloured === null || this.size !== size) {
      this.scores = resample(this.plane, height, width);
      this.image = new ImageData(width, height);
      this.coloured = Object.assign(document.createElement("canvas"), { width, height });
      this.size = size;
      this.colouredAs = "";
    }
    const colormap = chosenColormap(look, scale);
    const as = JSON.stringify([colormap, look.threshold, scale.low, scale.high]);
    if (this.colouredAs !== as) {
      const pixels = new Uint32Array(this.image.data.buffer);
      this.something = colourScores(this.scores, width, scale, colormap, look.threshold, pixels);
      this.coloured.getContext("2d")?.putImageData(this.image, 0, 0);
      this.colouredAs = as;
    }
    return this.coloured;
  }
}
