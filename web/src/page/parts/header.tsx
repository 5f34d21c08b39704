// Name, model, catalogue and language.
import { say } from "../../words";
import type { Go } from "../address";
import { type Language, language } from "../language";
import { initialState, type State } from "../state";

const isCatalogue = (state: State): boolean => state.question === "catalogue";

export function Header(props: {
  state: State;
  models: readonly string[];
  model: string;
  go: Go;
  onLanguage(wanted: Language): void;
}) {
  const { state, models, model, go, onLanguage } = props;
  return (
    <header>
      <a
        class="wordmark"
        href="#"
        onClick={(event) => {
          event.preventDefault();
          go(initialState(state.look));
        }}
      >
        pellucid
      </a>
      {models.length > 1 ? (
        <select
          aria-label={say("Model")}
          onChange={(event) => {
            go({ model: event.currentTarget.value, target: "", against: "", map: "" });
          }}
        >
          {models.map((name) => (
            <option key={name} value={name} selected={name === model}>
              {name}
            </option>
          ))}
        </select>
      ) : (
        <span class="model-name">{model}</span>
      )}
      <nav class="places" aria-label={say("Page")}>
        <button
          type="button"
          class="quiet"
          aria-current={isCatalogue(state) ? "page" : undefined}
          onClick={() => {
            go(
              isCatalogue(state)
                ? { question: "", operation: "", options: {}, settings: {} }
                : { question: "catalogue", operation: "", options: {}, settings: {} },
            );
          }}
        >
          {say("Catalogue")}
        </button>
        <button
          type="button"
          class="quiet"
          lang={language() === "zh" ? "en" : "zh-CN"}
          onClick={() => {
            onLanguage(language() === "zh" ? "en" : "zh");
          }}
        >
          {language() === "zh" ? "English" : "中文"}
        </button>
      </nav>
    </header>
  );
}
