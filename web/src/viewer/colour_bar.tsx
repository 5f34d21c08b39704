// The scale of a map: colours, numbers at exactly its ends and middle, the unit, and where the value under the pointer
// lies on it.
import { useLayoutEffect, useRef } from "preact/hooks";
import { colour } from "./colormap";
import { numbersFor, numberText, unitText } from "./numbers";
import { position, type Scale } from "./scale";

const pixels = 256;

interface Properties {
  scale: Scale;
  colormap: string;
  unit: string;
  value: number | null; // under the pointer
  threshold: number; // share of the scale's end below which nothing is drawn
}

export function ColourBar({ scale, colormap, unit, value, threshold }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(pixels, 1);
    for (let i = 0; i < pixels; ++i) image.data.set([...colour(colormap, i / (pixels - 1)), 255], 4 * i);
    context.putImageData(image, 0, 0);
  }, [colormap]);

  const numbers = numbersFor(scale.high);
  const end = (score: number): string =>
    (scale.clipped > 0 && score !== 0 ? (score < 0 ? "\u2264 " : "\u2265 ") : "") + numberText(numbers, score);
  // What is not drawn is pale: from the lower cut to the upper one.
  const cuts = [scale.diverging ? -threshold * scale.high : 0, threshold * scale.high].map((score) => 100 * position(scale, score));
  const mark = value !== null && Number.isFinite(value) ? position(scale, value) : null;
  return (
    <div class="colour-bar">
      <div class="colour-bar-strip">
        <canvas ref={canvas} width={pixels} height={1} aria-hidden="true" />
        {threshold > 0 && (
          <span class="colour-bar-cut" style={{ left: `${cuts[0]!}%`, width: `${cuts[1]! - cuts[0]!}%` }} />
        )}
        {mark !== null && <span class="colour-bar-mark" style={{ left: `${100 * mark}%` }} />}
      </div>
      <div class="colour-bar-numbers">
        <span>{end(scale.low)}</span>
        <span>{numberText(numbers, (scale.low + scale.high) / 2)}</span>
        <span>{end(scale.high)}</span>
      </div>
      <div class="colour-bar-unit">{unitText(numbers, unit)}</div>
    </div>
  );
}
