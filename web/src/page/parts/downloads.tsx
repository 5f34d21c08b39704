// The view as files: whatever formats the operation has, drawn or written by the server itself.
import { useState } from "preact/hooks";
import { say } from "../../words";
import type { Method, Operation } from "../catalogue";
import { fileNameOf, fileOf, saveFile, stemOf } from "../files";
import { explainJob, explainOperation, type Matter } from "../questions";
import { type ServerError, perform } from "../server";
import type { State } from "../state";
import { Fault } from "./fault";

const wholeRun = "html"; // one file for all maps; the others are one a map

// How the maps look here, for the operations that can draw them so.
function lookOf(state: State, operation: Operation): Record<string, unknown> {
  const asked: Record<string, unknown> = {};
  const { opacity, colormap } = state.look;
  for (const { name, choices } of operation.options) {
    if (name === "alpha") asked[name] = opacity;
    if (name === "colormap" && choices?.includes(colormap)) asked[name] = colormap;
  }
  return asked;
}

async function download(state: State, matter: Matter, methods: readonly Method[], format: string): Promise<void> {
  const operation = explainOperation(matter.catalogue);
  const [first] = methods;
  if (!operation || !first) return;
  const job = explainJob(state, first, matter);
  const settings = Object.fromEntries(
    methods.map((method) => [method.name, state.settings[method.name] ?? {}] as const),
  );
  const shared = Object.assign({}, ...methods.map((method) => explainJob(state, method, matter).parameters));
  const parameters = {
    ...(shared as Record<string, unknown>),
    ...lookOf(state, operation),
    method: methods.map((method) => method.name),
    settings,
    format: [format],
  };
  const id = "page-file-" + Math.random().toString(36).slice(2, 10);
  const answer = await perform(job.path, await job.uploads(), parameters, { id, signal: new AbortController().signal });
  const stem = stemOf(matter.photo.name);
  for (const output of answer.outputs)
    saveFile(format === wholeRun ? stem + "." + output.name : fileNameOf(output, stem), fileOf(output));
}

export function Downloads(props: { state: State; matter: Matter; shown: readonly Method[] }) {
  const { state, matter, shown } = props;
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<ServerError | null>(null);
  const operation = explainOperation(matter.catalogue);
  const chosen = shown.find((method) => state.map.split(".")[0] === method.name) ?? shown[0];
  if (!operation || !chosen) return null;
  const ask = (format: string) => {
    setBusy(format);
    setError(null);
    const methods = format === wholeRun ? shown : [chosen];
    download(state, matter, methods, format)
      .catch((fault: unknown) => {
        setError(fault as ServerError);
      })
      .finally(() => {
        setBusy("");
      });
  };
  const formats = operation.formats.filter((format) => format !== wholeRun);
  return (
    <section class="downloads" aria-labelledby="downloads-title">
      <h2 id="downloads-title">{say("Take it with you")}</h2>
      <p class="help">
        {say("The map of {0} as a file, or all that is shown as one page that can be mailed.", chosen.title)}
      </p>
      <p class="buttons">
        {formats.map((format) => (
          <button
            key={format}
            type="button"
            disabled={busy !== ""}
            aria-busy={busy === format}
            onClick={() => {
              ask(format);
            }}
          >
            {format.toUpperCase()}
          </button>
        ))}
        {operation.formats.includes(wholeRun) && (
          <button
            type="button"
            class="main"
            disabled={busy !== ""}
            aria-busy={busy === wholeRun}
            onClick={() => {
              ask(wholeRun);
            }}
          >
            {say("Report")}
          </button>
        )}
      </p>
      {error && <Fault error={error} />}
    </section>
  );
}
