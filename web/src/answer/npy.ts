// Reading NumPy's .npy files, versions 1 to 3: little-endian numbers in C order, as the engine writes them.
import { say } from "../words";

export interface NpyArray {
  shape: number[];
  values: Float32Array | Float64Array; // integers as float64: exact up to 2^53
}

type Read = (view: DataView, at: number) => number;

const kinds: Readonly<Record<string, { size: number; read: Read }>> = {
  f4: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  f8: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  i1: { size: 1, read: (view, at) => view.getInt8(at) },
  i2: { size: 2, read: (view, at) => view.getInt16(at, true) },
  i4: { size: 4, read: (view, at) => view.getInt32(at, true) },
  i8: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  u1: { size: 1, read: (view, at) => view.getUint8(at) },
  u2: { size: 2, read: (view, at) => view.getUint16(at, true) },
  u4: { size: 4, read: (view, at) => view.getUint32(at, true) },
  u8: { size: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

interface Header {
  descr: string;
  shape: number[];
  start: number; // of the numbers
}

function wrong(what: string): Error {
  return new Error(say("not a .npy array that can be read: {0}", what));
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) throw wrong(say("it does not begin as one"));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw wrong(say("its version is {0}", version));
  const wide = version > 1;
  if (wide && bytes.length < 12) throw wrong(say("it ends within its header"));
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (wide ? 12 : 10) + length;
  if (start > bytes.length) throw wrong(say("it ends within its header"));
  const text = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined)
    throw wrong(say("its header lacks descr, fortran_order or shape"));
  if (order === "True") throw wrong(say("its order is Fortran's"));
  const sizes = shape.split(",").map((word) => word.trim()).filter((word) => word !== "").map(Number);
  return { descr, shape: sizes, start };
}

/** The array of a whole file; throws an Error that says what is wrong with the bytes. */
export function readNpy(file: ArrayBuffer | Uint8Array): NpyArray {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(file);
  const { descr, shape, start } = readHeader(bytes);
  const name = descr.slice(1);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined || !(descr[0] === "<" || (kind.size === 1 && descr[0] === "|")))
    throw wrong(say("its numbers are {0}; little-endian floats and integers are read", descr));
  const count = shape.reduce((product, size) => product * size, 1);
  const there = bytes.length - start;
  if (there !== count * kind.size)
    throw wrong(say("{0} bytes of numbers where its shape needs {1}", there, count * kind.size));
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, there);
  const values = name === "f4" ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; ++i) values[i] = kind.read(view, i * kind.size);
  return { shape, values };
}
