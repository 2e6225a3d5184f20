/** The icon of the installed page, drawn here: a price tag in a box of brackets, as PNG without a library. */
import { crc32, deflateSync } from "node:zlib";

type Point = readonly [number, number];
const GROUND: readonly number[] = [20, 104, 74];
const INK: readonly number[] = [255, 255, 255];
const SAMPLES = 3;

/** Return a square PNG file; `margin` is the share of a side that stays ground, more for icons that are cut round. */
export function iconPng(side: number, margin: number): Buffer {
  const rows = Buffer.alloc(side * (side * 3 + 1));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const ink = inkAt(x, y, side, margin);
      for (let c = 0; c < 3; c++)
        rows[y * (side * 3 + 1) + 1 + x * 3 + c] = Math.round(GROUND[c]! + (INK[c]! - GROUND[c]!) * ink);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Return the same icon as SVG. */
export function iconSvg(): string {
  const corners = CORNERS.map(([[x, y], [a, b], [c, d]]) => `M${x} ${y}L${a} ${b}L${c} ${d}`).join("");
  const tag = TAG.map(([x, y], i) => `${i ? "L" : "M"}${x} ${y}`).join("");
  const [r, g, b] = GROUND;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" rx="18" fill="rgb(${r},${g},${b})"/>` +
    `<path d="${corners}" fill="none" stroke="#fff" stroke-width="${STROKE}" stroke-linecap="round" stroke-linejoin="round"/>` +
    `<path d="${tag}Z" fill="#fff"/><circle cx="${HOLE[0]}" cy="${HOLE[1]}" r="${HOLE_RADIUS}" fill="rgb(${r},${g},${b})"/></svg>\n`
  );
}

const STROKE = 7;
const CORNERS: readonly (readonly [Point, Point, Point])[] = [
  [
    [16, 34],
    [16, 16],
    [34, 16],
  ],
  [
    [66, 16],
    [84, 16],
    [84, 34],
  ],
  [
    [84, 66],
    [84, 84],
    [66, 84],
  ],
  [
    [34, 84],
    [16, 84],
    [16, 66],
  ],
];
const LINES = CORNERS.flatMap(
  ([a, b, c]) =>
    [
      [a, b],
      [b, c],
    ] as const,
);
const TAG: readonly Point[] = [
  [32, 32],
  [52, 32],
  [72, 52],
  [52, 72],
  [32, 52],
];
const HOLE: Point = [41, 41];
const HOLE_RADIUS = 4.5;

function inkAt(x: number, y: number, side: number, margin: number): number {
  let inked = 0;
  for (let sub = 0; sub < SAMPLES * SAMPLES; sub++) {
    const place = (at: number, step: number) =>
      (((at + (step + 0.5) / SAMPLES) / side - margin) / (1 - 2 * margin)) * 100;
    const point: Point = [place(x, sub % SAMPLES), place(y, Math.floor(sub / SAMPLES))];
    if (isInk(point)) inked += 1;
  }
  return inked / (SAMPLES * SAMPLES);
}

function isInk(point: Point): boolean {
  if (LINES.some(([a, b]) => distance(point, a, b) <= STROKE / 2)) return true;
  return isInside(point, TAG) && Math.hypot(point[0] - HOLE[0], point[1] - HOLE[1]) > HOLE_RADIUS;
}

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

function isInside([x, y]: Point, corners: readonly Point[]): boolean {
  return corners.every(([ax, ay], i) => {
    const [bx, by] = corners[(i + 1) % corners.length]!;
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0;
  });
}

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
