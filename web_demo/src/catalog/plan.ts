/** The cheapest way from what is here to what should be: nothing, deltas, or all parts (`edge.sync.plan`). */
import { sha256, utf8 } from "./bytes.ts";
import { Malformed } from "./content.ts";
import type { DeltaFile, Generation, Part, Release } from "./published_index.ts";

/** What asking for one more file costs on the line. */
const REQUEST_BYTES = 400;

export interface Plan {
  way: "none" | "delta" | "full";
  release: Release;
  deltas: DeltaFile[];
  parts: Part[];
}

/** Return the newest release that this device takes: staged ones reach a share of the devices first. */
export async function releaseFor(generation: Generation, device_id: string, catalog: string): Promise<Release> {
  for (const release of generation.releases) {
    if ((await place(device_id, catalog, release.version)) < release.share) return release;
  }
  return generation.releases.at(-1)!;
}

/** Return where a device stands in a staged roll-out, 0 to below 1 (docs/formats/index.md). */
export async function place(device_id: string, catalog: string, version: number): Promise<number> {
  const digest = await sha256(utf8(`${device_id}\n${catalog}\n${version}`));
  return parseInt(digest.slice(0, 12), 16) / 2 ** 48;
}

/** Choose the files that lead from what is installed to a release; `Malformed` where none do. */
export function planUpdate(
  generation: Generation,
  release: Release,
  installed: string | null,
  withoutDeltas = false,
): Plan {
  const nothing: Plan = { way: "none", release, deltas: [], parts: [] };
  if (installed === release.sha256) return nothing;
  const chain = withoutDeltas || installed === null ? null : cheapest(generation, installed, release.sha256);
  const full = costOf(release.parts.map((part) => part.file.bytes));
  const whole = release.parts.length > 0 || release.products === 0;
  if (chain && (!whole || costOf(chain.map((delta) => delta.file.bytes)) < full))
    return { ...nothing, way: "delta", deltas: chain };
  if (!whole) throw new Malformed(`nothing leads to version ${release.version}`);
  return { ...nothing, way: "full", parts: release.parts };
}

function costOf(bytes: number[]): number {
  return bytes.reduce((sum, length) => sum + length + REQUEST_BYTES, 0);
}

/** Return the chain of deltas with the fewest bytes (Dijkstra, Numer. Math. 1, 1959); there are a few dozen at most. */
function cheapest(generation: Generation, start: string, goal: string): DeltaFile[] | null {
  const open = new Map<string, { cost: number; way: DeltaFile[] }>([[start, { cost: 0, way: [] }]]);
  const done = new Set<string>();
  while (open.size) {
    const [at, { cost, way }] = [...open].reduce((best, one) => (one[1].cost < best[1].cost ? one : best));
    if (at === goal) return way;
    open.delete(at);
    done.add(at);
    for (const delta of generation.deltas.filter((one) => one.base === at && !done.has(one.target))) {
      const step = cost + delta.file.bytes + REQUEST_BYTES;
      if (step < (open.get(delta.target)?.cost ?? Infinity))
        open.set(delta.target, { cost: step, way: [...way, delta] });
    }
  }
  return null;
}
