// The report for all its readers: in Chinese, by ear, in the dark, on a phone, on paper, and of any operation.
import assert from "node:assert/strict";
import test from "node:test";
import axe from "axe-core";
import { copy, maps, model, open, photo, program, sample } from "./opened_report.mjs";
import { ask, pack } from "./sample_report.mjs";
import { engineTable, ownTable } from "./words_in_source.mjs";

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

test("several inputs are one choice on the screen, and all of them are on paper", async () => {
  const report = copy();
  const names = ["first.png", "second.png", "second.png"];
  report.exhibits = names.map((name, i) => ({ ...report.exhibits[0], name, ...(i > 0 ? { sample: i - 1 } : {}) }));
  const { page, fine } = await open(report);
  assert.equal(await page.locator("h1").textContent(), "3 inputs explained");
  const choice = page.getByRole("group", { name: "Input" }).getByRole("button");
  assert.deepEqual(await choice.allTextContents(), ["first.png", "second.png [0]", "second.png [1]"]);
  await choice.nth(2).click();
  assert.deepEqual(await page.locator(".exhibit .file").allTextContents(), ["second.png [1]"]);
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator(".exhibit .file").count(), 3);
  assert.equal(await maps(page).count(), 3 * sample.report.exhibits[0].maps.length);
  await fine();
  await page.close();
});

test("a command is copied; where the clipboard is shut it is marked for the reader's own key", async () => {
  const report = copy();
  report.document.reproduce = { command: "pellucid explain 'a b.pt2' <x>", python: "import pellucid\nmodel = 1" };
  const { page } = await open(report);
  await page.evaluate(() => {
    window.copied = [];
    navigator.clipboard.writeText = async (text) => void window.copied.push(text);
  });
  const status = page.locator(".copyable [role=status]");
  await page.getByRole("button", { name: "Copy: Command line" }).click();
  await page.waitForFunction(() => document.querySelector(".copyable [role=status]").textContent !== "");
  assert.equal(await status.first().textContent(), "copied");
  assert.deepEqual(await page.evaluate(() => window.copied), [report.document.reproduce.command]);
  await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error("shut"))));
  await page.getByRole("button", { name: "Copy: Python" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".copyable [role=status]")[1].textContent !== "");
  assert.equal(await status.nth(1).textContent(), "press Ctrl+C");
  assert.equal(await page.evaluate(() => String(getSelection())), report.document.reproduce.python);
  await page.close();
});
