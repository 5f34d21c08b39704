// How the maps are drawn. Every change is shown in the next frame, out of the numbers that are already here.
import { useId } from "preact/hooks";
import { say } from "../words";
import { colormaps } from "./colormap";
import { firstLook, type Look } from "./types";

interface Properties {
  look: Look;
  onLook(look: Look): void;
  coloured: boolean; // bars have neither threshold nor colormap
  overPicture: boolean; // without a picture opacity means nothing
  several: boolean; // one map has nothing to share a scale with
}

export function Controls({ look, onLook, coloured, overPicture, several }: Properties) {
  const id = useId();
  const changed = (Object.keys(firstLook) as (keyof Look)[]).some((key) => look[key] !== firstLook[key]);
  const slider = (name: "opacity" | "threshold", label: string, words: string) => (
    <div class="control control-slider">
      <label for={`${id}-${name}`}>{label}</label>
      <input
        id={`${id}-${name}`}
        name={name}
        type="range"
        min={0}
        max={100}
        step={1}
        value={Math.round(100 * look[name])}
        aria-valuetext={words}
        onInput={(event) => onLook({ ...look, [name]: Number(event.currentTarget.value) / 100 })}
      />
      <span class="control-value">{words}</span>
    </div>
  );
  return (
    <div class="controls" role="group" aria-label={say("How the maps are drawn")}>
      {overPicture && slider("opacity", say("Opacity"), `${Math.round(100 * look.opacity)} %`)}
      {coloured && slider("threshold", say("Threshold"), `${Math.round(100 * look.threshold)} %`)}
      {coloured && (
        <div class="control">
          <label for={`${id}-colormap`}>{say("Colours")}</label>
          <select
            id={`${id}-colormap`}
            name="colormap"
            value={look.colormap}
            onChange={(event) => onLook({ ...look, colormap: event.currentTarget.value })}
          >
            <Choices safe />
            <Choices safe={false} />
          </select>
        </div>
      )}
      {several && (
        <div class="control control-switch" role="group" aria-label={say("Scale")}>
          <span aria-hidden="true">{say("Scale")}</span>
          <span class="switch">
            {(["own", "shared"] as const).map((scale) => (
              <button
                key={scale}
                type="button"
                name={scale}
                aria-pressed={look.scale === scale}
                onClick={() => onLook({ ...look, scale })}
              >
                {scale === "own" ? say("each its own") : say("one for all")}
              </button>
            ))}
          </span>
        </div>
      )}
      <button type="button" class="control-reset" disabled={!changed} onClick={() => onLook(firstLook)}>
        {say("Reset")}
      </button>
    </div>
  );
}

function Choices({ safe }: { safe: boolean }) {
  return (
    <optgroup label={safe ? say("safe for colour-blind eyes") : say("not safe for colour-blind eyes")}>
      {colormaps
        .filter((map) => map.colourBlindSafe === safe)
        .map((map) => (
          <option key={map.name} value={map.name} title={say(map.summary)}>
            {map.name === "auto" ? say("automatic") : map.name}
            {map.diverging ? ` (${say("signed")})` : ""}
          </option>
        ))}
    </optgroup>
  );
}
