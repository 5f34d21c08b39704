// Planes of scores: decoded out of a report, or reduced from a map's array over its channels.
import type { Plane } from "../viewer/types";
import { say } from "../words";
import type { PlaneDocument } from "./documents";

/**
 * A plane as a report holds it. Bits 32: float32, exact; 16 or 8: zlib of signed integers, score = integer · step, and
 * the least integer is no number.
 */
export interface PackedPlane {
  height: number;
  width: number;
  bits: number;
  step: number;
  averaged?: number; // side of the squares of places that were averaged, to keep the file small
  data: string; // base64
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (typeof DecompressionStream === "undefined")
    throw new Error(say("this browser is too old for the maps of this file: it cannot unpack zlib"));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Throws an Error where the bytes are not what the plane says. */
export async function decodePlane({ height, width, bits, step, data }: PackedPlane): Promise<Plane> {
  if (bits !== 32 && bits !== 16 && bits !== 8) throw new Error(say("a map of {0} bits cannot be read", bits));
  const packed = bytesOf(data);
  const bytes = bits === 32 ? packed : await inflated(packed);
  const count = height * width;
  if (bytes.length !== (count * bits) / 8)
    throw new Error(say("a map has {0} bytes where its size needs {1}", bytes.length, (count * bits) / 8));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(count);
  const least = -(2 ** (bits - 1));
  for (let i = 0; i < count; ++i) {
    if (bits === 32) {
      values[i] = view.getFloat32(4 * i, true);
    } else {
      const integer = bits === 16 ? view.getInt16(2 * i, true) : view.getInt8(i);
      values[i] = integer === least ? NaN : step * integer;
    }
  }
  return { height, width, values, step: bits === 32 ? 0 : step };
}

/** The plane of one sample's scores, which have the given shape: summed, or the largest, over its channels. */
export function reducePlane(scores: ArrayLike<number>, shape: readonly number[], plane: PlaneDocument): Plane {
  const { height, width, reduction } = plane;
  const places = height * width;
  const channels = scores.length / places;
  if (places === 0 || !Number.isInteger(channels) || channels < 1 || (reduction === "none" && channels !== 1))
    throw new Error(say("a map of shape {0} is no plane of {1} × {2}", shape.join(" × "), height, width));
  // [channels, height, width], or [height, width, channels] of models that keep their channels last.
  const last = channels > 1 && shape.at(-1) === channels && shape.at(-3) === height && shape.at(-2) === width;
  const [perPlace, perChannel] = last && !(shape.at(-2) === height && shape.at(-1) === width) ? [channels, 1] : [1, places];
  const values = new Float32Array(places);
  for (let i = 0; i < places; ++i) {
    let result = scores[i * perPlace] ?? NaN;
    for (let c = 1; c < channels; ++c) {
      const score = scores[i * perPlace + c * perChannel] ?? NaN;
      result = reduction === "sum" ? result + score : Math.max(result, score);
    }
    values[i] = result;
  }
  return { height, width, values, step: 0 };
}
