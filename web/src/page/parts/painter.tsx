// The photo as it is changed, with a brush that covers or uncovers it: by pointer, finger or keys.
import { useEffect, useRef, useState } from "preact/hooks";
import { say } from "../../words";
import { drawChanged, isTurned, pointOfPhoto, workingSize } from "../changed_photo";
import { type Cover, cellsAround, readCover, withCells, writeCover } from "../cover";
import type { Change } from "../state";

export interface Brush {
  radius: number; // in cells
  covers: boolean; // false: it uncovers
}

interface Point {
  x: number; // of the picture as it is shown, 0 to 1
  y: number;
}

const tallest = 64; // of the window's height, in hundredths
const step = 1 / 28; // of the picture's side: about a cell
const moves: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function Painter(props: { picture: ImageBitmap; change: Change; brush: Brush; onCover(cover: string): void }) {
  const { picture, change, brush, onCover } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const stroke = useRef<Cover | null>(null);
  const [draft, setDraft] = useState<string | null>(null);
  const [cursor, setCursor] = useState<Point | null>(null);
  const ratio = isTurned(change) ? picture.height / picture.width : picture.width / picture.height;
  const shown = draft === null ? change : { ...change, cover: draft };

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context) return;
    const drawn = drawChanged(picture, shown);
    canvas.current.width = drawn.width;
    canvas.current.height = drawn.height;
    context.drawImage(drawn, 0, 0);
    if (!cursor) return;
    const size = workingSize(picture);
    const cell = Math.max(size.width, size.height) * step;
    for (const [colour, width] of [
      ["#000000", 5],
      ["#ffffff", 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(cursor.x * drawn.width, cursor.y * drawn.height, Math.max(brush.radius, 0.7) * cell, 0, 2 * Math.PI);
      context.stroke();
    }
  }, [picture, JSON.stringify(shown), cursor?.x, cursor?.y, brush.radius]);

  const pointOf = (event: { currentTarget: HTMLElement; clientX: number; clientY: number }): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  const paint = (from: Cover, point: Point): Cover => {
    const [x, y] = pointOfPhoto(change, point.x, point.y);
    return withCells(from, cellsAround(from, x, y, brush.radius), brush.covers);
  };
  const now = (): Cover => {
    const size = workingSize(picture);
    return readCover(change.cover, size.width, size.height);
  };
  const finish = () => {
    if (!stroke.current) return;
    const cover = writeCover(stroke.current);
    stroke.current = null;
    setDraft(null);
    if (cover !== change.cover) onCover(cover);
  };

  return (
    <canvas
      ref={canvas}
      class="painter"
      style={{ width: "min(100%, " + String(Math.round(tallest * ratio)) + "vh)" }}
      tabIndex={0}
      role="application"
      aria-label={say("The photo: arrow keys move the brush, the space bar covers what is under it")}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        stroke.current = paint(now(), pointOf(event));
        setCursor(null);
        setDraft(writeCover(stroke.current));
      }}
      onPointerMove={(event) => {
        if (!stroke.current) return;
        stroke.current = paint(stroke.current, pointOf(event));
        setDraft(writeCover(stroke.current));
      }}
      onPointerUp={finish}
      onPointerCancel={finish}
      onBlur={() => {
        setCursor(null);
      }}
      onKeyDown={(event) => {
        const move = moves[event.key];
        const at = cursor ?? { x: 0.5, y: 0.5 };
        if (move) {
          event.preventDefault();
          const within = (value: number) => Math.min(Math.max(value, step / 2), 1 - step / 2);
          setCursor({ x: within(at.x + move[0] * step), y: within(at.y + move[1] * step) });
        } else if (event.key === " " || event.key === "Enter") {
          event.preventDefault();
          setCursor(at);
          onCover(writeCover(paint(now(), at)));
        }
      }}
    />
  );
}
