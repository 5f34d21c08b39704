// Files of answers on their way to the reader's disk.
import type { Output } from "./server";

const freeLater = 10_000; // milliseconds: the browser has read the bytes by then

export function saveFile(name: string, bytes: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, freeLater);
}

const alignment = 64; // of the header, as the format asks
const opening = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

// An .npy file (version 1) of little-endian float32 numbers, which is what the bytes are.
export function npyFile(shape: readonly number[], bytes: Uint8Array<ArrayBuffer>): Blob {
  const size = shape.length === 1 ? String(shape[0]) + "," : shape.join(", ");
  const words = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + size + "), }";
  const start = opening.length + 2;
  const length = Math.ceil((start + words.length + 1) / alignment) * alignment - start;
  const header = new TextEncoder().encode(words.padEnd(length - 1) + "\n");
  const count = Uint8Array.of(length & 0xff, length >> 8);
  return new Blob([Uint8Array.from(opening), count, header, bytes]);
}

export const stemOf = (name: string): string => name.replace(/\.[^.]*$/, "");

// The server calls the first input of a request "0"; on disk its file's name says more.
export const fileNameOf = (output: Output, stem: string): string => output.name.replace(/^0(?=\.)/, stem);

export function fileOf(output: Output): Blob {
  return output.mediaType === ""
    ? npyFile(output.shape, output.bytes)
    : new Blob([output.bytes], { type: output.mediaType });
}
