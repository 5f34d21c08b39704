// The command and the Python that give the same answers again, as the answers themselves say it.
import { Copyable } from "../../report/reproduce";
import { say } from "../../words";
import { type Photo, sampleAddress, sampleOf } from "../photo";
import { type Recipe, commandOf, pythonOf } from "../recipe";
import type { Answer } from "../server";

type Made = { command: string; python: string } | undefined;
interface Answered {
  reproduce?: Made;
  method?: { name: string };
}

// The page asks for numbers alone and draws them itself; a person wants the default files.
function recipeOf(answer: Answer): Recipe | null {
  const first = (answer.document["answers"] as Answered[] | undefined)?.[0];
  const made = (answer.document["reproduce"] as Made) ?? first?.reproduce;
  if (!made) return null;
  return {
    command: made.command.replace(" --format npy", ""),
    python: made.python.replace(', format="npy"', ""),
    method: first?.method?.name ?? "",
  };
}

export function Reproduce({ answers, photo }: { answers: readonly Answer[]; photo: Photo }) {
  const { name } = photo;
  const sample = sampleOf(photo.id);
  const recipes = answers.map(recipeOf).filter((recipe) => recipe !== null);
  if (recipes.length === 0) return null;
  return (
    <section class="reproduce" aria-labelledby="reproduce-title">
      <h2 id="reproduce-title">{say("Make it again")}</h2>
      {sample && (
        <p class="help">
          {say("The sample photo it speaks of:")}{" "}
          <a href={sampleAddress(sample)} download={name}>
            {name}
          </a>
        </p>
      )}
      <Copyable label={say("Command line")} text={commandOf(recipes)} />
      <Copyable label="Python" text={pythonOf(recipes)} />
    </section>
  );
}
