// "What if I change it?": the photo can be covered, turned, mirrored and relit; the model answers
// anew after every change. Both photos are prepared alike, so that only the change differs.
import { useState } from "preact/hooks";
import { percent } from "../../viewer/numbers";
import { say } from "../../words";
import type { Go } from "../address";
import { workingSize } from "../changed_photo";
import { cellsByScore, coveredShare, emptyCover, readCover, withCells, writeCover } from "../cover";
import type { Explained } from "../layers";
import type { Photo } from "../photo";
import { type Prediction, fromPredict, percentInColumn, sharesOf } from "../prediction";
import type { Shift } from "../sentence";
import type { Answer } from "../server";
import { type Change, type State, unchanged } from "../state";
import { Classes, type ShiftRow, Shifts } from "./classes";
import { type Brush, Painter } from "./painter";

const part = 0.2; // of what the model saw: what one press of a button covers
const mostRows = 7;
const radii = [0.8, 1.8, 3.2];

export interface Comparison {
  before: Prediction;
  after: Prediction;
  rows: ShiftRow[];
  first: Shift | null;
}

function sharesIn(answer: Answer, kind: string): Float64Array | null {
  const raw = answer.outputs.find((output) => output.mediaType === "");
  return raw ? sharesOf(kind, new Float32Array(raw.bytes.buffer)) : null;
}

export function compare(unchangedAnswer: Answer, changedAnswer: Answer): Comparison | null {
  const before = fromPredict(unchangedAnswer);
  const after = fromPredict(changedAnswer);
  if (!before || !after) return null;
  const old = sharesIn(unchangedAnswer, before.kind);
  const now = sharesIn(changedAnswer, after.kind);
  const labels = new Map<number, string>();
  for (const { index, label } of [...before.rows, ...after.rows])
    if (index !== null && !labels.has(index)) labels.set(index, label);
  const rows = [...labels].slice(0, mostRows).map(([index, label]): ShiftRow => {
    const shares = [old?.[index] ?? 0, now?.[index] ?? 0] as const;
    return {
      index,
      label,
      before: shares[0],
      after: shares[1],
      texts: [percentInColumn(shares[0]), percentInColumn(shares[1])],
    };
  });
  const first = old && now ? (rows[0] ?? null) : null;
  return { before, after, rows: first ? rows : [], first };
}

export function Shifted({ comparison }: { comparison: Comparison }) {
  if (comparison.rows.length > 0) return <Shifts rows={comparison.rows} />;
  return (
    <>
      <h3>{say("before")}</h3>
      <Classes prediction={comparison.before} />
      <h3>{say("now")}</h3>
      <Classes prediction={comparison.after} />
    </>
  );
}

function Brushes({ brush, onBrush }: { brush: Brush; onBrush(brush: Brush): void }) {
  const names = [say("fine"), say("medium"), say("broad")];
  return (
    <fieldset class="tool">
      <legend>{say("Brush")}</legend>
      {radii.map((radius, i) => (
        <label key={radius} class="pill">
          <input
            type="radio"
            name="brush"
            checked={brush.radius === radius}
            onChange={() => {
              onBrush({ ...brush, radius });
            }}
          />
          {names[i]}
        </label>
      ))}
      <label class="pill">
        <input
          type="checkbox"
          checked={!brush.covers}
          onChange={(event) => {
            onBrush({ ...brush, covers: !event.currentTarget.checked });
          }}
        />
        {say("uncover")}
      </label>
    </fieldset>
  );
}

function Fills({ change, set }: { change: Change; set(next: Partial<Change>): void }) {
  const fills = [
    ["blur", say("blurred")],
    ["grey", say("grey")],
    ["black", say("black")],
  ] as const;
  return (
    <fieldset class="tool">
      <legend>{say("Covered with")}</legend>
      {fills.map(([fill, words]) => (
        <label key={fill} class="pill">
          <input
            type="radio"
            name="fill"
            checked={change.fill === fill}
            onChange={() => {
              set({ fill });
            }}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

function Turns({ change, set }: { change: Change; set(next: Partial<Change>): void }) {
  return (
    <fieldset class="tool">
      <legend>{say("Turn and light")}</legend>
      <button
        type="button"
        onClick={() => {
          set({ turns: (change.turns + 1) % 4 });
        }}
      >
        {say("Turn right")}
      </button>
      <button
        type="button"
        aria-pressed={change.mirrored}
        onClick={() => {
          set({ mirrored: !change.mirrored });
        }}
      >
        {say("Mirror")}
      </button>
      <label class="slider">
        {say("Light")}
        <input
          type="range"
          min="0.2"
          max="2"
          step="0.05"
          value={String(change.brightness)}
          onChange={(event) => {
            set({ brightness: Number(event.currentTarget.value) });
          }}
        />
        <output class="number">
          {change.brightness.toFixed(2)}
          {" \u00d7"}
        </output>
      </label>
    </fieldset>
  );
}

export function ChangeView(props: { state: State; photo: Photo; explained: Explained | undefined; go: Go }) {
  const { state, photo, explained, go } = props;
  const { change } = state;
  const [brush, setBrush] = useState<Brush>({ radius: 1.8, covers: true });
  if (!photo.picture)
    return <p class="missing">{say("This browser can't show {0}, so there is nothing to paint on.", photo.name)}</p>;
  const size = workingSize(photo.picture);
  const set = (next: Partial<Change>) => {
    go((now) => ({ change: { ...now.change, ...next } }));
  };
  const plane = explained?.layers[0]?.plane;
  const coverByMap = (end: "highest" | "lowest") => {
    const record = explained?.record.picture;
    const empty = emptyCover(size.width, size.height);
    if (!plane) return;
    const cells = cellsByScore(end, part, empty, plane, record?.seen ?? null, record ?? size);
    set({ cover: writeCover(withCells(empty, cells, true)) });
  };
  const covered = coveredShare(readCover(change.cover, size.width, size.height));
  return (
    <div class="change">
      <Painter
        picture={photo.picture}
        change={change}
        brush={brush}
        onCover={(cover) => {
          set({ cover });
        }}
      />
      <div class="tools">
        <Brushes brush={brush} onBrush={setBrush} />
        <Fills change={change} set={set} />
        <Turns change={change} set={set} />
        {explained && plane && (
          <fieldset class="tool">
            <legend>{say("Put the map of {0} to the test", explained.method.title)}</legend>
            <button
              type="button"
              onClick={() => {
                coverByMap("highest");
              }}
            >
              {say("Cover the strongest fifth")}
            </button>
            <button
              type="button"
              onClick={() => {
                coverByMap("lowest");
              }}
            >
              {say("Cover the weakest fifth")}
            </button>
          </fieldset>
        )}
        <p class="help">
          {say("{0} of the photo is covered.", percent(Number(covered.toPrecision(2))))}{" "}
          {say("A cover is something new to the model, too: try another one before you believe the change.")}{" "}
          {say("Both photos are compared at {0} × {1} pixels.", size.width, size.height)}{" "}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              go({ change: unchanged });
            }}
          >
            {say("Start over")}
          </button>
        </p>
      </div>
    </div>
  );
}
