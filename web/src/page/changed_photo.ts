// A photo with changes, drawn in the browser and handed to the server as a PNG. The unchanged photo
// goes the same way when the two are compared, so that decoder and size are the same for both.
import { readCover } from "./cover";
import type { Photo } from "./photo";
import { ServerError } from "./server";
import type { Change } from "./state";

const longest = 1024; // pixels; more would cost time and change little
const blurred = 10; // pixels along the longer side: what is left of a photo behind a blurred cover
const middleGrey = "#808080";

export interface Size {
  width: number;
  height: number;
}

export function workingSize(picture: Size): Size {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  return {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
}

export const isTurned = (change: Change): boolean => change.turns % 2 === 1;

function canvasOf(size: Size): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new ServerError(0, "this browser gives no canvas", "", "");
  return [canvas, context];
}

// What the covered cells show instead.
function filling(source: HTMLCanvasElement, fill: string): HTMLCanvasElement {
  const [canvas, context] = canvasOf(source);
  if (fill === "blur") {
    const scale = blurred / Math.max(source.width, source.height);
    const [small, reduced] = canvasOf({
      width: Math.max(2, Math.round(source.width * scale)),
      height: Math.max(2, Math.round(source.height * scale)),
    });
    reduced.imageSmoothingQuality = "high";
    reduced.drawImage(source, 0, 0, small.width, small.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
  } else {
    context.fillStyle = fill === "black" ? "#000000" : middleGrey;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  return canvas;
}

function coverUp(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, change: Change): void {
  if (change.cover === "") return;
  const cover = readCover(change.cover, canvas.width, canvas.height);
  const fill = filling(canvas, change.fill);
  cover.cells.forEach((covered, at) => {
    if (!covered) return;
    const column = at % cover.columns;
    const row = Math.floor(at / cover.columns);
    const left = Math.round((column * canvas.width) / cover.columns);
    const top = Math.round((row * canvas.height) / cover.rows);
    const width = Math.round(((column + 1) * canvas.width) / cover.columns) - left;
    const height = Math.round(((row + 1) * canvas.height) / cover.rows) - top;
    context.drawImage(fill, left, top, width, height, left, top, width, height);
  });
}

function brighten(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, by: number): void {
  if (by === 1) return;
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; ++i) if (i % 4 !== 3) pixels.data[i] = Math.round((pixels.data[i] ?? 0) * by);
  context.putImageData(pixels, 0, 0);
}

// Covered first, in the photo's own coordinates; then lit, mirrored and turned.
export function drawChanged(picture: ImageBitmap, change: Change): HTMLCanvasElement {
  const [canvas, context] = canvasOf(workingSize(picture));
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  coverUp(canvas, context, change);
  brighten(canvas, context, change.brightness);
  if (change.turns === 0 && !change.mirrored) return canvas;
  const { width, height } = canvas;
  const [turned, target] = canvasOf(isTurned(change) ? { width: height, height: width } : { width, height });
  target.translate(turned.width / 2, turned.height / 2);
  target.rotate((change.turns * Math.PI) / 2);
  target.scale(change.mirrored ? -1 : 1, 1);
  target.drawImage(canvas, -width / 2, -height / 2);
  return turned;
}

// A point of the changed picture → the point of the photo that is shown there; all from 0 to 1.
export function pointOfPhoto(change: Change, x: number, y: number): [number, number] {
  let point: [number, number] = [x, y];
  for (let turn = 0; turn < change.turns; ++turn) point = [point[1], 1 - point[0]];
  return change.mirrored ? [1 - point[0], point[1]] : point;
}

export async function changedBytes(photo: Photo, change: Change): Promise<Blob> {
  if (!photo.picture)
    throw new ServerError(0, "this browser can't show the picture, so it can't change it", photo.name, "");
  const canvas = drawChanged(photo.picture, change);
  const bytes = await new Promise<Blob | null>((done) => {
    canvas.toBlob(done, "image/png");
  });
  if (!bytes) throw new ServerError(0, "the changed picture could not be written", photo.name, "");
  return bytes;
}
