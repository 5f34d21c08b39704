// One place on all maps at once. It is kept as a share of what the model saw, because every map has its own grid.
import { exact } from "./numbers";
import { cellAt } from "./resample";
import type { Plane } from "./types";

export interface Cursor {
  across: number; // 0..1 over what the model saw
  down: number;
  by: "pointer" | "keyboard";
}

export interface Cell {
  row: number;
  column: number;
  value: number; // raw and signed
}

/** The cell of a map that the cursor lies in; null: outside of what the model saw. */
export function cellUnder(plane: Plane, cursor: Cursor | null): Cell | null {
  if (cursor === null || !(cursor.across >= 0 && cursor.across < 1 && cursor.down >= 0 && cursor.down < 1)) return null;
  const row = cellAt(cursor.down, plane.height),
    column = cellAt(cursor.across, plane.width);
  return { row, column, value: plane.values[row * plane.width + column] ?? NaN };
}

/** The value as it is read out: exact, or as exact as the scores were kept. */
export function valueText(plane: Plane, cell: Cell): string {
  return exact(cell.value, plane.step);
}

function centre(plane: Plane, row: number, column: number): Cursor {
  return { across: (column + 0.5) / plane.width, down: (row + 0.5) / plane.height, by: "keyboard" };
}

/** Where a key takes the cursor on a map's own grid; undefined: the key means nothing, null: no cursor any more. */
export function moved(plane: Plane, cursor: Cursor | null, key: string, far: boolean): Cursor | null | undefined {
  if (key === "Escape") return null;
  const cell = cellUnder(plane, cursor);
  const step = far ? 10 : 1;
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-step, 0],
    ArrowDown: [step, 0],
    ArrowLeft: [0, -step],
    ArrowRight: [0, step],
    PageUp: [-10, 0],
    PageDown: [10, 0],
    Home: [0, -plane.width],
    End: [0, plane.width],
  };
  const way = Object.hasOwn(steps, key) ? steps[key] : undefined;
  if (way === undefined) return undefined;
  // The first key shows the middle: there is nothing to go on from yet.
  if (cell === null) return centre(plane, plane.height >> 1, plane.width >> 1);
  const within = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
  return centre(plane, within(cell.row + way[0], plane.height), within(cell.column + way[1], plane.width));
}
