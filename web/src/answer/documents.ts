// The JSON documents that an operation answers with, as far as this code reads them by name. What is not named here
// is shown all the same, by the report's nested tables.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ModelReference {
  name: string;
  file: string;
  format: string;
  sha256: string;
  producer?: string;
}

export interface TargetDocument {
  text: string; // "282 tiger cat"
  index?: number;
  against?: number; // of a difference of two classes
  score?: number;
  probability?: number;
}

export interface PlaneDocument {
  height: number;
  width: number;
  reduction: "none" | "sum" | "largest"; // over the channel axis
}

export interface MapDocument {
  name: string;
  coordinates: "input" | "layer";
  shape: number[]; // of one sample
  unit: string;
  positive_part_drawn: boolean;
  features?: string[]; // names of a vector's entries
  file?: string; // the .npy artefact
  plane?: PlaneDocument; // where the scores have places
}

export interface CheckDocument {
  name: string;
  verdict: string; // "pass", "info", "warn", "fail"
  value?: number | null;
  threshold?: number;
  words: string;
}

export interface TopClass {
  index: number;
  label?: string;
  score: number | null;
  probability: number | null;
}

export interface PredictionDocument {
  kind?: string;
  guessed?: boolean;
  top?: TopClass[];
}

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One answer of `explain`: one input, sample, target, layer and method. */
export interface ExplainAnswer {
  input: string;
  sample?: number; // of a batched input
  sha256?: string; // of the input
  model?: ModelReference;
  target: TargetDocument;
  method: { name: string; title: string; settings: { [key: string]: Json } };
  baseline?: string;
  seed?: number;
  threads?: number;
  precision?: string;
  cost?: { seconds_per_sample?: number; model_calls?: number };
  notes?: string[];
  maps: MapDocument[];
  checks: CheckDocument[];
  prediction?: PredictionDocument;
  picture?: { width: number; height: number; seen: Rectangle };
}
