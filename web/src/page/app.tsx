// The page as a function of its state, the server's tables and the answers that are there.
import { useEffect, useMemo, useReducer } from "preact/hooks";
import { say } from "../words";
import { useAddress } from "./address";
import { type Place, placeOf } from "./catalogue";
import { chooseLanguage } from "./language";
import { AnswerView } from "./parts/answer_view";
import { CatalogueView } from "./parts/catalogue_view";
import { Fault } from "./parts/fault";
import { Header } from "./parts/header";
import { Opening } from "./parts/opening";
import { SeveralInputs } from "./parts/several_inputs";
import { take } from "./parts/photo_choice";
import { questions } from "./questions";
import { Session } from "./session";
import { usePhoto, useServed } from "./sources";
import { unchanged } from "./state";

const firstQuestion = "why";

// A photo may be dropped or pasted anywhere on the page.
function useFiles(onPhoto: (id: string) => void): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      void take(event.dataTransfer?.files, onPhoto);
    };
    const paste = (event: ClipboardEvent) => {
      void take(event.clipboardData?.files, onPhoto);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, [onPhoto]);
}

export function App() {
  const [state, go] = useAddress();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [round, again] = useReducer((count: number) => count + 1, 0);
  const session = useMemo(
    () =>
      new Session(() => {
        redraw(undefined);
      }),
    [],
  );
  const served = useServed(state.model, round);
  const photo = usePhoto(state.photo);
  const onPhoto = useMemo(
    () => (id: string) => {
      go((now) =>
        // The photo that a link spoke of, or another of its name: the rest of the view still holds.
        id === now.photo ? { photo: id } : { photo: id, target: "", against: "", map: "", change: unchanged },
      );
    },
    [go],
  );
  useFiles(onPhoto);
  const question = questions.find((each) => each.id === (state.question || firstQuestion));
  useEffect(() => {
    document.title = [state.photo && question?.title(), "pellucid"].filter(Boolean).join(" \u00b7 ");
  });

  const { thing } = served;
  const model = thing?.model.name ?? state.model;
  const input: Place = thing ? placeOf(thing.model) : { name: "", pictures: true, others: [] };
  const body = () => {
    const error = served.error ?? photo.error;
    if (error)
      return (
        <Fault
          error={error}
          onRetry={() => {
            again(undefined);
          }}
        />
      );
    if (state.question === "catalogue") {
      if (!thing) return null;
      return (
        <CatalogueView
          state={state}
          catalogue={thing.catalogue}
          model={model}
          input={input}
          photo={photo.thing}
          session={session}
          go={go}
        />
      );
    }
    if (thing && input.others.length > 0) return <SeveralInputs model={thing.model} />;
    if (!state.photo || photo.missing) return <Opening state={state} pictures={input.pictures} missing={photo.missing} go={go} />;
    if (!thing || !photo.thing) return null;
    const asked = question ? state : { ...state, question: firstQuestion };
    const matter = { catalogue: thing.catalogue, model, input, photo: photo.thing };
    return <AnswerView state={asked} matter={matter} session={session} go={go} />;
  };
  return (
    <>
      <a
        class="skip"
        href="#answer"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        {say("Skip to the answer")}
      </a>
      <Header
        state={state}
        models={thing?.models ?? []}
        model={model}
        go={go}
        onLanguage={(wanted) => {
          void chooseLanguage(wanted).then(() => {
            session.forget();
            again(undefined);
          });
        }}
      />
      <main id="main" tabIndex={-1}>
        {body()}
      </main>
    </>
  );
}
