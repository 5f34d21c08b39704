// What the page reads once: the server's models and catalogue, and the photo of the state.
import { useEffect, useState } from "preact/hooks";
import type { Catalogue, Model } from "./catalogue";
import { alreadyOpen, fileName, findPhoto, isFile, type Photo } from "./photo";
import { ServerError, get } from "./server";

export interface Served {
  catalogue: Catalogue;
  models: string[];
  model: Model;
}

type Read<Thing> = { thing: Thing | null; error: ServerError | null };

const asError = (error: unknown): ServerError =>
  error instanceof ServerError ? error : new ServerError(0, String(error), "", "");

// `round` asks anew: another language, a token.
export function useServed(wanted: string, round: number): Read<Served> {
  const [read, setRead] = useState<Read<Served>>({ thing: null, error: null });
  useEffect(() => {
    let late = false;
    const ask = async () => {
      const [catalogue, { models }] = await Promise.all([
        get<Catalogue>("/v2/catalogue"),
        get<{ models: string[] }>("/v1/models"),
      ]);
      const name = wanted || (models[0] ?? "");
      const model = await get<Model>("/v2/models/" + encodeURIComponent(name));
      return { catalogue, models, model };
    };
    ask().then(
      (thing) => {
        if (!late) setRead({ thing, error: null });
      },
      (error: unknown) => {
        if (!late) setRead({ thing: null, error: asError(error) });
      },
    );
    return () => {
      late = true;
    };
  }, [wanted, round]);
  return read;
}

export interface PhotoRead extends Read<Photo> {
  missing: string; // the name of a file that a link speaks of and this tab does not have
}

export function usePhoto(id: string): PhotoRead {
  const [read, setRead] = useState<PhotoRead & { id: string }>({ id: "", thing: null, error: null, missing: "" });
  // Another file of the same name is another photo.
  const opened = alreadyOpen(id)?.number ?? 0;
  useEffect(() => {
    let late = false;
    const empty = { id, thing: null, error: null, missing: "" };
    if (id === "") {
      setRead(empty);
      return;
    }
    findPhoto(id).then(
      (thing) => {
        if (late) return;
        setRead({ ...empty, thing, missing: thing || !isFile(id) ? "" : fileName(id) });
      },
      (error: unknown) => {
        if (!late) setRead({ ...empty, error: asError(error) });
      },
    );
    return () => {
      late = true;
    };
  }, [id, opened]);
  // Until the effect has run, what was read belongs to another photo.
  return read.id === id ? read : { thing: null, error: null, missing: "" };
}
