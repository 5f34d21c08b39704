// The command and the Python that give the same answers again, as the answers themselves say it.
import { Copyable } from "../../report/reproduce";
import { say } from "../../words";
import { type Photo, sampleAddress, sampleOf } from "../photo";
import type { Answer } from "../server";

interface Recipe {
  command: string;
  python: string;
}

function recipeOf(answer: Answer): Recipe | null {
  const first = (answer.document["answers"] as { reproduce?: Recipe }[] | undefined)?.[0];
  return (answer.document["reproduce"] as Recipe | undefined) ?? first?.reproduce ?? null;
}

// The page asks for numbers alone and draws them itself; a person wants the default files.
const commandFor = ({ command }: Recipe): string => command.replace(" --format npy", "");
const pythonFor = ({ python }: Recipe): string => python.replace(', format="npy"', "");

export function Reproduce({ answers, photo }: { answers: readonly Answer[]; photo: Photo }) {
  const { name } = photo;
  const sample = sampleOf(photo.id);
  const recipes = answers.map(recipeOf).filter((recipe) => recipe !== null);
  if (recipes.length === 0) return null;
  const commands = recipes.map(commandFor);
  const python = recipes.map(pythonFor);
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
      <Copyable label={say("Command line")} text={commands.join("\n")} />
      <Copyable label="Python" text={joined(python)} />
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
