// What the server is doing at the moment, how far it is, and the way to stop it.
import { useEffect } from "preact/hooks";
import { say } from "../../words";
import type { Running, Session } from "../session";

function details({ progress, since }: Running): string {
  const seconds = (performance.now() - since) / 1000;
  const time = say("{0} s", seconds.toFixed(1));
  if (!progress) return time;
  if (progress.state === "waiting") return say("waiting for its turn") + " \u00b7 " + time;
  const count = progress.total > 0 ? say("{0} of {1}", progress.done, progress.total) : "";
  return [progress.stage && say(progress.stage), count, time].filter(Boolean).join(" \u00b7 ");
}

export function Working({ session }: { session: Session }) {
  const { running } = session;
  useEffect(() => {
    if (!running) return;
    const stop = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) session.cancel();
    };
    addEventListener("keydown", stop);
    return () => {
      removeEventListener("keydown", stop);
    };
  }, [running, session]);
  if (!running) return null;
  const { progress, job } = running;
  const share = progress && progress.total > 0 ? progress.done / progress.total : undefined;
  return (
    <div class="working">
      <progress aria-label={job.title} value={share} max={1} />
      <span class="working-text">
        <strong>{job.title}</strong> <span class="number">{details(running)}</span>
      </span>
      <button
        type="button"
        class="quiet"
        title="Esc"
        onClick={() => {
          session.cancel();
        }}
      >
        {say("Cancel")}
      </button>
    </div>
  );
}
