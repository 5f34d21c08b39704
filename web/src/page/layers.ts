// The answers of explain as maps of one exhibit. Arrays come back as raw numbers, so nothing is
// decoded but their bytes.
import type { ExplainAnswer } from "../answer/documents";
import { exhibitFromAnswers } from "../answer/exhibit";
import type { NpyArray } from "../answer/npy";
import type { Exhibit, Layer, Picture } from "../viewer/types";
import type { Method } from "./catalogue";
import type { Photo } from "./photo";
import type { Answer } from "./server";

export interface Explained {
  method: Method;
  answer: Answer;
  record: ExplainAnswer;
  layers: Layer[];
}

function arraysOf(answer: Answer): Map<string, NpyArray> {
  const arrays = answer.outputs.filter((output) => output.mediaType === "");
  return new Map(arrays.map(({ name, shape, bytes }) => [name, { shape, values: new Float32Array(bytes.buffer) }]));
}

export function explainedBy(method: Method, answer: Answer): Explained | null {
  const record = (answer.document["answers"] as ExplainAnswer[] | undefined)?.[0];
  if (!record) return null;
  const { layers } = exhibitFromAnswers(null, [record], arraysOf(answer));
  const named = layers.map((layer, i): Layer => ({
    ...layer,
    // A link names a map by its method: another choice of methods leaves it what it is.
    id: method.name + (i > 0 ? "." + String(i) : ""),
  }));
  return { method, answer, record, layers: named };
}

export function exhibitOf(photo: Photo, explained: readonly Explained[]): Exhibit {
  const source = photo.picture;
  const picture: Picture | null = source && { source, width: source.width, height: source.height };
  const records = explained.map((each) => each.record);
  const { seen } = exhibitFromAnswers(picture, records, new Map());
  return { name: photo.name, picture, seen, layers: explained.flatMap((each) => each.layers) };
}
