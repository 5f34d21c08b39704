// The first screen: the questions people have, and a place for the photo they have them about.
import { say } from "../../words";
import type { Go } from "../address";
import { questionsFor } from "../questions";
import type { State } from "../state";
import { DropZone } from "./photo_choice";

export function Opening(props: { state: State; pictures: boolean; missing: string; go: Go }) {
  const { state, pictures, missing, go } = props;
  const chosen = state.question || "why";
  return (
    <div class="opening" id="answer">
      <section class="asked">
        <h1>{say("What did the network see?")}</h1>
        <ul class="question-list" aria-label={say("Questions")}>
          {questionsFor({ pictures }).map(({ id, title, promise }) => (
            <li key={id}>
              <button
                type="button"
                aria-pressed={id === chosen}
                onClick={() => {
                  go({ question: id });
                }}
              >
                <span class="question-title">{title()}</span>
                <span class="help">{promise()}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
      <DropZone
        missing={missing}
        pictures={pictures}
        onPhoto={(photo) => {
          go({ photo, question: chosen });
        }}
      />
    </div>
  );
}
