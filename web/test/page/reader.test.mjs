// The sixth point: keys, screen readers, sizes, colours, languages; and what strangers may hand in.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after, before } from "node:test";
import { gzipSync } from "node:zlib";
import { answered, drop, launch, maps, model, open, photo, secondModel, sentence, serve } from "./browser.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.PELLUCID_SHOTS; // a folder for screenshots
let server, browser;
before(async () => {
  server = await serve(model, secondModel);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// Run in a world of its own, which the page's policy does not concern.
async function faults(page) {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send("Page.getFrameTree");
  const { executionContextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await client.send("Runtime.evaluate", {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined);
    return result.value;
  };
  await evaluate(axe + ";0");
  const found = await evaluate("axe.run().then(({ violations }) => violations)");
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ""}`));
}

const phone = { width: 390, height: 844 };
const views = {
  opening: [{}, "", (page) => page.locator(".sample").first().waitFor()],
  dark: [{ colorScheme: "dark" }, "", (page) => page.locator(".sample").first().waitFor()],
  why: [{}, "#why?photo=chelsea", (page) => answered(page)],
  "why.dark": [{ colorScheme: "dark" }, "#why?photo=coffee&o.seed=3", (page) => answered(page)],
  "why.phone": [{ viewport: phone }, "#why?photo=chelsea", (page) => answered(page)],
  "versus.phone": [{ viewport: phone, colorScheme: "dark" }, "#versus?photo=rocket", (page) => answered(page)],
  "methods.zh": [
    { locale: "zh-CN" },
    "#methods?photo=chelsea&methods=grad_cam%2Csaliency",
    (page) => answered(page, 2),
  ],
  change: [{}, "#change?photo=chelsea", (page) => page.locator(".shifts").waitFor()],
  "change.phone": [
    { viewport: phone, locale: "zh-CN" },
    "#change?photo=coffee",
    (page) => page.locator(".shifts").waitFor(),
  ],
  catalogue: [{ locale: "zh-CN" }, "#catalogue", (page) => page.locator(".method-table").first().waitFor()],
  operation: [
    { colorScheme: "dark" },
    "#catalogue?operation=explain&photo=coffee",
    (page) => page.locator(".field").first().waitFor(),
  ],
  "operation.phone": [
    { viewport: phone },
    "#catalogue?operation=predict",
    (page) => page.locator(".field").first().waitFor(),
  ],
  missing: [{}, "#why?photo=file%3Adog.jpg", (page) => page.locator(".missing").waitFor()],
};

for (const [name, [settings, fragment, ready]] of Object.entries(views))
  test(`no serious fault of accessibility and no scrolling sideways: ${name}`, async () => {
    const { page, close } = await open(browser, `${server.address}/${fragment}`, { settings });
    await ready(page);
    if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: settings.viewport === phone });
    assert.deepEqual(await faults(page), []);
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= window, `${wide} > ${window}`);
    await close();
  });

test("the first screen needs no scrolling at 1280 x 720", async () => {
  const { page, close } = await open(browser, server.address);
  await page.locator(".sample").first().waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight));
  await close();
});

test("keys alone lead from the first screen to a score and back, and the focus is always seen", async () => {
  const { page, close } = await open(browser, server.address);
  await page.locator(".sample").first().waitFor();
  const seen = [];
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return [element.textContent || element.title, outlineStyle !== "none" && outlineWidth !== "0px"];
    });
  for (let i = 0; i < 30; ++i) {
    await page.keyboard.press("Tab");
    const [words, outlined] = await focused();
    if (words === "" && (await page.evaluate(() => document.activeElement === document.body))) break;
    assert.ok(outlined, `the focus is not seen on ${words}`);
    seen.push(words);
    if (words === "A cat") break;
  }
  assert.equal(seen[0], "Skip to the answer");
  assert.ok(seen.includes("Catalogue") && seen.at(-1) === "A cat", seen.join("; "));
  await page.keyboard.press("Enter");
  await answered(page);
  // From the top, the skip link leads past everything before the answer.
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const map = maps(page).first().getByRole("application");
  for (let i = 0; i < 40 && !(await map.evaluate((element) => element === document.activeElement)); ++i)
    await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() =>
    /row \d+, column \d+/.test(document.querySelector(".viewer [aria-live]")?.textContent ?? ""),
  );
  // No trap: further keys leave the map again.
  await page.keyboard.press("Tab");
  assert.ok(!(await map.evaluate((element) => element === document.activeElement)));
  await close();
});

test("an answer is announced: its sentence stands in a live region from the start", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea`);
  await page.locator("h1[aria-live=polite]").waitFor();
  await answered(page);
  assert.equal(await page.locator("h1[aria-live=polite]").count(), 1);
  await close();
});

test("the browser's language is used, and can be changed for good", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea`, {
    settings: { locale: "zh-CN" },
  });
  await answered(page);
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  assert.match(await sentence(page), /[\u4e00-\u9fff]/);
  // Texts of the server come in the same language.
  const left = await page.locator("#main").innerText();
  assert.doesNotMatch(left, /The model|Methods|Opacity|Photo\n/);
  // And so do sentences that the engine put together in English.
  assert.doesNotMatch(left, /scores (sum|are|differ)|was chosen|No attribution/);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Methods" }).waitFor();
  await page.reload();
  await answered(page);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.doesNotMatch(await page.locator("#main").innerText(), /[\u4e00-\u9fff]/);
  await close();
});

test("what went wrong is told in the reader's language", async () => {
  const { page, close } = await open(browser, `${server.address}/#why?photo=chelsea&target=99999`, {
    settings: { locale: "zh-CN" },
    refused: ["/explain"],
  });
  const fault = page.locator(".fault").first();
  await fault.waitFor();
  assert.match(await fault.innerText(), /类别 99999 不存在/);
  assert.doesNotMatch(await fault.innerText(), /does not exist|the output/);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByText("class 99999 does not exist").first().waitFor();
  await close();
});

