// The report's file, opened from the disk in a browser as a reader would. PELLUCID_PROGRAM: the program that was built
// (default: build/pellucid); CHROMIUM: the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { ask, explainReport, fillShell, pack } from "./sample_report.mjs";
import { source } from "./source.mjs";
import { engineTable, ownTable } from "./words_in_source.mjs";

const web = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const root = path.join(web, "..");
const program = path.resolve(process.env.PELLUCID_PROGRAM ?? path.join(root, "build/pellucid"));
const model = path.join(root, "test/fixtures/models/cnn_module.pt2");
const photo = path.join(root, "examples/chelsea.png");
const { exact } = await source("viewer/numbers");

const image = `<img src=x onerror="window.hacked=1">`;
const script = `</script><script>window.hacked=2</script><!--`;

let folder, browser, shell, sample;

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
  rmSync(folder, { recursive: true, force: true });
});

/** The report in a browser, with everything that went wrong there. */
async function open(report, { title = "Report", ...settings } = {}) {
  return openFile(fillShell(shell, report, title), settings);
}

async function openFile(text, settings = {}) {
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

const copy = () => structuredClone(sample.report);
const maps = (page) => page.locator("figure.map canvas[role=application]");

/** Red, green, blue and alpha of a canvas at a share of its sides. */
const pixel = (canvas, across, down) =>
  canvas.evaluate(
    (element, [x, y]) => [...element.getContext("2d").getImageData(Math.floor(x * element.width), Math.floor(y * element.height), 1, 1).data],
    [across, down],
  );

/** Sets a control as a reader's hand would, and waits until it is drawn. */
async function set(page, name, value) {
  const control = page.locator(`.controls [name=${name}]`);
  if (name === "colormap") await control.selectOption(value);
  else await control.fill(String(value));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

test("the file that the engine writes opens, and asks for nothing", async () => {
  assert.ok(sample.file.length <= 2_100_000);
  const { page, fine } = await openFile(sample.file);
  assert.equal(await maps(page).count(), 4);
  assert.match(await page.locator("h1").textContent(), /^The model answers /);
  await fine();
  await page.close();
});

test("the shell is small, and everything in it is allowed by its hash alone", () => {
  assert.ok(statSync(path.join(folder, "report.html")).size <= 150_000);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(shell)[1];
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; img-src data: blob:; /);
  for (const mark of ["<!--pellucid:title-->", "<!--pellucid:data-->"])
    assert.equal(shell.split("\n").filter((line) => line === mark).length, 1);
  assert.equal(shell.split("pellucid:").length, 3);
});

test("hostile labels and file names are shown as they are, and do nothing", async () => {
  const report = copy();
  report.exhibits[0].name = `${script}.png`;
  report.warnings = [image];
  report.failures = [{ input: `${image}.png`, error: script }];
  report.operation.summary = image;
  report.document.reproduce = { command: `pellucid ${script}`, python: image };
  for (const answer of report.document.answers) {
    answer.input = `${script}.png`;
    answer.target.text = image;
    answer.method.name = script;
    answer.notes = [image];
    answer.checks.push({ name: image, verdict: "fail", words: script });
    answer.prediction.top = [{ index: 0, label: image, score: 1, probability: 0.9 }];
    answer.model.name = image;
    answer[image] = { [script]: image };
  }
  const { page, fine } = await open(report, { title: script });
  await page.locator("summary").first().click();
  assert.equal(await page.title(), script);
  assert.match(await page.locator("h1").textContent(), /<img src=x onerror="window.hacked=1">/);
  const text = await page.locator("#report").textContent();
  for (const part of [`${script}.png`, `${image}.png`, `pellucid ${script}`]) assert.ok(text.includes(part), part);
  assert.deepEqual(await page.evaluate(() => [window.hacked, document.images.length, document.scripts.length]), [undefined, 0, 2]);
  await fine();
  // The policy is at work: a script that got in would not run, and would be seen here.
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("script"), { textContent: "window.hacked=3" })));
  assert.deepEqual(await page.evaluate(() => [window.hacked, window.violations]), [undefined, ["script-src-elem"]]);
  await page.close();
});

