// What was asked and what came back. A view says which answers it wants; the session keeps those it
// has, asks for the first that is missing, and aborts what nobody wants any more. One at a time: the
// server computes with all its threads, so a second request would only slow the first.
import { type Answer, type Progress, ServerError, type Upload, perform, progressOf } from "./server";

export interface Job {
  key: string; // equal keys have equal answers
  title: string; // what is being done, for a person
  path: string;
  uploads(): Promise<Upload[]>;
  parameters: Record<string, unknown>;
}

export type Outcome =
  { state: "done"; answer: Answer; seconds: number } | { state: "failed"; error: ServerError } | { state: "cancelled" };

export interface Running {
  job: Job;
  since: number;
  progress: Progress | null;
}

const mostKept = 60; // answers; a map of a photo is about half a megabyte
const pollEvery = 200; // milliseconds

export class Session {
  private outcomes = new Map<string, Outcome>();
  private wanted: readonly Job[] = [];
  private current: { running: Running; abort: AbortController } | null = null;
  private count = 0;
  private readonly run = Math.random().toString(36).slice(2, 10);

  constructor(private readonly changed: () => void) {}

  outcome(key: string): Outcome | undefined {
    return this.outcomes.get(key);
  }

  get running(): Running | null {
    return this.current?.running ?? null;
  }

  want(jobs: readonly Job[]): void {
    this.wanted = jobs;
    const running = this.current?.running.job.key;
    if (running !== undefined && !jobs.some((job) => job.key === running)) this.abort();
    this.next();
  }

  // Stops what runs; nothing further is begun until it is asked for again.
  cancel(): void {
    for (const job of this.wanted) if (!this.outcomes.has(job.key)) this.outcomes.set(job.key, { state: "cancelled" });
    this.abort();
    this.changed();
  }

  // What was answered is forgotten and asked for again: in another language.
  forget(): void {
    this.outcomes.clear();
    this.abort();
    this.next();
    this.changed();
  }

  // Asks once more for what failed or was cancelled.
  retry(): void {
    for (const job of this.wanted) {
      if (this.outcomes.get(job.key)?.state !== "done") this.outcomes.delete(job.key);
    }
    this.next();
    this.changed();
  }

  private abort(): void {
    this.current?.abort.abort();
    this.current = null;
  }

  private next(): void {
    if (this.current) return;
    const job = this.wanted.find((each) => !this.outcomes.has(each.key));
    if (job) void this.ask(job);
  }

  private async ask(job: Job): Promise<void> {
    const abort = new AbortController();
    const mine = { running: { job, since: performance.now(), progress: null } as Running, abort };
    this.current = mine;
    this.changed();
    const id = "page-" + this.run + "-" + String(++this.count);
    const stop = this.follow(id, mine.running, abort.signal);
    let outcome: Outcome;
    try {
      const uploads = await job.uploads();
      const answer = await perform(job.path, uploads, job.parameters, { id, signal: abort.signal });
      outcome = { state: "done", answer, seconds: (performance.now() - mine.running.since) / 1000 };
    } catch (error) {
      if (abort.signal.aborted) return;
      const known = error instanceof ServerError;
      outcome = { state: "failed", error: known ? error : new ServerError(0, String(error), "", "") };
    } finally {
      stop();
    }
    if (abort.signal.aborted) return;
    this.current = null;
    this.keep(job.key, outcome);
    this.next();
    this.changed();
  }

  private keep(key: string, outcome: Outcome): void {
    this.outcomes.set(key, outcome);
    const needed = new Set(this.wanted.map((job) => job.key));
    for (const old of this.outcomes.keys()) {
      if (this.outcomes.size <= mostKept) break;
      if (!needed.has(old)) this.outcomes.delete(old);
    }
  }

  private follow(id: string, running: Running, signal: AbortSignal): () => void {
    let asking = false;
    const timer = setInterval(() => {
      if (asking || signal.aborted) return;
      asking = true;
      progressOf(id)
        .then((progress) => {
          running.progress = progress ?? running.progress;
          if (this.current?.running === running) this.changed();
        })
        .catch(() => clearInterval(timer))
        .finally(() => (asking = false));
    }, pollEvery);
    return () => clearInterval(timer);
  }
}
