/** One model of the engine's, fed with one picture again and again: what tests/bench/bench_web_pipelines.py times. */
import { embedderOf } from "../../src/engine/embedder.ts";
import { type Preprocessing, tensorShape } from "../../src/engine/preprocessing.ts";
import { wasmRuntime } from "../../src/engine/runtime.ts";
import { type Picture, whole } from "../../src/media/picture.ts";

interface Asked {
  model: string;
  rule: Preprocessing;
  output: string;
  ndim: number;
  picture: string;
}

async function pictureOf(url: string): Promise<Picture> {
  const bitmap = await createImageBitmap(await (await fetch(url)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { width: bitmap.width, height: bitmap.height, rgba: data };
}

/** Load everything; return the first vector and how to make it again. */
async function begin({ model, rule, output, ndim, picture }: Asked) {
  const [file, image] = await Promise.all([fetch(model), pictureOf(picture)]);
  const loaded = await wasmRuntime(1).load(new Uint8Array(await file.arrayBuffer()), tensorShape(rule));
  const embedder = embedderOf(loaded, rule, { output, ndim, pooling: "none", projection: null });
  return async () => [...(await embedder.embed(image, [whole(image)]))[0]!];
}

Object.assign(globalThis, { begin });
