// Photos: those that come with the page, and those that are dropped onto it. A dropped one stays in
// this tab's memory under its name, so that "back" finds it again.
import { ServerError, getBytes } from "./server";

export interface Photo {
  id: string; // as the state has it: a sample's name or "file:NAME"
  name: string; // a file's name
  bytes: Blob;
  picture: ImageBitmap | null; // upright; null where this browser can't show it (TIFF, .npy)
  number: number; // different for every photo that was ever opened here
}

export interface Sample {
  id: string;
  file: string;
  words: string; // the English text of what it shows
}

export const samples: readonly Sample[] = [
  { id: "chelsea", file: "chelsea.webp", words: "A cat" },
  { id: "coffee", file: "coffee.webp", words: "A cup of coffee" },
  { id: "rocket", file: "rocket.webp", words: "A rocket" },
];

export const sampleOf = (id: string): Sample | undefined => samples.find((each) => each.id === id);
export const sampleAddress = (sample: Sample): string => "/assets/" + sample.file;

const filePrefix = "file:";
export const isFile = (id: string): boolean => id.startsWith(filePrefix);
export const fileName = (id: string): string => id.slice(filePrefix.length);

const opened = new Map<string, Photo>();
let count = 0;

async function open(id: string, name: string, bytes: Blob): Promise<Photo> {
  let picture: ImageBitmap | null = null;
  try {
    picture = await createImageBitmap(bytes, { imageOrientation: "from-image" });
  } catch {
    // The server may read it all the same; it says so if it can't.
  }
  const photo = { id, name, bytes, picture, number: ++count };
  opened.set(id, photo);
  return photo;
}

export const openFile = (file: File): Promise<Photo> => open(filePrefix + file.name, file.name, file);

export const alreadyOpen = (id: string): Photo | null => opened.get(id) ?? null;

// null: a file that this tab does not have.
export async function findPhoto(id: string): Promise<Photo | null> {
  const known = opened.get(id);
  if (known) return known;
  if (isFile(id)) return null;
  const sample = sampleOf(id);
  if (!sample) throw new ServerError(0, "there is no sample of this name", id, "");
  return open(id, sample.file, await getBytes(sampleAddress(sample)));
}
