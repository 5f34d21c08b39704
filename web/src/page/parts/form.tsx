// A form made of option descriptors alone: the kind of field, its range, choices, default and help.
import { useState } from "preact/hooks";
import { say } from "../../words";
import { type Option, type Settings, type Value, sameValue, withoutDefaults } from "../catalogue";

interface FieldProps {
  id: string;
  option: Option;
  value: Value;
  onValue(value: Value): void;
}

const largestRange = 1e9; // beyond it a range says nothing to a person
const shortRange = 1; // of real numbers: a slider is finer than typing
const sliderSteps = 100;

function rangeText({ least, most }: Option): string {
  const low = least !== undefined && Math.abs(least) <= largestRange;
  const high = most !== undefined && Math.abs(most) <= largestRange;
  if (low && high) return say("{0} to {1}", least, most);
  if (low) return say("from {0}", least);
  return high ? say("at most {0}", most) : "";
}

// A slider that can't stand at the default would change the value by being touched.
function isOnSteps({ least = 0, most = 0, default: value }: Option): boolean {
  const steps = ((Number(value) - least) / (most - least)) * sliderSteps;
  return value !== null && Math.abs(steps - Math.round(steps)) < 1e-6;
}

const shown = (value: Value): string => {
  if (typeof value === "boolean") return value ? say("on") : say("off");
  return Array.isArray(value) ? value.join(", ") : String(value ?? "");
};

function NumberField({ id, option, value, onValue }: FieldProps) {
  const [wrong, setWrong] = useState("");
  const { least, most } = option;
  const whole = option.type === "integer";
  const slider = !whole && least !== undefined && most !== undefined && most - least <= shortRange && isOnSteps(option);
  const take = (field: HTMLInputElement) => {
    if (field.value === "") {
      setWrong("");
      onValue(option.default);
      return;
    }
    const fine = field.checkValidity();
    setWrong(fine ? "" : field.validationMessage);
    if (fine) onValue(Number(field.value));
  };
  return (
    <>
      <span class="field-line">
        <input
          id={id}
          name={option.name}
          type={slider ? "range" : "number"}
          min={least}
          max={most}
          step={whole ? 1 : slider ? (most - least) / sliderSteps : "any"}
          value={value === null ? "" : String(value)}
          placeholder={shown(option.default)}
          aria-describedby={id + "-help"}
          aria-invalid={wrong !== ""}
          onChange={(event) => {
            take(event.currentTarget);
          }}
        />
        {slider && <output class="number">{shown(value)}</output>}
      </span>
      {wrong && (
        <span class="wrong" role="alert">
          {wrong}
        </span>
      )}
    </>
  );
}

function ChoiceList({ id, option, value, onValue }: FieldProps) {
  const chosen = Array.isArray(value) ? value : [];
  return (
    <span class="choices" role="group" aria-labelledby={id + "-name"}>
      {(option.choices ?? []).map((choice) => (
        <label key={choice} class="choice">
          <input
            type="checkbox"
            checked={chosen.includes(choice)}
            onChange={(event) => {
              const rest = chosen.filter((each) => each !== choice);
              onValue(event.currentTarget.checked ? [...rest, choice] : rest);
            }}
          />
          {choice}
        </label>
      ))}
    </span>
  );
}

// A list without choices is typed with commas, and the server splits it by its own rules.
function TextField({ id, option, value, onValue }: FieldProps) {
  return (
    <input
      id={id}
      name={option.name}
      type="text"
      value={shown(value)}
      placeholder={shown(option.default)}
      aria-describedby={id + "-help"}
      spellcheck={false}
      autocomplete="off"
      onChange={(event) => {
        const text = event.currentTarget.value.trim();
        onValue(text === "" ? option.default : text);
      }}
    />
  );
}

function Input(props: FieldProps) {
  const { id, option, value, onValue } = props;
  if (option.type === "boolean")
    return (
      <input
        id={id}
        name={option.name}
        type="checkbox"
        checked={value === true}
        aria-describedby={id + "-help"}
        onChange={(event) => {
          onValue(event.currentTarget.checked);
        }}
      />
    );
  if (option.type === "integer" || option.type === "number") return <NumberField {...props} />;
  if (option.type === "list" && option.choices) return <ChoiceList {...props} />;
  if (option.choices)
    return (
      <select
        id={id}
        name={option.name}
        aria-describedby={id + "-help"}
        onChange={(event) => {
          onValue(event.currentTarget.value);
        }}
      >
        {option.choices.map((choice) => (
          <option key={choice} value={choice} selected={choice === value}>
            {choice}
          </option>
        ))}
      </select>
    );
  return <TextField {...props} />;
}

function Field(props: FieldProps) {
  const { id, option, value, onValue } = props;
  const changed = !sameValue(value, option.default);
  const group = option.type === "list" && option.choices !== undefined;
  const name = option.name.replaceAll("_", " ");
  const facts = [rangeText(option), shown(option.default) === "" ? "" : say("default {0}", shown(option.default))];
  return (
    <div class={"field" + (option.type === "boolean" ? " field-switch" : "")}>
      {group ? (
        <span class="field-name" id={id + "-name"}>
          {name}
        </span>
      ) : (
        <label class="field-name" for={id}>
          {name}
        </label>
      )}
      <Input {...props} />
      <span class="help" id={id + "-help"}>
        {option.help} <span class="facts">{facts.filter(Boolean).join(" \u00b7 ")}</span>
        {changed && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              onValue(option.default);
            }}
          >
            {say("reset")}
          </button>
        )}
      </span>
    </div>
  );
}

export function Fields(props: {
  id: string; // unique in the page
  options: readonly Option[];
  values: Settings; // where they differ from the defaults
  // Of the values as they are then: two fields may change before either is drawn.
  onValues(change: (values: Settings) => Settings): void;
}) {
  const { id, options, values, onValues } = props;
  return (
    <div class="fields">
      {options.map((option) => (
        <Field
          key={option.name}
          id={id + "-" + option.name}
          option={option}
          value={values[option.name] ?? option.default}
          onValue={(value) => {
            onValues((before) => {
              // What belongs to another method, or to a newer server, stays as it is.
              const known = withoutDefaults(options, { ...before, [option.name]: value });
              const foreign = Object.entries(before).filter(([name]) => !options.some((o) => o.name === name));
              return { ...Object.fromEntries(foreign), ...known };
            });
          }}
        />
      ))}
    </div>
  );
}
