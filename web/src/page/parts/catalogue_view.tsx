// Everything the server can do, by its tables: each operation with its form, its answer shown by
// its shape. An operation that is added to the table is here without a line of its own.
import { useEffect, useState } from "preact/hooks";
import type { Json } from "../../answer/documents";
import { DocumentView } from "../../report/document_view";
import { say } from "../../words";
import type { Go } from "../address";
import { type Catalogue, type Method, type Operation, type Place, methodOf, operationOf, pathOf } from "../catalogue";
import { fileNameOf, fileOf, saveFile, stemOf } from "../files";
import { language } from "../language";
import type { Photo } from "../photo";
import type { Answer, Output } from "../server";
import type { Job, Session } from "../session";
import { type State, withSettings } from "../state";
import { Fault } from "./fault";
import { Fields } from "./form";
import { FileButton, Samples } from "./photo_choice";
import { Working } from "./working";

interface Props {
  state: State;
  catalogue: Catalogue;
  model: string;
  input: Place; // where the photo goes
  photo: Photo | null;
  session: Session;
  go: Go;
}

function jobOf(props: Props, operation: Operation): Job {
  const { state, model, photo, input } = props;
  const takesPhoto = operation.inputs !== "none" && photo !== null;
  const settings = operation.takes_settings ? { settings: state.settings } : {};
  const parameters = { ...state.options, ...settings };
  return {
    key: JSON.stringify([operation.name, model, takesPhoto ? photo.number : 0, parameters, language()]),
    title: operation.name,
    path: pathOf(operation, model),
    uploads: () => Promise.resolve(takesPhoto ? [{ input: input.name, name: photo.name, bytes: photo.bytes }] : []),
    parameters,
  };
}

function File({ output, stem }: { output: Output; stem: string }) {
  const name = fileNameOf(output, stem);
  const shown = ["image/png", "image/svg+xml", "image/jpeg"].includes(output.mediaType);
  const [address, setAddress] = useState("");
  useEffect(() => {
    if (!shown) return;
    const made = URL.createObjectURL(fileOf(output));
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
    };
  }, [output, shown]);
  return (
    <li class="file">
      {address && <img src={address} alt={name} />}
      <button
        type="button"
        onClick={() => {
          saveFile(name, fileOf(output));
        }}
      >
        {say("Save {0}", name)}
      </button>
    </li>
  );
}

function Result({ answer, stem }: { answer: Answer; stem: string }) {
  return (
    <section class="result" aria-live="polite" aria-labelledby="result-title">
      <h2 id="result-title">{say("The answer")}</h2>
      {answer.warnings.map((text) => (
        <p key={text} class="missing">
          {text}
        </p>
      ))}
      {answer.failures.map((failure) => (
        <p key={failure.input + failure.what} class="missing">
          {failure.what}
        </p>
      ))}
      {answer.outputs.length > 0 && (
        <ul class="files">
          {answer.outputs.map((output) => (
            <File key={output.name} output={output} stem={stem} />
          ))}
        </ul>
      )}
      <DocumentView json={answer.document as Json} />
    </section>
  );
}

// The forms of the methods that the operation's option "method" names.
function MethodForms({ props, operation }: { props: Props; operation: Operation }) {
  const { state, catalogue, go } = props;
  if (!operation.takes_settings) return null;
  const option = operation.options.find((each) => each.name === "method");
  const value = state.options["method"] ?? option?.default ?? [];
  const names = Array.isArray(value)
    ? value
    : String(value)
        .split(",")
        .map((name) => name.trim());
  return (
    <>
      {names.map((name) => {
        const method = methodOf(catalogue, name);
        if (!method || method.options.length === 0) return null;
        return (
          <fieldset key={name} class="group">
            <legend>{say("Options of {0}", method.title)}</legend>
            <Fields
              id={"setting-" + name}
              options={method.options}
              values={state.settings[name] ?? {}}
              onValues={(change) => {
                go((now) => withSettings(now, name, change));
              }}
            />
          </fieldset>
        );
      })}
    </>
  );
}

function OperationForm(props: Props & { operation: Operation }) {
  const { operation, state, photo, session, go } = props;
  const [asked, setAsked] = useState("");
  const job = jobOf(props, operation);
  const isAsked = asked === job.key;
  useEffect(() => {
    session.want(isAsked ? [job] : []);
  }, [isAsked, job.key, session]);
  const outcome = isAsked ? session.outcome(job.key) : undefined;
  const use = (id: string) => {
    go({ photo: id });
  };
  return (
    <div class="operation">
      <h1>{operation.name}</h1>
      <p class="summary">{operation.summary}</p>
      {operation.details && <p class="help">{operation.details}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(job.key);
          session.want([job]);
          session.retry();
        }}
      >
        {operation.inputs !== "none" && (
          <section class="strip" aria-label={say("The photo")}>
            {props.input.pictures && <Samples chosen={state.photo} onPhoto={use} />}
            <p>
              <span class="file-name">{photo?.name ?? say("none yet")}</span>
              <FileButton class="quiet" words={props.input.pictures ? say("Another photo") : say("Another array")} onPhoto={use} />
            </p>
          </section>
        )}
        <Fields
          id={"operation-" + operation.name}
          options={operation.options}
          values={state.options}
          onValues={(change) => {
            go((now) => ({ options: change(now.options) }));
          }}
        />
        <MethodForms props={props} operation={operation} />
        <p>
          <button type="submit" class="main" disabled={operation.inputs === "required" && !photo}>
            {say("Run")}
          </button>
        </p>
      </form>
      <Working session={session} />
      {outcome?.state === "failed" && (
        <Fault
          error={outcome.error}
          onRetry={() => {
            session.retry();
          }}
        />
      )}
      {outcome?.state === "cancelled" && (
        <p class="fault" role="status">
          {say("Stopped.")}
        </p>
      )}
      {outcome?.state === "done" && <Result answer={outcome.answer} stem={stemOf(photo?.name ?? operation.name)} />}
    </div>
  );
}

function MethodTable({ methods }: { methods: readonly Method[] }) {
  return (
    <section aria-labelledby="method-table-title">
      <h2 id="method-table-title">{say("Methods")}</h2>
      <dl class="method-table">
        {methods.map((method) => (
          <div key={method.name}>
            <dt>{method.title}</dt>
            <dd>
              {say(method.summary)}
              <span class="help">{method.citation}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function CatalogueView(props: Props) {
  const { state, catalogue, go } = props;
  const groups = [...new Set(catalogue.operations.map((operation) => operation.group))];
  const operation = operationOf(catalogue, state.operation);
  return (
    <div class="catalogue" id="answer">
      <nav aria-label={say("Catalogue")}>
        {groups.map((group) => (
          <section key={group}>
            <h2>{group}</h2>
            <ul>
              {catalogue.operations
                .filter((each) => each.group === group)
                .map(({ name }) => (
                  <li key={name}>
                    <button
                      type="button"
                      aria-current={name === state.operation ? "page" : undefined}
                      onClick={() => {
                        go({ operation: name, options: {}, settings: {} });
                      }}
                    >
                      {name}
                    </button>
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </nav>
      {operation ? (
        <OperationForm key={operation.name} {...props} operation={operation} />
      ) : (
        <div class="operation">
          <h1>{say("Everything this server can do")}</h1>
          <dl class="method-table">
            {catalogue.operations.map(({ name, summary }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{summary}</dd>
              </div>
            ))}
          </dl>
          <MethodTable methods={catalogue.methods} />
        </div>
      )}
    </div>
  );
}
