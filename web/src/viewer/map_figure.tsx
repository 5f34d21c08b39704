// One map over the picture: title, picture, the value under the cursor, colour bar, alarms and notes.
import type { ComponentChildren, TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { say } from "../words";
import { isDiverging } from "./colormap";
import { ColourBar } from "./colour_bar";
import { cellUnder, type Cursor, moved, valueText } from "./cursor";
import { minus, number } from "./numbers";
import { chosenColormap, LayerPainter, paintPicture, type Sheet, sheetOf } from "./paint";
import { remarks, type Remark, type Scale } from "./scale";
import type { Exhibit, Layer, Look, Plane } from "./types";

export type MappedLayer = Layer & { plane: Plane };

interface Properties {
  exhibit: Exhibit;
  layer: MappedLayer;
  scale: Scale;
  look: Look;
  longest: number; // pixels of the canvas' longer side
  cursor: Cursor | null;
  onCursor(cursor: Cursor | null): void;
  chosen: boolean;
  onChoose?: ((layerId: string) => void) | undefined;
  hint: string; // id of the words that say how the keyboard is used
}

export function MapFigure({ exhibit, layer, scale, look, longest, cursor, onCursor, chosen, onChoose, hint }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const empty = useRef<HTMLParagraphElement>(null);
  const { plane } = layer;
  const painter = useMemo(() => new LayerPainter(plane), [plane]);
  const sheet = useMemo(() => sheetOf(exhibit, plane, longest), [exhibit.picture, exhibit.seen, plane, longest]);
  const { opacity, threshold, colormap } = look;
  const painted = useRef<Sheet | null>(null);
  useLayoutEffect(() => {
    const paint = (): void => {
      if (canvas.current === null) return;
      const something = painter.paint(canvas.current, sheet, exhibit.picture, scale, look);
      if (empty.current !== null) empty.current.hidden = something;
    };
    // A canvas that is new or has another size is blank: paper doesn't wait for the next frame.
    if (painted.current !== sheet) {
      painted.current = sheet;
      paint();
      return undefined;
    }
    const frame = requestAnimationFrame(paint);
    return () => cancelAnimationFrame(frame);
  }, [painter, sheet, exhibit.picture, scale, opacity, threshold, colormap]);

  const cell = cellUnder(plane, cursor);
  const said = remarks(scale);
  const name = chosenColormap(look, scale);
  const onKey = (event: TargetedKeyboardEvent<HTMLCanvasElement>): void => {
    const next = moved(plane, cursor, event.key, event.shiftKey);
    if (next === undefined) return;
    event.preventDefault();
    onCursor(next);
  };
  return (
    <figure class={chosen ? "map map-chosen" : "map"} data-layer={layer.id}>
      <Title layer={layer} chosen={chosen} onChoose={onChoose} />
      <Sighted sheet={sheet} plane={plane} cursor={cursor} onCursor={onCursor}>
        <canvas
          ref={canvas}
          width={sheet.width}
          height={sheet.height}
          tabIndex={0}
          role="application"
          aria-roledescription={say("map")}
          aria-label={layer.title}
          aria-describedby={hint}
          onKeyDown={onKey}
        />
        {scale.flat && <p class="map-flat">{said[0]?.text}</p>}
        <p ref={empty} class="map-empty" hidden role="status">
          {say("no score reaches the threshold")}
        </p>
      </Sighted>
      <p class="map-value">
        {cell !== null ? (
          <>
            <output>{valueText(plane, cell)}</output> {layer.unit}
            <span class="map-cell">{say("row {0}, column {1}", cell.row, cell.column)}</span>
          </>
        ) : cursor !== null ? (
          <span class="map-cell">{say("outside of what the model saw")}</span>
        ) : (
          <span class="map-cell">
            {say("{0} to {1}, {2} × {3} scores", short(scale.smallest), short(scale.largest), plane.width, plane.height)}
          </span>
        )}
      </p>
      {!scale.flat && <ColourBar scale={scale} colormap={name} unit={layer.unit} value={cell?.value ?? null} threshold={threshold} />}
      <Sentences layer={layer} said={said} lines={ownLines(layer, scale, name)} />
    </figure>
  );
}

function short(value: number): string {
  return minus(number(value, 3));
}

// What the chosen drawing makes it necessary to say.
function ownLines(layer: MappedLayer, scale: Scale, colormap: string): Remark[] {
  const lines: Remark[] = [];
  if (scale.diverging && !scale.flat && !isDiverging(colormap))
    lines.push({ text: say("signed map on a colormap without a neutral colour: 0 is in its middle"), alarm: true });
  if (layer.plane.step > 0)
    lines.push({ text: say("scores kept to within {0}", number(layer.plane.step / 2, 2)), alarm: false });
  return lines;
}

export function Title({ layer, chosen, onChoose }: Pick<Properties, "chosen" | "onChoose"> & { layer: Layer }) {
  return (
    <figcaption class="map-title">
      {onChoose !== undefined ? (
        <button type="button" aria-pressed={chosen} onClick={() => onChoose(layer.id)}>
          {layer.title}
        </button>
      ) : (
        layer.title
      )}
    </figcaption>
  );
}

/** Checks that did not pass and remarks that change the meaning, in the alarm style; then the notes. */
export function Sentences({ layer, said, lines = [] }: { layer: Layer; said: Remark[]; lines?: Remark[] }) {
  const failed = layer.checks.filter((check) => check.verdict === "warn" || check.verdict === "fail");
  // The engine's checks of flat and of broken maps say the same as the scale does.
  const repeats = failed.some((check) => check.name === "flat" || check.name === "finite");
  const all = [...said, ...lines];
  const alarms = [
    ...failed.map((check) => say(check.words)),
    ...all.filter((remark) => remark.alarm && !(repeats && said.includes(remark))).map((remark) => remark.text),
  ];
  const notes = [...all.filter((remark) => !remark.alarm).map((remark) => remark.text), ...layer.notes.map((note) => say(note))];
  const list = (texts: string[], kind: string) =>
    texts.length > 0 && (
      <ul class={kind}>
        {[...new Set(texts)].map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    );
  return (
    <>
      {list(alarms, "map-alarms")}
      {list(notes, "map-notes")}
    </>
  );
}

interface SightedProperties {
  sheet: Sheet;
  plane: Plane | null; // whose cell is framed
  cursor: Cursor | null;
  onCursor(cursor: Cursor | null): void;
  children: ComponentChildren;
}

/** What follows the pointer and shows the cursor: cross-hairs, and the frame of the cell. */
function Sighted({ sheet, plane, cursor, onCursor, children }: SightedProperties) {
  const { area } = sheet;
  const follow = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * sheet.width,
      y = ((event.clientY - box.top) / box.height) * sheet.height;
    onCursor({ across: (x - area.x) / area.width, down: (y - area.y) / area.height, by: "pointer" });
  };
  const leave = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    // A finger is lifted to read.
    if (event.pointerType !== "touch") onCursor(null);
  };
  const left = (share: number): string => `${(100 * (area.x + share * area.width)) / sheet.width}%`;
  const top = (share: number): string => `${(100 * (area.y + share * area.height)) / sheet.height}%`;
  const cell = plane === null ? null : cellUnder(plane, cursor);
  return (
    <div class="map-sight" onPointerMove={follow} onPointerDown={follow} onPointerLeave={leave}>
      {children}
      {cursor !== null && (
        <>
          <span class="cross-across" style={{ top: top(cursor.down) }} />
          <span class="cross-down" style={{ left: left(cursor.across) }} />
        </>
      )}
      {cell !== null && plane !== null && (
        <span
          class="cross-cell"
          style={{
            left: left(cell.column / plane.width),
            top: top(cell.row / plane.height),
            width: `${(100 * area.width) / plane.width / sheet.width}%`,
            height: `${(100 * area.height) / plane.height / sheet.height}%`,
          }}
        />
      )}
    </div>
  );
}

/** The picture alone, with the same cursor. */
export function PhotoFigure({ exhibit, longest, cursor, onCursor }: Pick<Properties, "exhibit" | "longest" | "cursor" | "onCursor">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const sheet = useMemo(() => sheetOf(exhibit, null, longest), [exhibit.picture, exhibit.seen, longest]);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context) paintPicture(context, sheet, exhibit.picture);
  }, [sheet, exhibit.picture]);
  return (
    <figure class="map map-photo">
      <figcaption class="map-title">{say("Photo")}</figcaption>
      <Sighted sheet={sheet} plane={null} cursor={cursor} onCursor={onCursor}>
        <canvas ref={canvas} width={sheet.width} height={sheet.height} role="img" aria-label={exhibit.name} />
      </Sighted>
      <p class="map-value">
        <span class="map-cell">{sheet.whole ? exhibit.name : say("what the model did not see is pale")}</span>
      </p>
    </figure>
  );
}
