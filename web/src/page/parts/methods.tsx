// Methods chosen from the table, each with the form of its own options, and the options that all of
// them share.
import { useState } from "preact/hooks";
import { say } from "../../words";
import { type Catalogue, type Method, type Settings, concerns, questionOptions } from "../catalogue";
import { type Matter, explainOperation, methodsOf } from "../questions";
import { type State, withSettings } from "../state";
import type { Go } from "../address";
import { Fields } from "./form";

const many = 8; // methods; a longer list can be searched

function MethodRow(props: {
  method: Method;
  chosen: boolean;
  last: boolean; // the only one that is chosen: it stays
  values: Settings;
  onChosen(chosen: boolean): void;
  onValues(change: (values: Settings) => Settings): void;
}) {
  const { method, chosen, last } = props;
  const id = "method-" + method.name;
  return (
    <li class={"method" + (chosen ? " method-chosen" : "")}>
      <label class="choice" for={id}>
        <input
          id={id}
          type="checkbox"
          checked={chosen}
          disabled={last}
          aria-describedby={id + "-summary"}
          onChange={(event) => {
            props.onChosen(event.currentTarget.checked);
          }}
        />
        <span class="method-name">{method.title}</span>
      </label>
      <p class="help" id={id + "-summary"}>
        {say(method.summary)}
      </p>
      {chosen && method.options.length > 0 && (
        <details class="method-options">
          <summary>{say("Options of {0}", method.title)}</summary>
          <Fields id={id} options={method.options} values={props.values} onValues={props.onValues} />
        </details>
      )}
    </li>
  );
}

export function Methods(props: { matter: Matter; state: State; shown: readonly Method[]; go: Go }) {
  const { matter, state, shown, go } = props;
  const { catalogue } = matter;
  const [search, setSearch] = useState("");
  const chosen = shown.map((method) => method.name);
  const words = search.toLowerCase();
  const fits = (method: Method) =>
    [method.title, method.name, method.summary, say(method.summary)].some((text) => text.toLowerCase().includes(words));
  return (
    <section class="methods" aria-labelledby="methods-title">
      <h2 id="methods-title">{say("Methods")}</h2>
      {catalogue.methods.length > many && (
        <input
          type="search"
          aria-label={say("Find a method")}
          placeholder={say("Find a method")}
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
          }}
        />
      )}
      <ul>
        {catalogue.methods.filter(fits).map((method) => (
          <MethodRow
            key={method.name}
            method={method}
            chosen={chosen.includes(method.name)}
            last={chosen.length === 1 && chosen[0] === method.name}
            values={state.settings[method.name] ?? {}}
            onChosen={(now) => {
              go((before) => {
                const names = methodsOf(before, matter).map((each) => each.name);
                const rest = names.filter((name) => name !== method.name);
                return { methods: now ? [...rest, method.name] : rest };
              });
            }}
            onValues={(change) => {
              go((now) => withSettings(now, method.name, change));
            }}
          />
        ))}
      </ul>
    </section>
  );
}

// The options of the operation that at least one of the methods looks at.
export function SharedOptions(props: { catalogue: Catalogue; state: State; shown: readonly Method[]; go: Go }) {
  const { catalogue, state, shown, go } = props;
  const operation = explainOperation(catalogue);
  if (!operation) return null;
  const options = questionOptions(operation).filter((option) => shown.some((method) => concerns(method, option.name)));
  return (
    <details class="options" open={Object.keys(state.options).length > 0}>
      <summary>{say("Options")}</summary>
      <Fields
        id="option"
        options={options}
        values={state.options}
        onValues={(change) => {
          go((now) => ({ options: change(now.options) }));
        }}
      />
    </details>
  );
}
