// A model of several inputs: the page holds one file, so it says who can ask about more.
import { Copyable } from "../../report/reproduce";
import { say } from "../../words";
import type { Model } from "../catalogue";

export function SeveralInputs({ model }: { model: Model }) {
  const names = model.inputs.map(({ name }) => name);
  const files = names.map((name) => `${name}=FILE`).join(" ");
  const values = names.map((name) => `"${name}": ${name}`).join(", ");
  return (
    <section class="opening" id="answer">
      <div class="asked">
        <h1>{say("This model takes {0} inputs: {1}", names.length, names.join(", "))}</h1>
        <p>{say("The page asks about one file at a time. The command line, Python and HTTP take them all:")}</p>
        <Copyable label={say("Command line")} text={`pellucid explain ${model.name}.pt2 ${files}`} />
        <Copyable
          label="Python"
          text={`import pellucid\n\nmodel = pellucid.load("${model.name}.pt2")\nmodel.explain({${values}}).save()`}
        />
      </div>
    </section>
  );
}
