// What the viewer shows, out of `explain`'s answers.
import type { Exhibit, Layer, Picture, Seen, Vector } from "../viewer/types";
import { say } from "../words";
import type { ExplainAnswer, MapDocument } from "./documents";
import type { NpyArray } from "./npy";
import { reducePlane } from "./plane";

type Scores = Pick<Layer, "plane" | "vector"> & { note?: string };

const reductions: Readonly<Record<string, string>> = {
  sum: "sum of the channels",
  largest: "largest of the channels",
};

function layerOf(answer: ExplainAnswer, map: MapDocument, id: string, { plane, vector, note }: Scores): Layer {
  const reduced = map.plane && reductions[map.plane.reduction];
  return {
    id,
    title: `${say(answer.method.title)} · ${answer.target.text}`,
    method: answer.method.name,
    target: answer.target.text,
    unit: say(map.unit),
    plane,
    vector,
    positivePart: map.positive_part_drawn,
    checks: answer.checks.map(({ name, verdict, words }) => ({ name, verdict, words })),
    notes: [
      ...(answer.notes ?? []),
      ...(reduced !== undefined && plane !== null ? [reduced] : []),
      ...(note !== undefined ? [note] : []),
    ],
  };
}

/** Titles that are alike get the name of their layer or input. */
export function distinguished(layers: { layer: Layer; map: string }[]): Layer[] {
  const titles = layers.map(({ layer }) => layer.title);
  return layers.map(({ layer, map }) =>
    titles.filter((title) => title === layer.title).length > 1 ? { ...layer, title: `${layer.title} · ${map}` } : layer,
  );
}

/** A layer per map for which `scores` has any; its id is "answer.map", the places in both lists. */
export function layersOf(
  answers: readonly (ExplainAnswer | null)[],
  scores: (answer: number, map: number) => Scores | null,
): Layer[] {
  const layers = answers.flatMap((answer, a) =>
    (answer?.maps ?? []).flatMap((map, m) => {
      const found = scores(a, m);
      return answer === null || found === null ? [] : [{ layer: layerOf(answer, map, `${a}.${m}`, found), map: map.name }];
    }),
  );
  return distinguished(layers);
}

// The scores of the answer's sample: a batched input's array holds all samples.
function sampleOf(array: NpyArray, map: MapDocument, sample: number | undefined): NpyArray["values"] {
  const count = map.shape.reduce((product, size) => product * size, 1);
  const start = sample !== undefined && array.shape.length === map.shape.length + 1 ? sample * count : 0;
  if (start + count > array.values.length)
    throw new Error(say("{0}: the array of shape {1} is smaller than its map", map.file ?? map.name, array.shape.join(" × ")));
  return array.values.subarray(start, start + count);
}

function scoresOf(values: NpyArray["values"], map: MapDocument): Scores | null {
  if (map.plane !== undefined) return { plane: reducePlane(values, map.shape, map.plane), vector: null };
  if (map.shape.length !== 1) return null;
  const vector: Vector = { names: map.features ?? null, values: [], scores: [...values] };
  return { plane: null, vector };
}

/** `seen` in the pixels of the picture at hand, which may be smaller than the photo that was answered about. */
function seenIn(picture: Picture, answer: ExplainAnswer | undefined): Seen | null {
  if (answer?.picture === undefined) return null;
  const { width, height, seen } = answer.picture;
  const across = picture.width / width,
    down = picture.height / height;
  return { x: seen.x * across, y: seen.y * down, width: seen.width * across, height: seen.height * down };
}

/**
 * The exhibit of live answers about one input (and sample). `arrays` holds the parsed .npy files by the names that the
 * maps have in "file"; a map whose array is missing is left out. Throws an Error where an array is not its map's.
 */
export function exhibitFromAnswers(
  picture: Picture | null,
  answers: readonly ExplainAnswer[],
  arrays: ReadonlyMap<string, NpyArray>,
): Exhibit {
  const layers = layersOf(answers, (a, m) => {
    const answer = answers[a]!,
      map = answer.maps[m]!;
    const array = map.file === undefined ? undefined : arrays.get(map.file);
    return array === undefined ? null : scoresOf(sampleOf(array, map, answer.sample), map);
  });
  const first = answers[0];
  return { name: first?.input ?? "", picture, seen: picture === null ? null : seenIn(picture, first), layers };
}

