// The report's file in a browser, opened from the disk as a reader would. PELLUCID_PROGRAM: the program that was built
// (default: build/pellucid); CHROMIUM: the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { explainReport, fillShell } from "./sample_report.mjs";

const web = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const root = path.join(web, "..");
export const program = path.resolve(process.env.PELLUCID_PROGRAM ?? path.join(root, "build/pellucid"));
export const model = path.join(root, "test/fixtures/models/cnn_module.pt2");
export const photo = path.join(root, "examples/chelsea.png");

/** Filled before the first test of a file that imports this: the shell, and a report with four methods and two classes. */
export let shell, sample;
let folder, browser;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "pellucid-web-"));
  execFileSync(process.execPath, [path.join(web, "build.mjs"), folder]);
  shell = readFileSync(path.join(folder, "report.html"), "utf8");
  const methods = "grad_cam,saliency,integrated_gradients,input_x_gradient";
  sample = explainReport({ program, model, photo, methods, targets: "0,1" });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** The sample's JSON, free to be changed. */
export const copy = () => structuredClone(sample.report);

/** The report in a browser; `fine` fails where anything went wrong there. */
export async function open(report, { title = "Report", ...settings } = {}) {
  return openFile(fillShell(shell, report, title), settings);
}

export async function openFile(text, settings = {}) {
  const file = path.join(folder, "opened.html");
  writeFileSync(file, text);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...settings });
  const wrong = [];
  const requests = [];
  // The tests read canvases back, which the browser remarks on; the report itself never does.
  page.on("console", (message) => message.text().startsWith("Canvas2D: Multiple readback") || wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
  });
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector("#report[data-ready]");
  const fine = async () => {
    assert.deepEqual(wrong, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [pathToFileURL(file).href]);
  };
  return { page, fine };
}

/** The canvases of the maps that are shown. */
export const maps = (page) => page.locator("figure.map canvas[role=application]");

/** Red, green, blue and alpha of a canvas at a share of its sides. */
export const pixel = (canvas, across, down) =>
  canvas.evaluate(
    (element, [x, y]) => [...element.getContext("2d").getImageData(Math.floor(x * element.width), Math.floor(y * element.height), 1, 1).data],
    [across, down],
  );

/** Sets a control as a reader's hand would, and waits until it is drawn. */
export async function set(page, name, value) {
  const control = page.locator(`.controls [name=${name}]`);
  if (name === "colormap") await control.selectOption(value);
  else await control.fill(String(value));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
