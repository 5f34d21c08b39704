// The command and the Python that give the same answers again, as the answers themselves say it.
import { useState } from "preact/hooks";
import { say } from "../../words";
import type { Answer } from "../server";

interface Recipe {
  command: string;
  python: string;
}

const shownFor = 1500; // milliseconds

function recipeOf(answer: Answer): Recipe | null {
  const first = (answer.document["answers"] as { reproduce?: Recipe }[] | undefined)?.[0];
  return (answer.document["reproduce"] as Recipe | undefined) ?? first?.reproduce ?? null;
}

function Code({ words, text }: { words: string; text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="code">
      <div class="code-head">
        <h3>{words}</h3>
        <button
          type="button"
          class="quiet"
          aria-label={say("Copy: {0}", words)}
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => {
              setCopied(true);
              setTimeout(() => {
                setCopied(false);
              }, shownFor);
            });
          }}
        >
          <span aria-live="polite">{copied ? say("Copied") : say("Copy")}</span>
        </button>
      </div>
      <pre tabIndex={0} aria-label={words}><code>{text}</code></pre>
    </div>
  );
}

// `name`: of the file that the answers call by its place in the request.
export function Reproduce({ answers, name }: { answers: readonly Answer[]; name: string }) {
  const recipes = answers.map(recipeOf).filter((recipe) => recipe !== null);
  if (recipes.length === 0) return null;
  const named = (text: string) => text.replaceAll("inputs[0].data[0]", name);
  const commands = recipes.map((recipe) => named(recipe.command));
  const python = recipes.map((recipe) => named(recipe.python));
  return (
    <section class="reproduce" aria-labelledby="reproduce-title">
      <h2 id="reproduce-title">{say("Do it again")}</h2>
      <Code words={say("Command line")} text={commands.join("\n")} />
      <Code words="Python" text={joined(python)} />
    </section>
  );
}

// Lines that open each of several programs are needed once.
function joined(programs: readonly string[]): string {
  const lines: string[] = [];
  for (const program of programs)
    for (const line of program.trimEnd().split("\n")) {
      const opens = /^(import |from |model = )/.test(line);
      if (!opens || !lines.includes(line)) lines.push(line);
    }
  return lines.join("\n");
}
