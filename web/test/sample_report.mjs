// A report of the engine's own making for tests, and the numbers in it as its .npy files have them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";

const block = /<script type="application\/json" id="pellucid-report">(.*?)<\/script>/s;

/** Runs `pellucid VERB ... --format html`: the whole file, the JSON in it, and .npy files by name. */
export function ask(program, words, formats = "html") {
  const folder = mkdtempSync(path.join(tmpdir(), "pellucid-report-"));
  try {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] };
    const document = JSON.parse(execFileSync(program, [...words, "--format", formats, "--json", "--out", folder], options));
    const arrays = new Map();
    for (const answer of document.answers ?? [])
      for (const map of answer.maps ?? []) if (map.file) arrays.set(map.file, readFileSync(path.join(folder, map.file)));
    const file = readFileSync(path.join(folder, `${words[0]}.html`), "utf8");
    return { document, arrays, file, report: JSON.parse(block.exec(file)[1]) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// float32 numbers of a .npy file of version 1.
function scoresOf(file) {
  const start = 10 + file.readUInt16LE(8);
  return Array.from({ length: (file.length - start) / 4 }, (_, i) => file.readFloatLE(start + 4 * i));
}

/** The plane of a map, reduced over its channels as its document says. */
function planeOf({ plane: { height, width, reduction } }, scores) {
  const places = height * width;
  const channels = scores.length / places;
  const values = Array.from({ length: places }, (_, i) => {
    const here = Array.from({ length: channels }, (_, c) => scores[c * places + i]);
    return reduction === "sum" ? here.reduce((a, b) => a + b, 0) : Math.max(...here);
  });
  return { height, width, values };
}

/** A plane as a report holds it. */
export function pack({ height, width, values }, bits) {
  if (bits === 32) return { height, width, bits, step: 0, data: Buffer.from(new Float32Array(values).buffer).toString("base64") };
  const most = bits === 16 ? 32767 : 127;
  const step = Math.max(...values.map(Math.abs)) / most || 1;
  const rounded = values.map((value) => Math.round(value / step));
  const integers = bits === 16 ? new Int16Array(rounded) : new Int8Array(rounded);
  return { height, width, bits, step, data: deflateSync(Buffer.from(integers.buffer)).toString("base64") };
}

/** The report of `explain`, its file, and its planes by "answer.map", exact. */
export function explainReport({ program, model, photo, methods, targets }) {
  const words = ["explain", model, photo, "--threads", "1", "--method", methods, "--target", targets];
  const { document, arrays, file, report } = ask(program, words, "html,npy");
  const planes = new Map(
    document.answers.flatMap((answer, a) =>
      answer.maps.map((map, m) => [`${a}.${m}`, planeOf(map, scoresOf(arrays.get(map.file)))]),
    ),
  );
  return { report, file, planes };
}

/** The shell with a report in it, as the engine fills it. */
export function fillShell(shell, report, title) {
  const escaped = title.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const json = JSON.stringify(report).replace(/</g, "\\u003c");
  return shell
    .replace("<!--pellucid:title-->", () => escaped)
    .replace("<!--pellucid:data-->", () => `<script type="application/json" id="pellucid-report">${json}</script>`);
}
