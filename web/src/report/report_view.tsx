// The report: the answer in a sentence, then the picture with its maps, the classes, the checks, where it comes from
// and how to make it again; last, everything that the document holds.
import { useState } from "preact/hooks";
import type { ExplainAnswer } from "../answer/documents";
import { answersOf, type PackedExhibit, type Report } from "../answer/report";
import { firstLook, type Exhibit, type Look } from "../viewer/types";
import { Viewer } from "../viewer/viewer";
import { say } from "../words";
import { Checks } from "./checks";
import { Choice } from "./choice";
import { DocumentView } from "./document_view";
import { Provenance } from "./provenance";
import { Reproduce } from "./reproduce";
import { answerSentence, checkSentence, predictionSentence, topClasses } from "./sentences";
import { TopClasses } from "./top_classes";

export type Decoded =
  | { state: "waiting" }
  | { state: "ready"; exhibit: Exhibit }
  | { state: "damaged"; words: string };

interface Properties {
  report: Report;
  exhibits: Decoded[];
  printing: boolean; // everything at once instead of what was chosen
}

export function ReportView({ report, exhibits, printing }: Properties) {
  const [shown, setShown] = useState(0);
  const [look, setLook] = useState<Look>(firstLook);
  const several = report.exhibits.length > 1;
  const places = printing ? report.exhibits.map((_, i) => i) : report.exhibits.length > 0 ? [shown] : [];
  return (
    <>
      <header class="top">
        <p class="over">
          <strong>Pellucid</strong> {report.operation.name}
          <time dateTime={report.made}>{date(report)}</time>
        </p>
        <h1>{headline(report)}</h1>
        {report.exhibits.length === 0 && <p class="lead">{say(report.operation.summary)}</p>}
      </header>
      <main>
        <Trouble report={report} />
        {several && !printing && (
          <Choice
            label={say("Input")}
            names={report.exhibits.map((each) => nameOf(each, report.exhibits))}
            chosen={shown}
            onChoose={setShown}
          />
        )}
        {places.map((i) => (
          <ExhibitSection
            key={i}
            report={report}
            packed={report.exhibits[i]!}
            decoded={exhibits[i] ?? { state: "waiting" }}
            look={look}
            onLook={setLook}
            printing={printing}
            heading={several}
          />
        ))}
        {report.exhibits.length === 0 ? (
          <>
            <DocumentView json={report.document} />
            <Reproduce document={report.document} />
          </>
        ) : (
          <>
            <Reproduce document={report.document} />
            <details class="whole">
              <summary>{say("Everything in the document")}</summary>
              <DocumentView json={report.document} />
            </details>
          </>
        )}
      </main>
      <footer>
        {say("Made by Pellucid {0}. This file loads nothing and sends nothing.", report.engine)}
      </footer>
    </>
  );
}

function headline(report: Report): string {
  if (report.exhibits.length > 1) return say("{0} inputs explained", report.exhibits.length);
  const packed = report.exhibits[0];
  if (packed !== undefined) return answerSentence(answersAbout(report, packed));
  const answers = report.document["answers"];
  const sentence = Array.isArray(answers) && answers.length === 1 ? predictionSentence(topClasses(answers)) : null;
  if (sentence !== null) return sentence;
  const { model, name: own } = report.document;
  const name = model !== null && typeof model === "object" && !Array.isArray(model) ? model["name"] : own;
  return typeof name === "string" && name !== "" ? `${report.operation.name} \u00b7 ${name}` : report.operation.name;
}

function date({ made, language }: Report): string {
  const moment = new Date(made);
  if (Number.isNaN(moment.getTime())) return made;
  const format = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "long",
    timeStyle: "short",
    timeZone: "UTC",
  });
  return `${format.format(moment)} UTC`;
}

function nameOf(packed: PackedExhibit, all: readonly PackedExhibit[]): string {
  const alike = all.filter((each) => each.name === packed.name).length > 1;
  return alike && packed.sample !== undefined ? `${packed.name} [${packed.sample}]` : packed.name;
}

