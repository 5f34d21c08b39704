// A question with its answer: one sentence, the picture, and beside it what can be chosen.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Viewer } from "../../viewer/viewer";
import { say } from "../../words";
import type { Go } from "../address";
import { type Explained, exhibitOf, explainedBy } from "../layers";
import { type Prediction, fromExplain, fromPredict } from "../prediction";
import type { Matter } from "../questions";
import { changedJob, explainJob, jobsOf, methodsOf, predictJob, questionsFor } from "../questions";
import { changeSentence, gradientFailed, isFine, methodsSentence, versusSentence, whySentence } from "../sentence";
import type { Answer } from "../server";
import type { Session } from "../session";
import { type State, unchanged } from "../state";
import { ChangeView, type Comparison, Shifted, compare } from "./change_view";
import { Classes } from "./classes";
import { Downloads } from "./downloads";
import { Fault } from "./fault";
import { Methods, SharedOptions } from "./methods";
import { FileButton, Samples } from "./photo_choice";
import { Reproduce } from "./reproduce";
import { Targets } from "./targets";
import { Working } from "./working";

interface Props {
  state: State;
  matter: Matter;
  session: Session;
  go: Go;
}

// Answers turned into maps once, so that the viewer sees the same objects as long as they are the same.
const turned = new WeakMap<Answer, Explained | null>();

function answerOf(session: Session, key: string): Answer | null {
  const outcome = session.outcome(key);
  return outcome?.state === "done" ? outcome.answer : null;
}

function explanations({ state, matter, session }: Props): Explained[] {
  return methodsOf(state, matter).flatMap((method) => {
    const answer = answerOf(session, explainJob(state, method, matter).key);
    if (!answer) return [];
    if (!turned.has(answer)) turned.set(answer, explainedBy(method, answer));
    return turned.get(answer) ?? [];
  });
}

// A number for each explanation that is its own as long as the page is open.
const numbers = new WeakMap<Explained, number>();
let count = 0;
function numberOf(explained: Explained): number {
  const known = numbers.get(explained) ?? ++count;
  numbers.set(explained, known);
  return known;
}

function comparisonOf({ state, matter, session }: Props): Comparison | null {
  const before = answerOf(session, changedJob(state, matter, unchanged).key);
  const after = answerOf(session, changedJob(state, matter).key);
  return before && after ? compare(before, after) : null;
}

function sentenceOf(
  state: State,
  explained: readonly Explained[],
  comparison: Comparison | null,
  all: boolean,
): string {
  if (state.question === "change") {
    if (!comparison?.first) return "";
    const changed = JSON.stringify(state.change) !== JSON.stringify(unchanged);
    return changeSentence(comparison.first, comparison.after.rows[0], changed);
  }
  const first = explained[0];
  const layer = first?.layers[0];
  if (!first || !layer) return "";
  if (state.question === "versus") return versusSentence(first.record, layer, first.method.title);
  if (state.question !== "methods") return whySentence(first.record, layer, first.method.title);
  if (!all) return "";
  return methodsSentence(
    explained.flatMap(({ method, layers, record }) =>
      layers.slice(0, 1).map((each) => ({ title: method.title, layer: each, fine: isFine(record) })),
    ),
  );
}

function QuestionTabs({ state, pictures, go }: { state: State; pictures: boolean; go: Go }) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the bar is wider than the screen.
    bar.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [state.question]);
  return (
    <nav ref={bar} class="questions" aria-label={say("Questions")}>
      {questionsFor({ pictures }).map(({ id, title }) => (
        <button
          key={id}
          type="button"
          aria-current={state.question === id ? "page" : undefined}
          onClick={() => {
            go({ question: id, operation: "", map: "", methods: [] });
          }}
        >
          {title()}
        </button>
      ))}
    </nav>
  );
}

function PhotoStrip({ state, matter, go }: { state: State; matter: Matter; go: Go }) {
  const { photo, input } = matter;
  const use = (id: string) => {
    go({ photo: id, target: "", against: "", map: "", change: unchanged });
  };
  return (
    <section class="strip" aria-label={say("The photo")}>
      {input.pictures && <Samples chosen={state.photo} onPhoto={use} />}
      <p>
        <span class="file-name" title={photo.name}>
          {photo.name}
        </span>
        <FileButton class="quiet" words={input.pictures ? say("Another photo") : say("Another array")} onPhoto={use} />
      </p>
    </section>
  );
}

function warningsOf(answers: readonly Answer[]): string[] {
  return [...new Set(answers.flatMap((answer) => answer.warnings))];
}

// What the first answer, or where that lacks it a request of its own, says of the classes.
function predictionOf(props: Props, explained: readonly Explained[]): Prediction | null {
  const own = explained[0] && fromExplain(explained[0].record);
  if (own) return own;
  const answer = answerOf(props.session, predictJob(props.matter).key);
  return answer && fromPredict(answer);
}

