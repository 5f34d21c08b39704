// The questions people have, each as data: what it is called, what it asks the server, and which
// parts of the page it shows. A later question is one more entry.
import { say } from "../words";
import type { Catalogue, Method, Operation } from "./catalogue";
import { type Place, concerns, methodOf, operationOf, pathOf } from "./catalogue";
import { changedBytes } from "./changed_photo";
import { language } from "./language";
import type { Photo } from "./photo";
import type { Job } from "./session";
import { type State, unchanged } from "./state";

export type QuestionId = "why" | "versus" | "methods" | "change";

export interface Question {
  id: QuestionId;
  title(): string;
  promise(): string; // what one gets, in a few words
}

export const questions: readonly Question[] = [
  {
    id: "why",
    title: () => say("Why this class?"),
    promise: () => say("Where the photo spoke for the answer"),
  },
  {
    id: "versus",
    title: () => say("Why not that one?"),
    promise: () => say("What tips the scale between two classes"),
  },
  {
    id: "methods",
    title: () => say("Which method should I believe?"),
    promise: () => say("Several methods side by side, with their checks"),
  },
  {
    id: "change",
    title: () => say("What if I change it?"),
    promise: () => say("Cover, turn or relight the photo and ask again"),
  },
];

// What can be asked of an array: it is not painted on.
export const questionsFor = ({ pictures }: Pick<Place, "pictures">): readonly Question[] =>
  questions.filter(({ id }) => pictures || id !== "change");

// What a question is asked about.
export interface Matter {
  catalogue: Catalogue;
  model: string; // its name
  input: Place; // where the photo goes
  photo: Photo;
}

const explaining = "explain";
const predicting = "predict";
const compared = 4; // methods that are set side by side before anybody has chosen

export const explainOperation = (catalogue: Catalogue): Operation | undefined => operationOf(catalogue, explaining);

// What is asked before anybody has chosen. An array has no places for a layer's map to lie on.
function suitable({ catalogue, input }: Pick<Matter, "catalogue" | "input">): string[] {
  const option = explainOperation(catalogue)?.options.find((each) => each.name === "method");
  const first = Array.isArray(option?.default) ? option.default : [];
  const all = [...new Set([...first, ...catalogue.methods.map((method) => method.name)])];
  return input.pictures ? all : all.filter((name) => methodOf(catalogue, name)?.uses_layer === false);
}

export function methodsOf(state: State, matter: Pick<Matter, "catalogue" | "input">): Method[] {
  const all = suitable(matter);
  const own = all.slice(0, state.question === "methods" ? compared : 1);
  const names = state.methods.length > 0 ? state.methods : own;
  return names.map((name) => methodOf(matter.catalogue, name)).filter((method) => method !== undefined);
}

export function targetOf(state: State): string {
  const first = state.target || "top1";
  return state.question === "versus" ? first + ":" + (state.against || "top2") : state.target;
}

// The request's parameters for one method, without formats.
export function explainParameters(state: State, method: Method): Record<string, unknown> {
  const options = Object.entries(state.options).filter(([name]) => concerns(method, name));
  const settings = state.settings[method.name];
  const target = targetOf(state);
  return {
    ...Object.fromEntries(options),
    method: [method.name],
    ...(target ? { target: [target] } : {}),
    ...(settings && Object.keys(settings).length > 0 ? { settings: { [method.name]: settings } } : {}),
  };
}

function job(matter: Matter, operation: string, title: string, parameters: Record<string, unknown>): Job {
  const { catalogue, model, photo, input } = matter;
  const entry = operationOf(catalogue, operation);
  return {
    key: JSON.stringify([operation, model, photo.number, parameters, language()]),
    title,
    path: entry ? pathOf(entry, model) : "/v2/models/" + encodeURIComponent(model) + "/" + operation,
    uploads: () => Promise.resolve([{ input: input.name, name: photo.name, bytes: photo.bytes }]),
    parameters,
  };
}

export function explainJob(state: State, method: Method, matter: Matter): Job {
  return job(matter, explaining, method.title, { ...explainParameters(state, method), format: ["npy"] });
}

// Needed where an explanation does not bring the prediction with it.
export const predictJob = (matter: Matter): Job => job(matter, predicting, say("The answer"), { format: [] });

// The prediction of the photo as it is changed, with every class's raw output.
export function changedJob(state: State, matter: Matter, change = state.change): Job {
  const plain = job(matter, predicting, say("The answer"), { format: ["npy"] });
  const isChanged = JSON.stringify(change) !== JSON.stringify(unchanged);
  return {
    ...plain,
    title: isChanged ? say("The changed photo") : say("The photo as it is"),
    key: plain.key + JSON.stringify(change),
    uploads: async () => [
      { input: matter.input.name, name: matter.photo.name, bytes: await changedBytes(matter.photo, change) },
    ],
  };
}

// Everything a view needs, in the order in which it should come.
export function jobsOf(state: State, matter: Matter): Job[] {
  const methods = methodsOf(state, matter);
  if (state.question === "change") {
    const map = methods.slice(0, 1).map((method) => explainJob(state, method, matter));
    return [changedJob(state, matter, unchanged), changedJob(state, matter), ...map];
  }
  return methods.map((method) => explainJob(state, method, matter));
}
