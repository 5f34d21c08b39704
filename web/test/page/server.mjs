// A running `pellucid serve` for the page's tests. Where the program does not bring the page itself
// yet (PELLUCID_ASSETS=FOLDER), the built assets are served in front of it, under the same policy.
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
  ".json": "application/json",
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

/** The assets of a folder in front of a server at `port`; {port, stop}. */
export function startAssets(folder, port) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    const name = pathname === "/" ? "index.html" : /^\/(?:assets|words)\/([\w.-]+)$/.exec(pathname)?.[1];
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
    const file = pathname.startsWith("/words/") ? `words.${name}` : name;
    readFile(path.join(folder, file)).then(
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