test("opacity, threshold and colours change the pixels, and nothing else does", async () => {
  const { page, fine } = await open(copy());
  const canvas = maps(page).first();
  const bare = await pixel(page.locator("figure.map-photo canvas"), 0.5, 0.5);
  const first = await pixel(canvas, 0.5, 0.5);
  assert.notDeepEqual(first, bare);
  await set(page, "opacity", 0);
  assert.deepEqual(await pixel(canvas, 0.5, 0.5), bare);
  await set(page, "opacity", 100);
  const full = await pixel(canvas, 0.5, 0.5);
  await set(page, "colormap", "viridis");
  assert.notDeepEqual(await pixel(canvas, 0.5, 0.5), full);
  await set(page, "threshold", 100);
  // Only the very largest score is left: somewhere the photo is seen again.
  const { width, height } = await canvas.evaluate((element) => ({ width: element.width, height: element.height }));
  const same = await page.evaluate(
    ([w, h]) => {
      const [a, b] = [...document.querySelectorAll("figure.map canvas")].slice(1).concat(document.querySelector("figure.map-photo canvas")).filter((_, i, all) => i === 0 || i === all.length - 1)
        .map((each) => each.getContext("2d").getImageData(0, 0, w, h).data);
      let equal = 0;
      for (let i = 0; i < a.length; i += 4) equal += Number(a[i] === b[i] && a[i + 1] === b[i + 1] && a[i + 2] === b[i + 2]);
      return equal / (w * h);
    },
    [width, height],
  );
  assert.ok(same > 0.6, `${same} of the pixels are the photo's`);
  await page.getByRole("button", { name: "Reset" }).click();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.deepEqual(await pixel(canvas, 0.5, 0.5), first);
  await fine();
  await page.close();
});

test("the value under the pointer is the array's number, on all maps at once", async () => {
  const { page, fine } = await open(copy());
  const { width, height } = sample.report.exhibits[0].picture;
  const { seen } = sample.report.exhibits[0];
  const shown = sample.report.document.answers.flatMap((answer, a) => (answer.target.index === 0 ? [a] : []));
  assert.equal(await maps(page).count(), shown.length);
  for (const [across, down] of [
    [0.07, 0.93],
    [0.5, 0.31],
  ]) {
    const box = await maps(page).first().boundingBox();
    await page.mouse.move(box.x + ((seen.x + across * seen.width) / width) * box.width, box.y + ((seen.y + down * seen.height) / height) * box.height);
    const said = (await page.locator("figure.map output").allTextContents()).map((text) => Number(text.replace("−", "-")));
    const expected = shown.map((a) => {
      const plane = sample.planes.get(`${a}.0`);
      const packed = sample.report.exhibits[0].maps.find((map) => map.answer === a);
      assert.deepEqual([packed.height, packed.width], [plane.height, plane.width]);
      const value = plane.values[Math.floor(down * plane.height) * plane.width + Math.floor(across * plane.width)];
      // Exact up to the order of float32 sums over three channels; of rounded scores, up to half a step and the last digit.
      return { value, tolerance: packed.bits === 32 ? 2e-7 * Math.abs(value) : packed.step };
    });
    assert.equal(said.length, expected.length);
    expected.forEach(({ value, tolerance }, i) => assert.ok(Math.abs(said[i] - value) <= tolerance, `${said[i]} for ${value}`));
  }
  await page.mouse.move(5, 5);
  assert.equal(await page.locator("figure.map output").count(), 0);
  await fine();
  await page.close();
});

test("the keyboard moves the cell on all maps and says the values", async () => {
  const { page, fine } = await open(copy());
  await maps(page).first().focus();
  for (const key of ["ArrowRight", "Home", "ArrowDown", "PageUp"]) await page.keyboard.press(key);
  const plane = sample.planes.get("0.0");
  const live = page.locator("[aria-live=polite]");
  const corner = exact(plane.values[0]);
  await page.waitForFunction((text) => document.querySelector("[aria-live=polite]").textContent.includes(text), `row 0, column 0, ${corner}`);
  assert.equal((await live.textContent()).split(";").length, 4);
  assert.equal(await page.locator("figure.map output").first().textContent(), corner);
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("figure.map output").first().textContent(), exact(plane.values[1]));
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("figure.map output").count(), 0);
  await fine();
  await page.close();
});

