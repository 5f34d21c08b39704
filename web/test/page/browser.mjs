// A page in headless Chromium over a running server. Whatever the console calls an error fails the
// test, but for answers that the test itself asks to be refused.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startAssets, startProgram } from "./server.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const program = process.env.PELLUCID_PROGRAM ?? path.join(root, "build/pellucid");
const demo = path.join(root, "build/demo/efficientnet_lite0.pt2");
const fixture = path.join(root, "test/fixtures/models/cnn_module.pt2");
export const model = process.env.PELLUCID_MODEL ?? (existsSync(demo) ? demo : fixture);
export const secondModel = path.join(root, "test/fixtures/models/cnn_functional.pt2");
export const arrayModel = path.join(root, "test/fixtures/models/linear.pt2");
export const twoInputs = path.join(root, "test/fixtures/models/image_and_vector.pt2");
export const photo = path.join(root, "examples/coffee.png");

/** A server with the page on it; {address, stop}. */
export async function serve(...words) {
  const server = await startProgram(program, words);
  const front = process.env.PELLUCID_ASSETS ? await startAssets(process.env.PELLUCID_ASSETS, server.port) : null;
  return {
    address: `http://127.0.0.1:${front?.port ?? server.port}`,
    stop: async () => {
      await front?.stop();
      await server.stop();
    },
  };
}

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** A page at an address; `refused`: parts of addresses whose refusal the test expects. */
export async function open(browser, address, { settings = {}, refused = [], prepare } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en-US", ...settings });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => {
    const { url } = message.location();
    const status = message.text().startsWith("Failed to load resource");
    if (message.type() !== "error" || (status && refused.some((part) => url.includes(part)))) return;
    wrong.push(`${message.text()} ${url}`);
  });
  page.on("pageerror", (error) => wrong.push(String(error.stack)));
  page.on("dialog", (dialog) => {
    wrong.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await prepare?.(page);
  await page.goto(address);
  const close = async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  };
  return { page, close };
}

/** Drops a file anywhere on the page, as a person does; resolves when the page has taken it. */
export async function drop(page, name, bytes, type = "image/png") {
  await page.evaluate(
    ([called, text, kind]) => {
      const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([data], called, { type: kind }));
      performance.mark("dropped");
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
    },
    [name, bytes.toString("base64"), type],
  );
}

export const maps = (page) => page.locator(".map[data-layer]");
export const answered = (page, count = 1) =>
  page.waitForFunction(
    (wanted) =>
      document.querySelectorAll(".map[data-layer]").length === wanted &&
      document.querySelector("h1")?.getAttribute("aria-busy") === "false",
    count,
    { timeout: 60_000 },
  );
export const sentence = (page) => page.locator("h1").innerText();
