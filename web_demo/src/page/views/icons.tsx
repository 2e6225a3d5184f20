/** Small drawings that stand beside words; hidden from screen readers, which have the words. */
import type { JSX } from "preact";

function icon(path: string): () => JSX.Element {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

export const Plus = icon("M12 5v14M5 12h14");
export const Check = icon("M5 12.5l4.5 4.5L19 7.5");
export const Cross = icon("M6.5 6.5l11 11M17.5 6.5l-11 11");
export const Search = icon("M10.5 4.5a6 6 0 1 0 0 12a6 6 0 1 0 0-12M15 15l4.5 4.5");
export const Play = icon("M8 5.5v13l10.5-6.5z");
export const Film = icon("M4 6h16v12H4zM9.5 9v6l5-3z");
export const Cloud = icon("M4 4l16 16M8.5 8.6A5 5 0 0 0 7.5 18H17M11 7.2A5 5 0 0 1 16.9 11a3.6 3.6 0 0 1 3 5.6");
export const Copy = icon("M9 9h10v11H9zM5 15V4h10");
export const Download = icon("M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14");
export const Outward = icon("M13 5h6v6M19 5l-9 9M16 14v5H5V8h5");
export const Lock = icon("M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3");
export const Send = icon("M4 12l16-7-6 15-3-6.5z");
export const Picture = icon("M4 5h16v14H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9.5h.01");
