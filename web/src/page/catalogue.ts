// What the server can do, as GET /v2/catalogue gives it. The page knows no operation and no method
// but from here; forms, choices and help come from these descriptors alone.

export type Value = boolean | number | string | string[] | null;
export type Settings = Readonly<Record<string, Value>>;

export interface Option {
  name: string;
  type: "boolean" | "integer" | "number" | "string" | "list";
  help: string;
  default: Value;
  least?: number;
  most?: number;
  choices?: string[];
}

export interface Method {
  name: string;
  title: string;
  summary: string;
  citation: string;
  needs: string;
  promises: string[];
  uses_baseline: boolean;
  uses_layer: boolean;
  options: Option[];
}

export interface Operation {
  name: string;
  path: string;
  group: string;
  summary: string;
  details: string;
  inputs: "none" | "optional" | "required";
  formats: string[];
  takes_settings: boolean;
  options: Option[];
}

export interface Catalogue {
  operations: Operation[];
  methods: Method[];
}

export interface ModelInput {
  name: string;
  datatype: string;
  shape: number[];
  parameters?: { takes?: "picture" | "array" };
}

export interface Model {
  name: string;
  inputs: ModelInput[];
}

// The model's input that takes the page's file: the first that takes a picture.
export interface Place {
  name: string;
  pictures: boolean; // else it takes arrays
  others: string[]; // the model's further inputs, which the page can't fill
}

export function placeOf({ inputs }: Model): Place {
  const forPictures = inputs.find(({ parameters }) => parameters?.takes === "picture");
  const name = (forPictures ?? inputs[0])?.name ?? "";
  const others = inputs.map((input) => input.name).filter((each) => each !== name);
  return { name, pictures: forPictures !== undefined, others };
}

export const operationOf = (catalogue: Catalogue, name: string): Operation | undefined =>
  catalogue.operations.find((operation) => operation.name === name);

export const methodOf = (catalogue: Catalogue, name: string): Method | undefined =>
  catalogue.methods.find((method) => method.name === name);

export const pathOf = (operation: Operation, model: string): string =>
  operation.path.replace("{model}", encodeURIComponent(model));

// Options that the page's own parts stand for: they are no fields of a question's form.
const shownElsewhere = new Set(["method", "target", "format", "alpha", "colormap"]);

export const questionOptions = (operation: Operation): Option[] =>
  operation.options.filter((option) => !shownElsewhere.has(option.name));

// A method says of some options that it does not look at them ("uses_layer": false).
export function concerns(method: Method, option: string): boolean {
  const said = (method as unknown as Record<string, unknown>)["uses_" + option];
  return said !== false;
}

export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

// Only what differs from the defaults: links stay short, and defaults stay the server's business.
export function withoutDefaults(options: readonly Option[], values: Settings): Settings {
  const kept: Record<string, Value> = {};
  for (const option of options) {
    const value = values[option.name];
    if (value !== undefined && !sameValue(value, option.default)) kept[option.name] = value;
  }
  return kept;
}
