// The report's maps: what stands in the file is what is seen and read, and nothing else happens.
import assert from "node:assert/strict";
import test from "node:test";
import { copy, maps, open, openFile, pixel, sample, set, shell } from "./opened_report.mjs";
import { pack } from "./sample_report.mjs";
import { source } from "./source.mjs";

const { exact } = await source("viewer/numbers");

const image = `<img src=x onerror="window.hacked=1">`;
const script = `</script><script>window.hacked=2</script><!--`;

test("the file that the engine writes opens, and asks for nothing", async () => {
  assert.ok(sample.file.length <= 2_100_000);
  const { page, fine } = await openFile(sample.file);
  assert.equal(await maps(page).count(), 4);
  assert.match(await page.locator("h1").textContent(), /^The model answers /);
  await fine();
  await page.close();
});

test("the shell is small, and everything in it is allowed by its hash alone", () => {
  assert.ok(Buffer.byteLength(shell) <= 150_000);
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
