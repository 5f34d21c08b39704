// The fourth and fifth point: how maps are drawn and read, progress, errors, links, files, recipes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import { source } from "../source.mjs";
import { answered, arrayModel, drop, launch, maps, model, open, photo, program, sentence, serve, twoInputs } from "./browser.mjs";

const { npyFile, readNpy } = await source("answer/npy", "page/files");
const run = promisify(execFile);
let server, browser;
before(async () => {
  server = await serve(model);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const two = "#why?photo=chelsea&methods=grad_cam%2Csaliency";
const slow =
  "#why?photo=chelsea&methods=integrated_gradients&s.integrated_gradients.n_steps=100000&s.integrated_gradients.quadrature=trapezoid&o.chunk=1";

async function saved(page, button) {
  const waiting = page.waitForEvent("download");
  await page.locator(".downloads").getByRole("button", { name: button, exact: true }).click();
  const file = await waiting;
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

test("looks are changed without asking the server", async () => {
  const { page, close } = await open(browser, server.address + "/" + two);
  await answered(page, 2);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const picture = () =>
    page
      .locator(".map[data-layer]")
      .first()
      .getByRole("application")
      .evaluate((canvas) => canvas.toDataURL());
  const drawn = async (act) => {
    const old = await picture();
    await act();
    await page.waitForTimeout(100);
    assert.notEqual(await picture(), old);
  };
  await drawn(() => page.getByLabel("Opacity").fill("90"));
  await drawn(() => page.getByLabel("Threshold").fill("60"));
  await drawn(() => page.getByLabel("Colours").selectOption("viridis"));
  await page.getByRole("button", { name: "one for all" }).click();
  await page.waitForURL(/look=0.9%2C0.6%2Cviridis%2Cshared/);
  assert.deepEqual(asked, []);
  const groups = await page
    .locator("select[name=colormap] optgroup")
    .evaluateAll((all) => all.map(({ label }) => label));
  assert.match(groups[0], /^safe/);
  await close();
});

test("the value under the pointer is the server's raw score, on all maps at once", async () => {
  const { page, close } = await open(browser, server.address + "/" + two);
  await answered(page, 2);
  const { bytes } = await saved(page, "NPY");
  const { shape, values } = readNpy(bytes);
  const canvas = maps(page).first().getByRole("application");
  await canvas.focus();
  await page.keyboard.press("ArrowRight");
  const text = await maps(page).first().locator(".map-value").innerText();
  const [, row, column] = /row (\d+), column (\d+)/.exec(text);
  const width = shape.at(-1);
  const number = Number(text.split(/\s/)[0].replace("\u2212", "-"));
  const score = values[Number(row) * width + Number(column)];
  assert.ok(Math.fround(number) === score, `${text}: ${score}`);
  assert.equal(await page.locator(".map-value output").count(), 2);
  await close();
});

test("a long explanation shows its progress and is stopped by Esc, and asked again by a button", async () => {
  const { page, close } = await open(browser, server.address + "/" + slow);
  await page.locator(".working").waitFor();
  await page.waitForFunction(() => /\d of \d/.test(document.querySelector(".working-text")?.innerText ?? ""), null, {
    timeout: 20_000,
  });
  await page.keyboard.press("Escape");
  await page.getByText("Stopped.").waitFor();
  await page.waitForFunction(
    () =>
      fetch("/metrics")
        .then((response) => response.text())
        .then((text) => /^pellucid_requests_in_flight 0$/m.test(text)),
    null,
    { timeout: 5_000, polling: 100 },
  );
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.locator(".working").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Stopped.").waitFor();
  await close();
});

test("an error is shown in its place, with what to do", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea&target=no-such-class`, {
    refused: ["/explain"],
  });
  const fault = page.getByRole("alert");
  await fault.waitFor();
  assert.match(await fault.innerText(), /no class is called "no-such-class"/);
  // The classes are offered all the same, and one of them mends it.
  await page.locator("button.class").first().click();
  await answered(page);
  assert.equal(await page.locator(".fault").count(), 0);
  await close();
});

test("a link is the whole view, and back goes where one was", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea`);
  await answered(page);
  const first = await sentence(page);
  await page.locator("button.class").nth(1).click();
  await page.waitForURL(/target=\d+/);
  await page.locator("#method-saliency").check();
  await answered(page, 2);
  await page.getByLabel("Opacity").fill("20");
  await page.waitForURL(/look=0.2/);
  const [link, second] = [page.url(), await sentence(page)];
  assert.notEqual(second, first);
  const copy = await open(browser, link);
  await answered(copy.page, 2);
  assert.equal(await sentence(copy.page), second);
  assert.equal(await copy.page.getByLabel("Opacity").inputValue(), "20");
  await copy.close();
  await page.goBack();
  await answered(page, 1);
  await page.goBack();
  await page.waitForFunction((words) => document.querySelector("h1").innerText === words, first);
  await close();
});

test("a link to a photo that is not here says so", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=file%3Adog.jpg&target=top2&methods=grad_cam%2Csaliency`);
  assert.match(await page.getByRole("alert").innerText(), /dog\.jpg.*can't carry/);
  // Once it is dropped, the rest of the link holds.
  await drop(page, "dog.jpg", await readFile(photo));
  await answered(page, 2);
  assert.match(page.url(), /photo=file%3Adog\.jpg.*target=top2/);
  await close();
});

test("every format is saved as a file that begins as one, under the photo's name", async () => {
  const { page, close } = await open(browser, server.address + "/" + two);
  await answered(page, 2);
  const begins = { PNG: "\x89PNG", SVG: "<?xml", PDF: "%PDF", NPY: "\x93NUMPY", JSON: "{" };
  for (const [format, opening] of Object.entries(begins)) {
    const { name, bytes } = await saved(page, format);
    assert.equal(name, `chelsea.grad_cam.${format.toLowerCase()}`);
    assert.ok(bytes.toString("latin1").startsWith(opening), `${name}: ${bytes.toString("latin1", 0, 20)}`);
  }
  const { name, bytes } = await saved(page, "Report");
  assert.match(name, /^chelsea\..*html$/);
  const report = bytes.toString();
  assert.match(report, /^<!doctype html>/i);
  assert.match(report, /pellucid-report/);
  for (const method of ["grad_cam", "saliency"]) assert.ok(report.includes(method));
  await close();
});

test("the command that is shown gives the numbers that are shown", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea`, {
    settings: { permissions: ["clipboard-read", "clipboard-write"] },
  });
  await answered(page);
  const { bytes } = await saved(page, "NPY");
  await page.getByRole("button", { name: "Copy: Command line" }).click();
  await page.getByText("copied", { exact: true }).waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const folder = await mkdtemp(path.join(tmpdir(), "page-"));
  try {
    await copyFile(model, path.join(folder, path.basename(model)));
    await symlink(program, path.join(folder, "pellucid"));
    const sample = await page.evaluate(() =>
      fetch("/assets/chelsea.webp")
        .then((r) => r.arrayBuffer())
        .then((b) => [...new Uint8Array(b)]),
    );
    await writeFile(path.join(folder, "chelsea.webp"), Uint8Array.from(sample));
    await run("sh", ["-c", `PATH=.:$PATH; ${command}`], { cwd: folder });
    const mine = readNpy(await readFile(path.join(folder, "pellucid-out/chelsea.grad_cam.npy")));
    const shown = readNpy(bytes);
    assert.deepEqual(mine.shape, shown.shape);
    const largest = Math.max(...shown.values.map(Math.abs));
    mine.values.forEach((value, i) => assert.ok(Math.abs(value - shown.values[i]) <= 1e-4 * largest));
  } finally {
    await rm(folder, { recursive: true });
  }
  assert.match(await page.locator(".reproduce pre").last().innerText(), /import pellucid[\s\S]*explain/);
  await close();
});