test("one scale for all is one for the maps of a unit, and classes are switched", async () => {
  const { page, fine } = await open(copy());
  const ends = () => page.locator(".colour-bar-numbers span:last-child").allTextContents();
  const units = await page.locator(".colour-bar-unit").allTextContents();
  await page.getByRole("button", { name: "one for all" }).click();
  const shared = await ends();
  for (const unit of new Set(units)) assert.equal(new Set(shared.filter((_, i) => units[i] === unit)).size, 1, unit);
  const title = page.locator(".map-title").nth(1);
  const before = await title.textContent();
  await page.getByRole("group", { name: "Maps for" }).getByRole("button").nth(1).click();
  assert.notEqual(await title.textContent(), before);
  await fine();
  await page.close();
});

test("flat maps are said to be flat, and no number is hatched", async () => {
  const report = copy();
  const size = { height: 4, width: 4 };
  const values = Float32Array.from({ length: 16 }, (_, i) => (i < 4 ? NaN : i));
  const [first, second] = report.exhibits[0].maps.filter((map) => report.document.answers[map.answer].target.index === 0);
  Object.assign(first, pack({ ...size, values: new Float32Array(16) }, 32));
  Object.assign(second, pack({ ...size, values }, 32));
  report.exhibits[0].seen = null;
  const { page, fine } = await open(report);
  assert.equal(await page.locator(".map-flat").textContent(), "no attribution: the map is constant 0");
  await set(page, "opacity", 100);
  const colours = (canvas, from, to) =>
    canvas.evaluate(
      (element, [top, bottom]) => {
        const h = element.height;
        const data = element.getContext("2d").getImageData(0, Math.round(top * h), 60, Math.round((bottom - top) * h)).data;
        let light = 0;
        for (let i = 0; i < data.length; i += 4) light += Number(data[i] === 0xe0 && data[i + 2] === 0xe2);
        return light / (data.length / 4);
      },
      [from, to],
    );
  assert.ok((await colours(maps(page).nth(0), 0, 1)) > 0.2); // stripes all over
  assert.ok((await colours(maps(page).nth(1), 0, 0.24)) > 0.2);
  assert.equal(await colours(maps(page).nth(1), 0.3, 1), 0);
  assert.match(await page.locator("figure.map").nth(2).textContent(), /4 of 16 scores are not finite: hatched/);
  await fine();
  await page.close();
});

test("a vector is signed bars around its zero, its features by name", async () => {
  const report = copy();
  const { answer, map } = report.exhibits[0].maps[0];
  const scores = [2, -1, null, 0];
  report.exhibits[0] = { ...report.exhibits[0], picture: null, seen: null, maps: [{ answer, map, names: ["age", image, "broken", "size"], values: [41, 2, 3, 4], scores }] };
  const { page, fine } = await open(report);
  assert.deepEqual(await page.locator(".map-bars tbody th").allTextContents(), ["broken", "age", image, "size"]);
  assert.deepEqual(await page.locator(".map-bars .bars-score").allTextContents(), ["not a finite number", "2.00", "−1.00", "0"]);
  const [right, left] = await page.locator(".bar").evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect()));
  assert.ok(Math.abs(right.left - left.right) < 1 && Math.abs(right.width - 2 * left.width) < 1.5);
  await fine();
  await page.close();
});

test("a damaged map is said, and the rest is shown", async () => {
  const report = copy();
  report.exhibits[0].maps[0].data = "AAAA";
  const { page, fine } = await open(report);
  assert.match(await page.locator("main .alarm").textContent(), /3 bytes where its size needs/);
  assert.ok(await page.getByText("How far to trust it").isVisible());
  await fine();
  await page.close();
});

