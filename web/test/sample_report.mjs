// A report made of the engine's own answers, as `--format html` makes it: documents and arrays come from the program,
// the JSON around them is put together here.
//
//   PELLUCID_PROGRAM=build/pellucid node test/sample_report.mjs SHELL OUT MODEL PHOTO METHODS TARGETS
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

/** What `pellucid VERB MODEL INPUT ... --json` prints, and its .npy files by name. */
export function ask(program, words) {
  const folder = mkdtempSync(path.join(tmpdir(), "pellucid-report-"));
  try {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] };
    const document = JSON.parse(execFileSync(program, [...words, "--json", "--out", folder], options));
    const arrays = new Map();
    for (const answer of document.answers ?? [])
      for (const map of answer.maps ?? []) if (map.file) arrays.set(map.file, readFileSync(path.join(folder, map.file)));
    return { document, arrays };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// float32 numbers of a .npy file of version 1.
function scoresOf(file) {
  const start = 10 + file.readUInt16LE(8);
  return Array.from({ length: (file.length - start) / 4 }, (_, i) => file.readFloatLE(start + 4 * i));
}

/** The plane of a map, reduced as the engine's pictures reduce it: the largest of the channels, summed where one is negative. */
function planeOf(map, scores) {
  const [height, width] = map.plane ? [map.plane.height, map.plane.width] : map.shape.slice(-2);
  const places = height * width;
  const channels = scores.length / places;
  const sum = scores.some((score) => score < 0);
  const values = Array.from({ length: places }, (_, i) => {
    const here = Array.from({ length: channels }, (_, c) => scores[c * places + i]);
    return sum ? here.reduce((a, b) => a + b, 0) : Math.max(...here);
  });
  return { height, width, values, reduction: channels === 1 ? "none" : sum ? "sum" : "largest" };
}

/** Section 2's form of a plane. */
export function pack({ height, width, values }, bits) {
  if (bits === 32) return { height, width, bits, step: 0, data: Buffer.from(new Float32Array(values).buffer).toString("base64") };
  const most = bits === 16 ? 32767 : 127;
  const step = Math.max(...values.map(Math.abs)) / most || 1;
  const rounded = values.map((value) => Math.round(value / step));
  const integers = bits === 16 ? new Int16Array(rounded) : new Int8Array(rounded);
  return { height, width, bits, step, data: deflateSync(Buffer.from(integers.buffer)).toString("base64") };
}

// The middle square of a photo whose shorter side is 256 pixels of which 224 are seen.
function middle(width, height) {
  const side = (Math.min(width, height) * 224) / 256;
  return { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side };
}

/** The report on a PNG, with the raw planes by "answer.map" beside it. */
export function explainReport({ program, model, photo, methods, targets, bits = [32, 16, 8] }) {
  const words = [model, photo, "--format", "npy,json", "--threads", "1"];
  const { document, arrays } = ask(program, ["explain", ...words, "--method", methods, "--target", targets]);
  const prediction = ask(program, ["predict", model, photo, "--threads", "1"]).document.answers[0].outputs[0];
  const bytes = readFileSync(photo);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const planes = new Map();
  const maps = document.answers.flatMap((answer, a) => {
    const { samples, ...output } = prediction;
    answer.prediction ??= { ...output, ...samples[0] };
    const seen = (answer.picture ??= { width, height, seen: middle(width, height) }).seen;
    const command = `pellucid explain ${path.basename(model)} ${path.basename(photo)} --method ${answer.method.name} --target ${answer.target.index}`;
    answer.reproduce ??= {
      command,
      python: `import pellucid\n\nmodel = pellucid.load("${path.basename(model)}")\nanswer = model.explain("${path.basename(photo)}", method="${answer.method.name}", target=${answer.target.index})`,
    };
    return answer.maps.map((map, m) => {
      const plane = planeOf(map, scoresOf(arrays.get(map.file)));
      map.plane ??= { height: plane.height, width: plane.width, reduction: plane.reduction };
      planes.set(`${a}.${m}`, plane);
      return { answer: a, map: m, ...pack(plane, bits[a % bits.length]), seen };
    });
  });
  const seen = maps[0].seen;
  for (const map of maps) delete map.seen;
  const report = {
    version: 1,
    language: "en",
    words: {},
    operation: { name: "explain", group: "Look", summary: "Shows what in the input spoke for the answer." },
    made: "2026-11-22T16:30:00Z",
    engine: document.answers[0].pellucid,
    document,
    warnings: [],
    failures: [],
    exhibits: [
      {
        name: path.basename(photo),
        sample: 0,
        picture: { media_type: "image/png", width, height, data: bytes.toString("base64") },
        seen,
        maps,
      },
    ],
  };
  return { report, planes };
}

/** The shell with a report in it, as the engine fills it. */
export function fillShell(shell, report, title) {
  const escaped = title.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const json = JSON.stringify(report).replace(/</g, "\\u003c");
  return shell
    .replace("<!--pellucid:title-->", () => escaped)
    .replace("<!--pellucid:data-->", () => `<script type="application/json" id="pellucid-report">${json}</script>`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [shell, out, model, photo, methods, targets] = process.argv.slice(2);
  const { report } = explainReport({ program: process.env.PELLUCID_PROGRAM, model, photo, methods, targets });
  writeFileSync(out, fillShell(readFileSync(shell, "utf8"), report, "Sample"));
}
