// The JSON that a report's file holds, and the exhibits in it.
import type { Exhibit, Picture } from "../viewer/types";
import { say, type Words } from "../words";
import type { ExplainAnswer, Json, Rectangle } from "./documents";
import { layersOf } from "./exhibit";
import { decodePlane, type PackedPlane } from "./plane";

export interface PackedVector {
  names: string[] | null;
  values: number[];
  scores: (number | null)[]; // null: not a finite number, which JSON cannot say
}

export type PackedMap = { answer: number; map: number } & (PackedPlane | PackedVector);

export interface PackedExhibit {
  name: string;
  sample?: number; // of a batched input
  picture: { media_type: string; width: number; height: number; data: string } | null;
  seen: Rectangle | null; // in the embedded picture's pixels
  maps: PackedMap[];
}

export interface Report {
  version: number;
  language: string;
  words: Words;
  operation: { name: string; group: string; summary: string };
  made: string; // ISO 8601, UTC
  engine: string;
  document: { [key: string]: Json };
  warnings: string[];
  failures: { input: string; error: Json }[];
  exhibits: PackedExhibit[];
}

const pictureTypes: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);

/** `explain`'s answers by their place; null where an answer has no maps. */
export function answersOf(report: Report): (ExplainAnswer | null)[] {
  const answers = report.document["answers"];
  if (!Array.isArray(answers)) return [];
  return answers.map((answer) =>
    answer !== null && typeof answer === "object" && "maps" in answer ? (answer as unknown as ExplainAnswer) : null,
  );
}

async function pictureOf(packed: PackedExhibit["picture"]): Promise<Picture | null> {
  if (packed === null) return null;
  if (!pictureTypes.has(packed.media_type)) throw new Error(say("a picture of type {0} is not shown", packed.media_type));
  const source = new Image();
  source.src = `data:${packed.media_type};base64,${packed.data}`;
  await source.decode();
  return { source, width: packed.width, height: packed.height };
}

/** Decodes an exhibit's picture and maps; throws an Error where the file is damaged. */
export async function exhibitFromReport(report: Report, packed: PackedExhibit): Promise<Exhibit> {
  const picture = await pictureOf(packed.picture);
  const planes = await Promise.all(packed.maps.map((map) => ("data" in map ? decodePlane(map) : null)));
  const layers = layersOf(answersOf(report), (answer, map) => {
    const at = packed.maps.findIndex((each) => each.answer === answer && each.map === map);
    const found = packed.maps[at];
    if (found === undefined) return null;
    if ("data" in found) {
      const plane = planes[at] ?? null;
      return found.averaged === undefined
        ? { plane, vector: null }
        : { plane, vector: null, note: say("means of {0} × {0} places, to keep the file small", found.averaged) };
    }
    const scores = found.scores.map((score) => score ?? NaN);
    return { plane: null, vector: { names: found.names, values: found.values, scores } };
  });
  return { name: packed.name, picture, seen: picture === null ? null : packed.seen, layers };
}