/** The answers whose maps the exhibit shows, each once. */
function answersAbout(report: Report, packed: PackedExhibit): ExplainAnswer[] {
  const answers = answersOf(report);
  return [...new Set(packed.maps.map((map) => map.answer))].map((at) => answers[at] ?? null).filter((each) => each !== null);
}

interface SectionProperties {
  report: Report;
  packed: PackedExhibit;
  decoded: Decoded;
  look: Look;
  onLook(look: Look): void;
  printing: boolean;
  heading: boolean;
}

function ExhibitSection({ report, packed, decoded, look, onLook, printing, heading }: SectionProperties) {
  const answers = answersAbout(report, packed);
  const targets = [...new Set(answers.map((answer) => answer.target.text))];
  const [chosen, setChosen] = useState(0);
  const target = targets[chosen] ?? targets[0];
  const all = printing || targets.length < 2;
  const shown = all ? answers : answers.filter((answer) => answer.target.text === target);
  const trust = checkSentence(shown);
  const top = topClasses(answers[0]?.prediction as never);
  return (
    <section class="exhibit">
      {heading && <h2 class="exhibit-answer">{answerSentence(answers)}</h2>}
      <p class="lead">
        <span class="file">{nameOf(packed, report.exhibits)}</span>{" "}
        <span class={trust.alarm ? "lead-alarm" : undefined}>{trust.text}</span>
      </p>
      {!all && <Choice label={say("Maps for")} names={targets} chosen={chosen} onChoose={setChosen} />}
      {decoded.state === "waiting" && <p class="waiting">{say("Unpacking the maps …")}</p>}
      {decoded.state === "damaged" && <p class="alarm">{decoded.words}</p>}
      {decoded.state === "ready" && (
        <Viewer exhibit={all ? decoded.exhibit : ofTarget(decoded.exhibit, target)} look={look} onLook={onLook} />
      )}
      <div class="columns">
        {top !== null && (
          <section>
            <h2>{say("What the model answers")}</h2>
            <TopClasses
              top={top}
              explained={answers.map((answer) => answer.target.index)}
              onChoose={all ? undefined : (index) => choose(index, answers, targets, setChosen)}
            />
          </section>
        )}
        <section>
          <h2>{say("How far to trust it")}</h2>
          <Checks answers={shown} />
        </section>
      </div>
      <section>
        <h2>{say("Where it comes from")}</h2>
        <Provenance report={report} answers={answers} />
      </section>
    </section>
  );
}

function choose(index: number, answers: readonly ExplainAnswer[], targets: readonly string[], set: (at: number) => void): void {
  const text = answers.find((answer) => answer.target.index === index)?.target.text;
  if (text !== undefined) set(targets.indexOf(text));
}

// The same object for the same choice: the viewer keeps what it has drawn.
const filtered = new WeakMap<Exhibit, Map<string, Exhibit>>();
function ofTarget(exhibit: Exhibit, target: string | undefined): Exhibit {
  if (target === undefined) return exhibit;
  const known = filtered.get(exhibit) ?? new Map<string, Exhibit>();
  filtered.set(exhibit, known);
  const found = known.get(target) ?? { ...exhibit, layers: exhibit.layers.filter((layer) => layer.target === target) };
  known.set(target, found);
  return found;
}

/** What went wrong comes before what went well. */
function Trouble({ report }: { report: Report }) {
  const { warnings, failures } = report;
  return (
    <>
      {failures.length > 0 && (
        <section class="alarm" aria-label={say("Failures")}>
          <h2>{say("Inputs without an answer: {0}", failures.length)}</h2>
          <dl>
            {failures.map(({ input, error }, i) => (
              <div key={i}>
                <dt>{input}</dt>
                <dd>{typeof error === "string" ? error : <DocumentView json={error} />}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {warnings.length > 0 && (
        <section class="alarm" aria-label={say("Warnings")}>
          <ul>
            {warnings.map((warning, i) => (
              <li key={i}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
