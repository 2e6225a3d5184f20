/** What every step makes of a picture, as an entry of golden.json (docs/formats/golden.md), given the golden boxes. */
import { loadBundle, fetchFile } from "../../src/engine/bundle.ts";
import { choose, startRuntime } from "../../src/engine/capabilities.ts";
import { cutCrops } from "../../src/engine/crops.ts";
import { detectorOf } from "../../src/engine/detector.ts";
import { embedderOf } from "../../src/engine/embedder.ts";
import { galleryOf, quantize } from "../../src/engine/gallery.ts";
import { row } from "../../src/engine/geometry.ts";
import { feed, levelValues, tensorShape } from "../../src/engine/preprocessing.ts";
import type { Catalog } from "../../src/contract.ts";
import { sha256 } from "../../src/media/content_id.ts";
import { openSource } from "../../src/media/open.ts";
import { type Picture, whole } from "../../src/media/picture.ts";

async function pixelsSha256({ rgba }: Picture): Promise<string> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0; i < rgba.length / 4; i++) rgb.set(rgba.subarray(i * 4, i * 4 + 3), i * 3);
  return sha256(rgb);
}

async function summary(tensor: Float32Array<ArrayBuffer>, samples: number, step: number) {
  const places = Array.from({ length: samples }, (_, i) => i * step);
  return { sha256: await sha256(tensor), samples: places.map((place) => tensor[place]) };
}

/** Return detections, and for each of the given boxes (n, 4) crop, input hash, embedding and nearest products. */
export async function observe(bundle_url: string, catalog: Catalog, file: File, boxes: number[][]) {
  const bundle = await loadBundle(new URL(bundle_url, document.baseURI).href);
  const { detector, embedder } = bundle;
  const ignored = () => {};
  const choice = await choose(
    await startRuntime(),
    { bytes: await fetchFile(bundle, detector.model, ignored), shape: tensorShape(detector.preprocessing) },
    { bytes: await fetchFile(bundle, embedder.model, ignored), shape: tensorShape(embedder.preprocessing) },
    { fast_enough_ms: Infinity, patience_ms: 0 },
  );
  const source = await openSource(file);
  if (source.kind !== "image") throw new Error("not a picture");
  const { picture } = source;
  const input = feed(detector.preprocessing, levelValues(detector.preprocessing), picture, whole(picture)).tensor;
  const found = await detectorOf(choice.detector, detector.preprocessing, detector.decoding).detect(picture);
  const regions = cutCrops(picture, Float32Array.from(boxes.flat()), embedder.crop_margin);
  const embeds = embedderOf(choice.embedder, embedder.preprocessing, { ...embedder, projection: null });
  const gallery = galleryOf([catalog], bundle.space_id, embedder.ndim);
  const table = levelValues(embedder.preprocessing);
  const vectors = await embeds.embed(picture, regions);
  return {
    pixels_sha256: await pixelsSha256(picture),
    input: await summary(input as Float32Array<ArrayBuffer>, 1, 1),
    detections: [...found.confidence].map((confidence, i) => ({ xyxy: row(found.xyxy, i), confidence })),
    crops: await Promise.all(
      regions.map(async (region, i) => ({
        resolution_wh: [region.width, region.height],
        input: await summary(feed(embedder.preprocessing, table, picture, region).tensor as Float32Array<ArrayBuffer>, 1, 1),
        embedding: [...vectors[i]!],
        top: gallery.search(quantize(vectors[i]!), 5).map(({ product_id, similarity }) => ({ product_id, similarity })),
      })),
    ),
  };
}
