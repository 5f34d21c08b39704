// The whole state of the page as one immutable value, and the URL's fragment that carries it.
// What a link can't hold is a photo from somebody's disk: it holds the photo's name, and the page
// says so.
import type { Look } from "../viewer/types";
import type { Settings, Value } from "./catalogue";

export interface Change {
  turns: number; // quarter turns clockwise, 0 to 3
  mirrored: boolean;
  brightness: number; // factor, 1: as it is
  cover: string; // covered cells, as cover.ts writes them; "": none
  fill: string; // what covers: "blur", "grey" or "black"
}

export interface State {
  question: string; // "": none was chosen yet
  operation: string; // of the catalogue; "": a question is shown
  model: string; // "": the first
  photo: string; // "": none; a sample's name; "file:NAME"
  target: string; // class A; "": the likeliest
  against: string; // class B of a difference; "": the second
  methods: readonly string[]; // none: the question's own choice
  options: Settings; // of the operation, where they differ from the defaults
  settings: Readonly<Record<string, Settings>>; // by method
  look: Look;
  map: string; // the chosen map; "": the first
  change: Change;
}

export const unchanged: Change = {
  turns: 0,
  mirrored: false,
  brightness: 1,
  cover: "",
  fill: "blur",
};

export const initialState = (look: Look): State => ({
  question: "",
  operation: "",
  model: "",
  photo: "",
  target: "",
  against: "",
  methods: [],
  options: {},
  settings: {},
  look,
  map: "",
  change: unchanged,
});

const number = (text: string, least: number, most: number, otherwise: number): number => {
  const value = Number(text);
  return text !== "" && value >= least && value <= most ? value : otherwise;
};

function writeLook(look: Look): string {
  return [look.opacity, look.threshold, look.colormap, look.scale].join(",");
}

function readLook(text: string, first: Look): Look {
  const [opacity = "", threshold = "", colormap = "", scale = ""] = text.split(",");
  return {
    opacity: number(opacity, 0, 1, first.opacity),
    threshold: number(threshold, 0, 1, first.threshold),
    colormap: colormap || first.colormap,
    scale: scale === "own" || scale === "shared" ? scale : first.scale,
  };
}

function writeChange(change: Change): string {
  const { turns, mirrored, brightness, fill, cover } = change;
  return [turns, mirrored ? 1 : 0, brightness, fill, cover].join(",");
}

function readChange(text: string): Change {
  const [turns = "", mirrored = "", brightness = "", fill = "", cover = ""] = text.split(",");
  return {
    turns: Math.round(number(turns, 0, 3, 0)),
    mirrored: mirrored === "1",
    brightness: number(brightness, 0.1, 3, 1),
    fill: fill || unchanged.fill,
    cover,
  };
}

// JSON where it is some, else the word itself: `o.seed=3`, `o.layer=["conv1"]`, `o.baseline=blur`.
const writeValue = (value: Value): string => (typeof value === "string" ? value : JSON.stringify(value));

function readValue(text: string): Value {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    if (value === null || ["boolean", "number", "string"].includes(typeof value) || isList) return value as Value;
  } catch {
    // A bare word.
  }
  return text;
}

const texts = ["operation", "model", "photo", "target", "against", "map"] as const;

export function writeFragment(state: State, first: Look): string {
  const query = new URLSearchParams();
  for (const key of texts) if (state[key]) query.set(key, state[key]);
  if (state.methods.length > 0) query.set("methods", state.methods.join(","));
  for (const [name, value] of Object.entries(state.options)) query.set("o." + name, writeValue(value));
  for (const [method, values] of Object.entries(state.settings))
    for (const [name, value] of Object.entries(values)) query.set("s." + method + "." + name, writeValue(value));
  if (writeLook(state.look) !== writeLook(first)) query.set("look", writeLook(state.look));
  if (writeChange(state.change) !== writeChange(unchanged)) query.set("change", writeChange(state.change));
  const rest = query.toString();
  return "#" + state.question + (rest ? "?" + rest : "");
}

export function readFragment(fragment: string, first: Look): State {
  const [question = "", rest = ""] = fragment.replace(/^#/, "").split(/\?(.*)/s);
  const query = new URLSearchParams(rest);
  // Maps, as a link may name a key "__proto__".
  const options = new Map<string, Value>();
  const settings = new Map<string, Map<string, Value>>();
  for (const [key, text] of query) {
    const [kind, name = "", ...inner] = key.split(".");
    if (kind === "o" && name) options.set(name, readValue(text));
    if (kind !== "s" || !name || inner.length === 0) continue;
    const own = settings.get(name) ?? new Map<string, Value>();
    settings.set(name, own.set(inner.join("."), readValue(text)));
  }
  const state: State = {
    ...initialState(first),
    question,
    options: Object.fromEntries(options),
    settings: Object.fromEntries([...settings].map(([name, own]) => [name, Object.fromEntries(own)])),
  };
  for (const key of texts) state[key] = query.get(key) ?? "";
  const methods = query.get("methods");
  state.methods = methods ? methods.split(",").filter(Boolean) : [];
  state.look = readLook(query.get("look") ?? "", first);
  const change = query.get("change");
  if (change) state.change = readChange(change);
  return state;
}

// The settings with one method's changed; a method without any is left out.
export function withSettings(state: State, method: string, change: (values: Settings) => Settings): Partial<State> {
  const { [method]: before = {}, ...others } = state.settings;
  const values = change(before);
  return { settings: Object.keys(values).length === 0 ? others : { ...others, [method]: values } };
}

// Steps that "back" should undo; what is only dragged about replaces the entry of the history.
export function isStep(before: State, after: State): boolean {
  const { look: _look, map: _map, ...a } = before;
  const { look: _otherLook, map: _otherMap, ...b } = after;
  return JSON.stringify(a) !== JSON.stringify(b);
}
