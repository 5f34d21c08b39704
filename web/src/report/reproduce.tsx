// The command and the Python that make this answer again, ready to copy.
import { useRef, useState } from "preact/hooks";
import type { Json } from "../answer/documents";
import { say } from "../words";

function isObject(json: Json | undefined): json is { [key: string]: Json } {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}

export function Reproduce({ document }: { document: { [key: string]: Json } }) {
  const how = document["reproduce"];
  if (!isObject(how)) return null;
  const { command, python } = how;
  return (
    <section class="reproduce">
      <h2>{say("Make it again")}</h2>
      {typeof command === "string" && <Copyable label={say("Command line")} text={command} />}
      {typeof python === "string" && <Copyable label="Python" text={python} />}
    </section>
  );
}

export function Copyable({ label, text }: { label: string; text: string }) {
  const block = useRef<HTMLPreElement>(null);
  const [done, setDone] = useState<"no" | "copied" | "marked">("no");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("copied");
    } catch {
      // Where the browser keeps its clipboard from a file: the text is marked, and one key away.
      if (block.current !== null) getSelection()?.selectAllChildren(block.current);
      setDone("marked");
    }
  };
  return (
    <div class="copyable">
      <div class="copyable-head">
        <h3>{label}</h3>
        <span role="status">{done === "copied" ? say("copied") : done === "marked" ? say("press Ctrl+C") : ""}</span>
        <button type="button" onClick={() => void copy()} aria-label={say("Copy: {0}", label)}>
          {say("Copy")}
        </button>
      </div>
      <pre ref={block} tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}
