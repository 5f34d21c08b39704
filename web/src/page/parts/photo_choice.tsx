// Taking a photo: dropped, pasted, picked from disk, or one of the samples.
import { useRef, useState } from "preact/hooks";
import { say } from "../../words";
import { openFile, sampleAddress, samples } from "../photo";

const accepted = "image/*,.npy,.tif,.tiff";

// Hands a dropped, pasted or picked file over as the id of an opened photo.
export async function take(files: FileList | null | undefined, onPhoto: (id: string) => void): Promise<void> {
  const file = files?.[0];
  if (file) onPhoto((await openFile(file)).id);
}

export function Samples({ chosen, onPhoto }: { chosen: string; onPhoto(id: string): void }) {
  return (
    <ul class="samples" aria-label={say("Sample photos")}>
      {samples.map((sample) => (
        <li key={sample.id}>
          <button
            type="button"
            class="sample"
            aria-pressed={chosen === sample.id}
            title={say(sample.words)}
            onClick={() => {
              onPhoto(sample.id);
            }}
          >
            <img src={sampleAddress(sample)} alt={say(sample.words)} width="96" height="64" />
          </button>
        </li>
      ))}
    </ul>
  );
}

export function FileButton(props: { words: string; class?: string; onPhoto(id: string): void }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class={props.class} onClick={() => field.current?.click()}>
        {props.words}
      </button>
      <input
        ref={field}
        type="file"
        class="hidden"
        accept={accepted}
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          void take(event.currentTarget.files, props.onPhoto);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

export function DropZone({ missing, pictures, onPhoto }: { missing: string; pictures: boolean; onPhoto(id: string): void }) {
  const [over, setOver] = useState(false);
  return (
    <section
      class={"drop" + (over ? " drop-over" : "")}
      aria-label={say("The photo")}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => {
        setOver(false);
      }}
      onDrop={() => {
        setOver(false);
      }}
    >
      {missing && (
        <p class="missing" role="alert">
          {say(
            "This link speaks of {0}, a photo on somebody's disk; a link can't carry it. Drop it here to see the same view.",
            missing,
          )}
        </p>
      )}
      <svg class="drop-mark" viewBox="0 0 48 48" aria-hidden="true">
        <rect x="5" y="9" width="38" height="30" rx="4" />
        <circle cx="16" cy="19" r="3.5" />
        <path d="M6 35l11-10 8 7 7-9 10 11" />
      </svg>
      <p class="drop-words">{pictures ? say("Drop a photo here") : say("Drop an array (.npy) here")}</p>
      <FileButton class="main" words={pictures ? say("Choose a photo") : say("Choose an array")} onPhoto={onPhoto} />
      {pictures ? (
        <>
          <p class="help">{say("or take one of these")}</p>
          <Samples chosen="" onPhoto={onPhoto} />
        </>
      ) : (
        <p class="help">{say("This model takes arrays: its file does not say how a picture becomes its input.")}</p>
      )}
    </section>
  );
}
