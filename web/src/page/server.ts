// The server's API: the Open Inference Protocol v2 with binary tensors, errors as it gives them.
import { type Words, addWords, say } from "../words";
import { language } from "./language";

export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly what: string,
    readonly where: string,
    readonly remedy: string,
  ) {
    super(what);
  }
}

export interface Upload {
  input: string; // the model's input it is for
  name: string; // of the file, as answers and errors call it
  bytes: Blob;
}

export interface Output {
  name: string;
  mediaType: string; // "": an array of numbers
  shape: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Failure {
  input: string;
  what: string;
  what_to_do?: string;
}

export interface Answer {
  document: Record<string, unknown>;
  warnings: string[];
  failures: Failure[];
  outputs: Output[];
}

const tokenKey = "pellucid.token";
export const giveToken = (token: string): void => sessionStorage.setItem(tokenKey, token);

function headers(): Record<string, string> {
  const all: Record<string, string> = { "Accept-Language": language() };
  const token = sessionStorage.getItem(tokenKey);
  if (token) all["Authorization"] = "Bearer " + token;
  return all;
}

async function refusal(response: Response): Promise<ServerError> {
  let error: Record<string, string> = {};
  try {
    error = ((await response.json()) as { error?: Record<string, string> }).error ?? {};
  } catch {
    // No JSON: the status has to do.
  }
  return new ServerError(
    response.status,
    error["what"] ?? say("the server answered {0}", response.status),
    error["where"] ?? "",
    error["what_to_do"] ?? "",
  );
}

async function ask(path: string, settings: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      ...settings,
      headers: { ...headers(), ...(settings.headers as Record<string, string>) },
    });
  } catch (error) {
    if (settings.signal?.aborted) throw error;
    throw new ServerError(0, say("the server can't be reached"), "", say("is it still running?"));
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function get<Document>(path: string): Promise<Document> {
  return (await (await ask(path)).json()) as Document;
}

export async function getBytes(path: string): Promise<Blob> {
  return (await ask(path)).blob();
}

interface Head {
  document: Record<string, unknown>;
  warnings?: string[];
  failures?: Failure[];
  words?: Words;
  outputs?: {
    name: string;
    shape: number[];
    datatype: string;
    parameters?: { content_type?: string; binary_data_size?: number };
  }[];
}

const prefix = 4; // bytes before an item of a BYTES tensor: its length, the lowest byte first

function item(bytes: Blob): BlobPart[] {
  const size = new DataView(new ArrayBuffer(prefix));
  size.setUint32(0, bytes.size, true);
  return [size.buffer, bytes];
}

function read(head: Head, behind: ArrayBuffer, start: number): Answer {
  if (head.words && language() !== "en") addWords(head.words);
  let at = start;
  const outputs = (head.outputs ?? []).map((output): Output => {
    const size = output.parameters?.binary_data_size ?? 0;
    const isFile = output.datatype === "BYTES";
    const skipped = isFile ? prefix : 0;
    // Copied: the numbers behind the JSON need not lie where a Float32Array may begin.
    const bytes = new Uint8Array(behind.slice(at + skipped, at + size));
    at += size;
    const mediaType = isFile ? (output.parameters?.content_type ?? "application/octet-stream") : "";
    return { name: output.name, mediaType, shape: output.shape, bytes };
  });
  return {
    document: head.document,
    warnings: head.warnings ?? [],
    failures: head.failures ?? [],
    outputs,
  };
}

export async function perform(
  path: string,
  uploads: readonly Upload[],
  parameters: Record<string, unknown>,
  request: { id: string; signal: AbortSignal },
): Promise<Answer> {
  const items = uploads.map((upload) => item(upload.bytes));
  const inputs = uploads.map((upload) => ({
    name: upload.input,
    shape: [1],
    datatype: "BYTES",
    parameters: { binary_data_size: upload.bytes.size + prefix, file_name: upload.name },
  }));
  const asked = { parameters: { ...parameters, binary_data_output: true } };
  const head = new TextEncoder().encode(JSON.stringify(inputs.length > 0 ? { inputs, ...asked } : asked));
  const response = await ask(path, {
    method: "POST",
    signal: request.signal,
    headers: {
      "Content-Type": "application/octet-stream",
      "Inference-Header-Content-Length": String(head.byteLength),
      "X-Request-Id": request.id,
    },
    body: new Blob([head, ...items.flat()]),
  });
  const length = Number(response.headers.get("Inference-Header-Content-Length") ?? 0);
  if (length === 0) return read((await response.json()) as Head, new ArrayBuffer(0), 0);
  const body = await response.arrayBuffer();
  const text = new TextDecoder().decode(new Uint8Array(body, 0, length));
  return read(JSON.parse(text) as Head, body, length);
}

export interface Progress {
  state: "waiting" | "running";
  stage: string;
  done: number;
  total: number;
  seconds: number;
}

// null where the server knows no request of this id (yet, or any more).
export async function progressOf(id: string): Promise<Progress | null> {
  const response = await fetch("/v2/requests/" + encodeURIComponent(id), { headers: headers() });
  if (!response.ok) return null;
  const told = (await response.json()) as Progress | { state: "unknown" };
  return told.state === "unknown" ? null : told;
}
