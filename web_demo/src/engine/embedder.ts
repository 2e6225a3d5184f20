/** Crops in, unit vectors out; see `edge/embedder.py`. */
import { failure } from "../problem.ts";
import type { Picture, Region } from "../media/picture.ts";
import type { Output } from "./families/family.ts";
import { feed, levelValues, type Preprocessing } from "./preprocessing.ts";
import type { Model } from "./runtime.ts";

/** Centring, whitening and reduction after the model: `x @ matrix + bias`; matrix (raw * ndim) in C order. */
export interface Projection {
  readonly raw: number;
  readonly matrix: Float32Array;
  readonly bias: Float32Array;
}

/** An embedder that is ready to run; `embed` gives one vector of length 1 for each region. */
export interface Embedder {
  embed(picture: Picture, regions: readonly Region[]): Promise<Float32Array[]>;
}

/** How a model's output becomes the vector. */
export interface Reading {
  readonly output: string;
  readonly ndim: number;
  readonly pooling: "none" | "mean";
  readonly projection: Projection | null;
}

/** Lay preprocessing and projection around a loaded model. */
export function embedderOf(model: Model, rule: Preprocessing, reading: Reading): Embedder {
  const table = levelValues(rule);
  return {
    async embed(picture, regions) {
      const vectors: Float32Array[] = [];
      for (const region of regions) {
        const { tensor } = feed(rule, table, picture, region);
        const outputs = await model.run(tensor);
        vectors.push(vectorOf(outputs[reading.output], rule, reading));
      }
      return vectors;
    },
  };
}

function vectorOf(output: Output | undefined, rule: Preprocessing, reading: Reading): Float32Array {
  if (output === undefined) throw modelProblem(`has no output "${reading.output}"`);
  const raw = reading.pooling === "mean" ? pooled(output, rule) : output.data;
  const expected = reading.projection?.raw ?? reading.ndim;
  if (raw.length !== expected) throw modelProblem(`gave a vector of ${raw.length} numbers, expected ${expected}`);
  return normalized(reading.projection === null ? raw : projected(raw, reading.projection));
}

/** Average a feature map over rows and columns (its layout is that of the input), or tokens over the tokens. */
function pooled({ data, dims }: Output, rule: Preprocessing): Float32Array {
  const planar = dims.length === 4 && rule.layout === "NCHW";
  const depth = planar ? dims[1]! : dims[dims.length - 1]!;
  const places = data.length / depth;
  const mean = new Float64Array(depth);
  for (let i = 0; i < data.length; i++) {
    const channel = planar ? Math.floor(i / places) : i % depth;
    mean[channel] = mean[channel]! + data[i]!;
  }
  return Float32Array.from(mean, (sum) => sum / places);
}

function projected(raw: Float32Array, { matrix, bias }: Projection): Float32Array {
  return bias.map((start, column) => {
    let sum = start;
    for (let i = 0; i < raw.length; i++) sum += raw[i]! * matrix[i * bias.length + column]!;
    return sum;
  });
}

/** Scale a vector to length 1; one that is not finite or all zero is a problem. */
export function normalized(vector: Float32Array): Float32Array {
  const length = Math.fround(Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)));
  if (!Number.isFinite(length) || length <= 0) throw modelProblem("gave a vector that is not finite or is all zero");
  return vector.map((value) => value / length);
}

function modelProblem(what: string): Error {
  return failure("model_output", `The embedder ${what}: its bundle does not describe it rightly; publish it again.`, {
    what,
  });
}
