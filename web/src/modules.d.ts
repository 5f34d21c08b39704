declare module "*.css";

declare module "pellucid:colormaps" {
  /** The engine's colormaps, out of pellucid/render/colormap.cpp. */
  export const table: readonly {
    name: string;
    summary: string;
    diverging: boolean;
    points: readonly number[]; // 0xRRGGBB, evenly spaced
  }[];
}
