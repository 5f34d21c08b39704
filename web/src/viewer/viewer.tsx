// Small multiples of an exhibit's maps, and their controls. One cursor for all of them: the value at its place is shown
// on every map, and said aloud when the keyboard moved it.
import "../base.css";
import "./viewer.css";
import { useEffect, useId, useMemo, useState } from "preact/hooks";
import { say } from "../words";
import { rangeOf, rowsOf } from "./bars";
import { BarsFigure } from "./bars_figure";
import { Controls } from "./controls";
import { cellUnder, type Cursor, valueText } from "./cursor";
import { MapFigure, type MappedLayer, PhotoFigure } from "./map_figure";
import { type Scale, scaleOf, shareScales } from "./scale";
import type { Exhibit, Layer, Look, Plane, Vector } from "./types";

export interface ViewerProperties {
  exhibit: Exhibit;
  look: Look;
  onLook(look: Look): void;
  chosen?: string; // a layer's id
  onChoose?(layerId: string): void;
}

const isMapped = (layer: Layer): layer is MappedLayer => layer.plane !== null;
const isVector = (layer: Layer): layer is Layer & { vector: Vector } => layer.vector !== null;

// A plane's own scale takes a sort of all its scores: it is made once.
const ownScales = new WeakMap<Plane, Scale>();
function ownScale({ plane, positivePart }: MappedLayer): Scale {
  let scale = ownScales.get(plane);
  if (scale === undefined || scale.positivePart !== (positivePart ?? false))
    ownScales.set(plane, (scale = scaleOf(plane.values, positivePart)));
  return scale;
}

function scalesOf(layers: readonly MappedLayer[], shared: boolean): Map<string, Scale> {
  const scales = new Map(layers.map((layer) => [layer.id, ownScale(layer)]));
  if (!shared) return scales;
  for (const unit of new Set(layers.map((layer) => layer.unit))) {
    const members = layers.filter((layer) => layer.unit === unit);
    shareScales(members.map(ownScale)).forEach((scale, i) => scales.set(members[i]!.id, scale));
  }
  return scales;
}

export function Viewer({ exhibit, look, onLook, chosen, onChoose }: ViewerProperties) {
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const hint = useId();
  const maps = useMemo(() => exhibit.layers.filter(isMapped), [exhibit.layers]);
  const vectors = useMemo(() => exhibit.layers.filter(isVector), [exhibit.layers]);
  const scales = useMemo(() => scalesOf(maps, look.scale === "shared"), [maps, look.scale]);
  const range = useMemo(
    () => (look.scale === "shared" ? rangeOf(vectors.flatMap((layer) => rowsOf(layer.vector))) : null),
    [vectors, look.scale],
  );
  // Many small canvases need fewer pixels each.
  const longest = maps.length > 4 ? 480 : maps.length > 2 ? 640 : 960;
  return (
    <section class="viewer" aria-label={exhibit.name}>
      {(maps.length > 0 || vectors.length > 1) && (
        <Controls
          look={look}
          onLook={onLook}
          coloured={maps.length > 0}
          overPicture={maps.length > 0 && exhibit.picture !== null}
          several={exhibit.layers.length > 1}
        />
      )}
      <div class={vectors.length > 0 ? "maps maps-wide" : "maps"} data-count={maps.length}>
        {exhibit.picture !== null && (
          <PhotoFigure exhibit={exhibit} longest={longest} cursor={cursor} onCursor={setCursor} />
        )}
        {maps.map((layer) => (
          <MapFigure
            key={layer.id}
            exhibit={exhibit}
            layer={layer}
            scale={scales.get(layer.id)!}
            look={look}
            longest={longest}
            cursor={cursor}
            onCursor={setCursor}
            chosen={layer.id === chosen}
            onChoose={onChoose}
            hint={hint}
          />
        ))}
        {vectors.map((layer) => (
          <BarsFigure key={layer.id} layer={layer} range={range} chosen={layer.id === chosen} onChoose={onChoose} />
        ))}
      </div>
      {maps.length > 0 && (
        <p id={hint} class="maps-hint">
          {say("Point at a map to read its raw scores on all maps at once; or focus one and use the arrow keys (with Shift ten cells, Esc ends).")}
        </p>
      )}
      <Announced maps={maps} cursor={cursor} />
    </section>
  );
}

// What a screen reader says, once the keys rest.
function Announced({ maps, cursor }: { maps: readonly MappedLayer[]; cursor: Cursor | null }) {
  const [text, setText] = useState("");
  useEffect(() => {
    if (cursor?.by !== "keyboard") return undefined;
    const timer = setTimeout(() => {
      const values = maps.map((layer) => {
        const cell = cellUnder(layer.plane, cursor);
        return cell === null
          ? ""
          : `${layer.title}: ${say("row {0}, column {1}", cell.row, cell.column)}, ${valueText(layer.plane, cell)} ${layer.unit}`;
      });
      setText(values.join("; "));
    }, 150);
    return () => clearTimeout(timer);
  }, [maps, cursor]);
  return (
    <p class="unseen" aria-live="polite">
      {text}
    </p>
  );
}