test("another file of the same name is another photo", async () => {
  const { page, close } = await open(browser, server.address);
  const classes = () => page.locator(".classes").innerText();
  await drop(page, "same.png", await readFile(photo));
  await answered(page);
  const first = await classes();
  const other = await page.evaluate(() =>
    fetch("/assets/chelsea.webp")
      .then((r) => r.arrayBuffer())
      .then((b) => [...new Uint8Array(b)]),
  );
  await drop(page, "same.png", Buffer.from(other));
  await page.waitForFunction(
    (words) => !["", words].includes(document.querySelector(".classes")?.innerText ?? ""),
    first,
  );
  await close();
});

test("what is too large is refused in words", async () => {
  const small = await serve(model, "--max-upload", "4KiB");
  try {
    const { page, close } = await open(browser, `${small.address}/#why?photo=chelsea`, {
      refused: ["/explain", "/predict"],
    });
    const fault = page.locator(".fault");
    await fault.waitFor();
    assert.match(await fault.innerText(), /larger than/);
    await close();
  } finally {
    await small.stop();
  }
});

test("an array takes the photo's place where it has the model's shape", async () => {
  const { page, close } = await open(browser, server.address);
  const [name] = await page.evaluate(() =>
    fetch("/v1/models")
      .then((r) => r.json())
      .then(({ models }) => models),
  );
  const { inputs } = await page.evaluate((called) => fetch(`/v2/models/${called}`).then((r) => r.json()), name);
  const shape = inputs[0].shape.slice(1);
  const values = new Float32Array(shape.reduce((a, b) => a * b)).map((_, i) => Math.sin(i * 0.37));
  const file = Buffer.from(await npyFile(shape, new Uint8Array(values.buffer)).arrayBuffer());
  await drop(page, "waves.npy", file, "");
  await answered(page);
  assert.equal(await page.locator(".map-photo").count(), 0);
  await page.getByRole("button", { name: "What if I change it?" }).click();
  await page.getByText("nothing to paint on").waitFor();
  await close();
});

test("a model of several inputs is said to be one, with how to ask about it", async () => {
  const own = await serve(twoInputs);
  try {
    const { page, close } = await open(browser, own.address + "/#why?photo=chelsea");
    await page.getByRole("heading", { name: "This model takes 2 inputs: image, vector" }).waitFor();
    const command = await page.locator("pre").first().innerText();
    assert.equal(command, "pellucid explain image_and_vector.pt2 image=FILE vector=FILE");
    await close();
  } finally {
    await own.stop();
  }
});

test("a model that takes no picture is offered arrays, and methods that an array has places for", async () => {
  const own = await serve(arrayModel);
  const { page, close } = await open(browser, own.address);
  try {
    await page.getByText("Drop an array (.npy) here").waitFor();
    assert.equal(await page.locator(".sample").count(), 0);
    assert.equal(await page.getByText("What if I change it?").count(), 0);
    await drop(page, "numbers.npy", Buffer.from(await npyFile([1, 5], new Uint8Array(Float32Array.of(1, -2, 3, 0.5, -1).buffer)).arrayBuffer()), "");
    await answered(page);
    assert.match(await sentence(page), /spoke for it most/);
    // The file's own names of its numbers.
    assert.notEqual(await page.locator(".map-bars tbody th").first().innerText(), "feature 0");
    assert.equal(await page.locator('input[name="threshold"]').count(), 0);
  } finally {
    await close();
    await own.stop();
  }
});