test("another model is one choice away", async () => {
  const { page, close } = await open(browser, server.address);
  const choice = page.getByLabel("Model");
  await choice.waitFor();
  const names = await choice.locator("option").allInnerTexts();
  assert.equal(names.length, 2);
  await choice.selectOption(names[1]);
  await page.waitForURL(new RegExp(`model=${names[1]}`));
  await page.getByRole("button", { name: "A cat" }).click();
  await answered(page);
  await close();
});

test("an operation and a method that the page never heard of have their forms and their answer", async () => {
  const options = [
    { name: "flag", type: "boolean", help: "A flag.", default: false },
    { name: "how_many", type: "integer", help: "A number.", default: 4, least: 1, most: 9 },
    { name: "share", type: "number", help: "A share.", default: 0.5, least: 0, most: 1 },
    { name: "kind", type: "string", help: "A kind.", default: "b", choices: ["a", "b"] },
    { name: "parts", type: "list", help: "Parts.", default: ["x"], choices: ["x", "y"] },
    { name: "words", type: "string", help: "Words.", default: null },
  ];
  const toy = {
    name: "toy",
    path: "/v2/models/{model}/toy",
    group: "Look",
    summary: "A toy.",
    details: "",
    inputs: "none",
    formats: [],
    takes_settings: false,
    options,
  };
  const method = {
    name: "toy_method",
    title: "Toy method",
    summary: "Nothing.",
    citation: "",
    needs: "forward",
    promises: [],
    uses_baseline: false,
    uses_layer: false,
    options,
  };
  let asked = null;
  const { page, close } = await open(browser, `${server.address}/#catalogue`, {
    prepare: async (page) => {
      await page.route("**/v2/catalogue", async (route) => {
        const answer = await route.fetch();
        const catalogue = await answer.json();
        await route.fulfill({
          response: answer,
          json: { operations: [...catalogue.operations, toy], methods: [...catalogue.methods, method] },
        });
      });
      await page.route("**/toy", async (route) => {
        asked = route.request();
        await route.fulfill({ json: { document: { depth: 3.25, rows: [] }, warnings: [], failures: [], outputs: [] } });
      });
    },
  });
  await page.locator(".catalogue nav").getByRole("button", { name: "toy", exact: true }).click();
  await page.getByLabel("flag").check();
  await page.getByLabel("how many").fill("7");
  await page.getByLabel("share").fill("0.25");
  await page.getByLabel("kind").selectOption("a");
  await page.getByLabel("y", { exact: true }).check();
  await page.getByLabel("words").fill("so");
  await page.getByLabel("words").press("Tab");
  await page.waitForURL(/o\.words=so/);
  const sent = page.waitForRequest("**/toy");
  await page.getByRole("button", { name: "Run" }).click();
  await sent;
  await page.locator(".result").waitFor();
  assert.match(await page.locator(".result").innerText(), /Depth\s+3\.25/);
  assert.equal(
    new URL(page.url()).hash,
    "#catalogue?operation=toy&o.flag=true&o.how_many=7&o.share=0.25&o.kind=a&o.parts=%5B%22x%22%2C%22y%22%5D&o.words=so",
  );
  assert.ok(asked.headers()["x-request-id"]);
  await page.goto(`${server.address}/#why?photo=chelsea`);
  await page.getByText("Toy method").waitFor();
  await close();
});

test("a hostile name is a text, and nothing of it runs", async () => {
  const { page, close } = await open(browser, server.address);
  const name = `<img src=x onerror=alert(1)>'"\u202e.png`;
  await drop(page, name, await readFile(photo));
  await answered(page);
  assert.equal(await page.locator(".file-name").first().textContent(), name);
  assert.equal(await page.locator("img[src=x]").count(), 0);
  const command = await page.locator(".reproduce pre").first().innerText();
  assert.ok(command.includes("'\\''"), command);
  await close();
});

test("a file that is no picture is refused in words", async () => {
  const { page, close } = await open(browser, server.address, { refused: ["/explain", "/predict"] });
  await drop(page, "notes.png", Buffer.from("no picture"));
  const fault = page.locator(".fault");
  await fault.waitFor();
  assert.match(await fault.innerText(), /notes\.png/);
  await close();
});

test("where a token is needed it is asked for, once", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "page-"));
  const file = path.join(folder, "token");
  await writeFile(file, "a-long-enough-secret-token\n");
  const guarded = await serve(model, "--token-file", file);
  try {
    const { page, close } = await open(browser, `${guarded.address}/#why?photo=chelsea`, { refused: ["/v1/", "/v2/"] });
    const field = page.getByLabel(/token/);
    await field.fill("wrong");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("the token is wrong").waitFor();
    await field.fill("a-long-enough-secret-token");
    await page.keyboard.press("Enter");
    await answered(page);
    await page.reload();
    await answered(page);
    await close();
  } finally {
    await guarded.stop();
    await rm(folder, { recursive: true });
  }
});

test("the page is small and painted before its script", async () => {
  let packed = 0;
  for (const name of ["page.js", "page.css"]) {
    const bytes = Buffer.from(await (await fetch(`${server.address}/assets/${name}`)).arrayBuffer());
    packed += gzipSync(bytes).length;
  }
  assert.ok(packed <= 100_000, String(packed));
  const times = [];
  for (let i = 0; i < 5; ++i) {
    const { page, close } = await open(browser, server.address);
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    await close();
  }
  console.log(`# ${packed} bytes packed; first paint, ms: ${times.map(Math.round).join(" ")}`);
  assert.ok(Math.min(...times) < 300, times.join(" "));
});