test("in Chinese nothing that the report says is left in English", async () => {
  const report = copy();
  const words = { ...Object.fromEntries(engineTable()), ...Object.fromEntries(ownTable()) };
  Object.assign(report, { language: "zh", words });
  const { page, fine } = await open(report);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  assert.match(await page.locator("h1").textContent(), /^模型的回答是“.*”，概率为 [\d.]+ %。$/);
  // The keys of the document itself are names, as its JSON has them.
  const said = await page
    .locator("h2, h3, label, .controls button, .choice-label, .exhibit .facts dt, summary, .maps-hint, footer, .map-photo figcaption")
    .and(page.locator(":not(.document *)"))
    .allTextContents();
  assert.deepEqual(said.filter((text) => !/[\u4e00-\u9fff]/.test(text) && text !== "Python"), []);
  await fine();
  await page.close();
});

for (const colorScheme of ["light", "dark"])
  test(`axe finds no serious fault: ${colorScheme}`, async () => {
    const report = copy();
    report.warnings = ["The file does not say what its output is."];
    const { page } = await open(report, { colorScheme });
    await page.locator("summary").first().click();
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => window.axe.run());
    assert.ok(passes.length > 20);
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), []);
    await page.close();
  });

test("on a phone nothing is wider than the screen", async () => {
  const { page } = await open(copy(), { viewport: { width: 360, height: 740 } });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  await page.close();
});

test("paper gets every map of every class, and no controls", async () => {
  const { page, fine } = await open(copy());
  const pdf = await page.pdf({ format: "A4" });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  await page.emulateMedia({ media: "print" });
  // The printer doesn't wait for a frame: all has to be there when the event is over.
  const drawn = await page.evaluate(() => {
    window.dispatchEvent(new Event("beforeprint"));
    return [...document.querySelectorAll("figure.map canvas[role]")].map(
      (canvas) => canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3],
    );
  });
  assert.deepEqual(drawn, new Array(1 + sample.report.exhibits[0].maps.length).fill(255));
  assert.ok(!(await page.locator(".controls").isVisible()));
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.equal(await maps(page).count(), 4);
  await fine();
  await page.close();
});

test("dragging a slider over eight maps of 224 × 224 stays fluent", async () => {
  const report = copy();
  const size = { height: 224, width: 224 };
  for (const answer of report.document.answers) answer.target = { ...report.document.answers[0].target };
  for (const map of report.exhibits[0].maps) Object.assign(map, pack({ ...size, values: Float32Array.from({ length: 224 * 224 }, (_, i) => Math.sin(i)) }, 32));
  const { page } = await open(report);
  assert.equal(await maps(page).count(), 8);
  const steps = 20;
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  // Processor time of the page's own thread: a machine that is busy with other tests doesn't count.
  const spent = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  const start = await spent();
  await page.evaluate(async (count) => {
    const slider = document.querySelector("[name=threshold]");
    for (let i = 1; i <= count; ++i) {
      slider.value = String(i);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    }
  }, steps);
  const milliseconds = (1000 * ((await spent()) - start)) / steps;
  console.log(`# a step of the threshold over eight maps: ${milliseconds.toFixed(1)} ms of the page's thread`);
  assert.ok(milliseconds < 50, `${milliseconds} ms`);
  await page.close();
});

test("an operation without maps is shown whole, with no line written for it", async () => {
  for (const words of [["inspect", model], ["check", model], ["methods"], ["formats"], ["predict", model, photo]]) {
    const { document, report } = ask(program, words);
    const { page, fine } = await open(report);
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
    const text = await page.locator("#report").textContent();
    const leaves = (json) => (json !== null && typeof json === "object" ? Object.values(json).flatMap(leaves) : [json]);
    const strings = leaves(document).filter((leaf) => typeof leaf === "string");
    assert.ok(strings.length > 3, words[0]);
    assert.deepEqual(strings.filter((leaf) => !text.includes(leaf)), [], words[0]);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run());
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], words[0]);
    await fine();
    await page.close();
  }
});
