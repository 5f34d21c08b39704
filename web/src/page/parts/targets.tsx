// What is explained: a class, or two of them. Anything of the engine's grammar can be typed; the
// classes of the answer are offered.
import { say } from "../../words";
import type { Prediction } from "../prediction";
import type { State } from "../state";
import type { Go } from "../address";

function TargetField(props: {
  id: string;
  words: string;
  value: string;
  placeholder: string;
  prediction: Prediction | null;
  onValue(value: string): void;
}) {
  const { id, words, value, placeholder, prediction, onValue } = props;
  const known = prediction?.rows.find((row) => String(row.index) === value);
  return (
    <p class="target">
      <label for={id}>{words}</label>
      <input
        id={id}
        type="text"
        list={id + "-list"}
        value={known?.label ?? value}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        onChange={(event) => {
          onValue(event.currentTarget.value.trim());
        }}
      />
      <datalist id={id + "-list"}>
        {prediction?.rows.map((row) => row.index !== null && <option key={row.index} value={row.label} />)}
      </datalist>
    </p>
  );
}

export function Targets(props: { state: State; prediction: Prediction | null; go: Go }) {
  const { state, prediction, go } = props;
  const versus = state.question === "versus";
  const rows = prediction?.rows ?? [];
  return (
    <div class="targets">
      <TargetField
        id="target"
        words={versus ? say("A: why") : say("Another class")}
        value={state.target}
        placeholder={rows[0]?.label ?? ""}
        prediction={prediction}
        onValue={(target) => {
          go({ target });
        }}
      />
      {versus && (
        <TargetField
          id="against"
          words={say("B: and not")}
          value={state.against}
          placeholder={rows[1]?.label ?? ""}
          prediction={prediction}
          onValue={(against) => {
            go({ against });
          }}
        />
      )}
    </div>
  );
}