// What is shown while the next answer is on its way: the last one about the same thing.
function useLast<Thing>(about: string, thing: Thing | null): Thing | null {
  const last = useRef<{ about: string; thing: Thing } | null>(null);
  if (thing !== null) last.current = { about, thing };
  return last.current?.about === about ? last.current.thing : null;
}

export function AnswerView(props: Props) {
  const { state, matter, session, go } = props;
  const { catalogue, photo } = matter;
  const shown = methodsOf(state, matter);
  const isChange = state.question === "change";
  const explained = explanations(props);
  const first = shown[0] && session.outcome(explainJob(state, shown[0], matter).key);
  const lacking = explained[0] ? !fromExplain(explained[0].record) : first?.state === "failed";
  const jobs = [...jobsOf(state, matter), ...(lacking && !isChange ? [predictJob(matter)] : [])];
  const keys = jobs.map((job) => job.key).join("\n");
  useEffect(() => {
    session.want(jobs);
  }, [keys, session]);

  const comparison = isChange ? comparisonOf(props) : null;
  const about = matter.model + " " + String(photo.number);
  const prediction = useLast(about, predictionOf(props, explained));
  const pictured = useLast(about, explained.length > 0 ? explained : null) ?? explained;
  const exhibit = useMemo(() => exhibitOf(photo, pictured), [photo, pictured.map((each) => numberOf(each)).join()]);
  const outcomes = jobs.map((job) => session.outcome(job.key));
  const failed = outcomes.find((outcome) => outcome?.state === "failed");
  const cancelled = outcomes.some((outcome) => outcome?.state === "cancelled");
  const all = outcomes.every((outcome) => outcome?.state === "done");
  const sentence = sentenceOf(state, explained, comparison, all);
  const answers = explained.map((each) => each.answer);
  const record = explained[0]?.record;
  const retry = () => {
    session.retry();
  };

  return (
    <>
      <div class="asking">
        <QuestionTabs state={state} pictures={matter.input.pictures} go={go} />
        <Working session={session} />
      </div>
      <div class="answer" id="answer">
        <div class="said">
          <h1 aria-live="polite" aria-busy={!sentence}>
            {sentence || (failed || cancelled ? say("No answer yet.") : say("Looking at {0}…", photo.name))}
          </h1>
          {explained.some((each) => gradientFailed(each.record)) && (
            <p class="fault">
              {say("Do not rely on the maps: this model's gradient failed its check against finite differences.")}
            </p>
          )}
          {state.question === "methods" && all && (
            <p class="help">
              {say("Checks find what is wrong, not what is right: methods that agree can be wrong together.")}
            </p>
          )}
          {failed && <Fault error={failed.error} place={failed.error.where} onRetry={retry} />}
          {cancelled && (
            <p class="fault" role="status">
              {say("Stopped.")}{" "}
              <button type="button" onClick={retry}>
                {say("Ask again")}
              </button>
            </p>
          )}
        </div>
        <div class="pictures" aria-busy={!isChange && explained.length === 0 && session.running !== null}>
          {isChange ? (
            <ChangeView state={state} photo={photo} explained={explained[0]} go={go} />
          ) : (
            <Viewer
              exhibit={exhibit}
              look={state.look}
              onLook={(look) => {
                go({ look });
              }}
              {...(state.map ? { chosen: state.map } : {})}
              onChoose={(map) => {
                go({ map });
              }}
            />
          )}
        </div>
        <aside>
          <PhotoStrip state={state} matter={matter} go={go} />
          <section aria-labelledby="classes-title">
            <h2 id="classes-title">{say("The model’s answer")}</h2>
            {comparison && <Shifted comparison={comparison} />}
            {!isChange && prediction && (
              <Classes
                prediction={prediction}
                chosen={record?.target.index}
                against={record?.target.against}
                action={state.question === "versus" ? say("Why not this one?") : say("Why this one?")}
                onClass={({ index }) => {
                  const first = index === prediction.rows[0]?.index;
                  const target = first ? "" : String(index);
                  go(state.question === "versus" ? { against: String(index) } : { target });
                }}
              />
            )}
            {!isChange && <Targets state={state} prediction={prediction} go={go} />}
          </section>
          {!isChange && <Methods matter={matter} state={state} shown={shown} go={go} />}
        </aside>
      </div>
      {!isChange && (
        <div class="below">
          <SharedOptions catalogue={catalogue} state={state} shown={shown} go={go} />
          {explained.length > 0 && <Downloads state={state} matter={matter} shown={shown} />}
          <Reproduce answers={answers} photo={photo} />
        </div>
      )}
      <Warnings texts={warningsOf(answers)} />
    </>
  );
}

function Warnings({ texts }: { texts: readonly string[] }) {
  if (texts.length === 0) return null;
  return (
    <section class="warnings" aria-labelledby="warnings-title">
      <h2 id="warnings-title">{say("To bear in mind")}</h2>
      <ul>
        {texts.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </section>
  );
}
