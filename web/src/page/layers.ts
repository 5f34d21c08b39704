// The answers of explain as maps of one exhibit. Arrays come back as raw numbers, so nothing is
// decoded but their bytes.
import type { ExplainAnswer, MapDocument } from "../answer/documents";
import type { Exhibit, Layer, Plane } from "../viewer/types";
import { say } from "../words";
import type { Method } from "./catalogue";
import type { Photo } from "./photo";
import type { Answer } from "./server";

export interface Explained {
  method: Method;
  answer: Answer;
  record: ExplainAnswer;
  layers: Layer[];
}

function planeOf(map: MapDocument, scores: Float32Array): Plane | null {
  if (!map.plane) return null;
  const { height, width, reduction } = map.plane;
  const size = height * width;
  if (reduction === "none") return { height, width, values: scores, step: 0 };
  const values = new Float32Array(size);
  const channels = Math.floor(scores.length / size);
  for (let i = 0; i < size; ++i) {
    let value = scores[i] ?? 0;
    for (let channel = 1; channel < channels; ++channel) {
      const other = scores[channel * size + i] ?? 0;
      value = reduction === "sum" ? value + other : Math.max(value, other);
    }
    values[i] = value;
  }
  return { height, width, values, step: 0 };
}

export function explainedBy(method: Method, answer: Answer): Explained | null {
  const record = (answer.document["answers"] as ExplainAnswer[] | undefined)?.[0];
  if (!record) return null;
  const layers = record.maps.map((map, i): Layer => {
    const output = answer.outputs.find((each) => each.name === map.file);
    const scores = new Float32Array(output?.bytes.buffer ?? new ArrayBuffer(0));
    const plane = planeOf(map, scores);
    const several = record.maps.length > 1 ? " \u00b7 " + map.name : "";
    return {
      id: method.name + (i > 0 ? "." + map.name : ""),
      title: method.title + " \u00b7 " + record.target.text + several,
      method: method.name,
      target: record.target.text,
      unit: map.unit === "target" ? unitOf(record) : map.unit,
      plane,
      vector: plane ? null : { names: null, values: [], scores: Array.from(scores) },
      positivePart: map.positive_part_drawn,
      checks: record.checks,
      notes: record.notes ?? [],
    };
  });
  return { method, answer, record, layers };
}

function unitOf(record: ExplainAnswer): string {
  const kind = (record.target as { output_kind?: string }).output_kind;
  return kind === "logits" ? say("logit") : say("score");
}

export function exhibitOf(photo: Photo, explained: readonly Explained[]): Exhibit {
  const found = explained.find((each) => each.record.picture)?.record.picture;
  const { picture } = photo;
  const scale = found && picture ? picture.width / found.width : 1;
  return {
    name: photo.name,
    picture: picture ? { source: picture, width: picture.width, height: picture.height } : null,
    seen: found
      ? {
          x: found.seen.x * scale,
          y: found.seen.y * scale,
          width: found.seen.width * scale,
          height: found.seen.height * scale,
        }
      : null,
    layers: explained.flatMap((each) => each.layers),
  };
}
