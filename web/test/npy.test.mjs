import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { source } from "./source.mjs";

const { readNpy } = await source("answer/npy");

/** A file as NumPy writes it. */
function npy(descr, shape, bytes, { order = "False", version = 1 } = {}) {
  const words = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const start = version === 1 ? 10 : 12;
  const header = words.padEnd(Math.ceil((start + words.length + 1) / 64) * 64 - start - 1) + "\n";
  const front = Buffer.alloc(start);
  front.write("\x93NUMPY", "latin1");
  front[6] = version;
  if (version === 1) front.writeUInt16LE(header.length, 8);
  else front.writeUInt32LE(header.length, 8);
  return Buffer.concat([front, Buffer.from(header, "latin1"), Buffer.from(bytes)]);
}

const bytesOf = (array) => new Uint8Array(array.buffer);

test("floats of both sizes are read in their order", () => {
  const numbers = [1.5, -2.25, 0, 3e-8, NaN, -Infinity];
  for (const [descr, kind] of [
    ["<f4", Float32Array],
    ["<f8", Float64Array],
  ]) {
    const { shape, values } = readNpy(npy(descr, "2, 3", bytesOf(new kind(numbers))));
    assert.deepEqual(shape, [2, 3]);
    assert.deepEqual([...values], [...new kind(numbers)]);
  }
});

test("integers of every size are read with their sign", () => {
  for (const [descr, kind, numbers] of [
    ["|i1", Int8Array, [-128, 127]],
    ["|u1", Uint8Array, [0, 255]],
    ["<i2", Int16Array, [-32768, 5]],
    ["<u2", Uint16Array, [65535, 1]],
    ["<i4", Int32Array, [-2147483648, 7]],
    ["<u4", Uint32Array, [4294967295, 0]],
    ["<i8", BigInt64Array, [-9007199254740991n, 2n]],
    ["<u8", BigUint64Array, [9007199254740991n, 2n]],
  ])
    assert.deepEqual([...readNpy(npy(descr, "2,", bytesOf(new kind(numbers)))).values], numbers.map(Number), descr);
});

test("the second version's wider header is read, and a number without a shape", () => {
  const { shape, values } = readNpy(npy("<f4", "", bytesOf(new Float32Array([42])), { version: 2 }));
  assert.deepEqual([shape, [...values]], [[], [42]]);
});

test("bytes that begin anywhere in a buffer are read", () => {
  const file = npy("<f8", "1,", bytesOf(new Float64Array([7])));
  const shifted = new Uint8Array(file.length + 3);
  shifted.set(file, 3);
  assert.equal(readNpy(shifted.subarray(3)).values[0], 7);
});

test("a file of NumPy itself is read, and one in Fortran's order is refused", () => {
  const fixture = (name) => readFileSync(new URL(`../../${name}`, import.meta.url));
  const { shape, values } = readNpy(fixture("test/fixtures/expected/cnn_fixed.gradient_0.npy"));
  assert.equal(values.length, shape.reduce((product, size) => product * size, 1));
  assert.ok(values.some((value) => value !== 0));
  assert.throws(() => readNpy(fixture("fuzz/corpus/image/fortran.npy")), /Fortran/);
});

test("an error says what is wrong", () => {
  const good = npy("<f4", "2, 2", new Uint8Array(16));
  const wrong = [
    [Buffer.from("PK\x03\x04 a zip file"), /does not begin as one/],
    [good.subarray(0, 40), /ends within its header/],
    [good.subarray(0, good.length - 1), /15 bytes of numbers where its shape needs 16/],
    [Buffer.concat([good, Buffer.alloc(1)]), /17 bytes of numbers where its shape needs 16/],
    [npy(">f4", "1,", new Uint8Array(4)), />f4; little-endian/],
    [npy("<c8", "1,", new Uint8Array(8)), /<c8; little-endian/],
    [npy("<f4", "1,", new Uint8Array(4), { version: 9 }), /version is 9/],
  ];
  for (const [file, message] of wrong) assert.throws(() => readNpy(file), message);
});
