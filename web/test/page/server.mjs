// A running `pellucid serve` for the page's tests. While the page is worked on, PELLUCID_ASSETS=FOLDER puts what
// `node build.mjs FOLDER` made in front of the program, which need not be built again then.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".webp": "image/webp",
};

/** Starts the program with these words; {port, stop}. */
export function startProgram(program, words) {
  const child = spawn(program, ["serve", ...words, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  const stop = () =>
    new Promise((done) => {
      child.once("exit", done);
      child.kill("SIGTERM");
    });
  return new Promise((started, failed) => {
    let said = "";
    const read = (text) => {
      said += text;
      const found = /http:\/\/\S+?:(\d+)/.exec(said);
      if (found) started({ port: Number(found[1]), stop });
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.once("exit", (code) => failed(new Error(`pellucid serve ended with ${code}: ${said}`)));
  });
}

// The program's words with the folder's, which may be newer.
async function joined(folder, port) {
  const engine = await (await fetch(`http://127.0.0.1:${port}/words/zh.json`)).json();
  return { ...engine, ...JSON.parse(await readFile(path.join(folder, "words.zh.json"), "utf8")) };
}

/** The assets of a folder in front of a server at `port`; {port, stop}. */
export function startAssets(folder, port) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (pathname === "/words/zh.json") {
      void joined(folder, port).then((words) => {
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(JSON.stringify(words));
      });
      return;
    }
    const name = pathname === "/" ? "index.html" : /^\/assets\/([\w.-]+)$/.exec(pathname)?.[1];
    if (!name) {
      const headers = { ...request.headers };
      const onward = http.request({ port, path: request.url, method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      response.on("close", () => onward.destroy());
      request.pipe(onward);
      return;
    }
    readFile(path.join(folder, name)).then(
      (bytes) => {
        response.writeHead(200, { "Content-Type": types[path.extname(name)], "Content-Security-Policy": policy });
        response.end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  return new Promise((started) => {
    server.listen(0, "127.0.0.1", () => {
      started({ port: server.address().port, stop: () => new Promise((done) => server.close(done)) });
    });
  });
}
