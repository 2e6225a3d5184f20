/** What is told from a file's first bytes, before anything is decoded. */
import { describe, expect, test } from "vitest";
import { readBundle } from "../src/engine/bundle.ts";
import { declaredSize, pictureFormat, unreadPictureFormat } from "../src/media/headers.ts";
import { unreferencedIn } from "../src/media/unreferenced.ts";
import { readFileSync } from "node:fs";

const bytes = (...parts: (string | number[])[]) => {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)));
};
const PNG = bytes([0x89], "PNG\r\n", [0x1a, 0x0a], [0, 0, 0, 13], "IHDR", [0, 0, 0x27, 0x10], [0, 0, 0x27, 0x10]);
const GIF = bytes("GIF89a", [0x40, 1, 0xf0, 0]);
const BMP = bytes("BM", Array(16).fill(0), [0x80, 2, 0, 0], [0x98, 0xfe, 0xff, 0xff]);
const JPEG = bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11, 8, 1, 0x68, 2, 0x80, 3]);
const VP8X = bytes("RIFF....WEBPVP8X........", [0x7f, 2, 0], [0x67, 1, 0]);
const VP8L = bytes("RIFF....WEBPVP8L....", [0x2f], [0x7f, 0xc2, 0x59, 0]);

describe("pictures", () => {
  test.each([
    ["PNG", PNG, [10_000, 10_000]],
    ["GIF", GIF, [320, 240]],
    ["BMP", BMP, [640, 360]],
    ["JPEG", JPEG, [640, 360]],
    ["WEBP", VP8X, [640, 360]],
    ["WEBP", VP8L, [640, 360]],
  ] as const)("%s", async (format, file, size) => {
    expect(pictureFormat(file)).toBe(format);
    expect(await declaredSize(new Blob([file]), format)).toEqual(size);
  });

  test.each([["PNG", PNG], ["JPEG", JPEG], ["WEBP", VP8X]] as const)("%s cut in its header", async (format, file) => {
    expect(await declaredSize(new Blob([file.slice(0, 14)]), format)).toBeNull();
  });

  test("nothing is no picture", () => {
    expect(pictureFormat(new Uint8Array(0))).toBeNull();
    expect(unreadPictureFormat(new Uint8Array(0))).toBeNull();
  });

  test("what people have but is not read is named", () => {
    expect(unreadPictureFormat(bytes("....ftypheic"))).toBe("HEIC or AVIF");
    expect(unreadPictureFormat(bytes("II*\0"))).toBe("TIFF");
    expect(unreadPictureFormat(bytes("  <svg xmlns"))).toBe("SVG");
  });
});

describe("frames that nothing builds on", () => {
  const avc = { codec: "avc1.64001e", description: Uint8Array.of(1, 100, 0, 30, 0xff) };
  const unit = (header: number) => [0, 0, 0, 2, header, 0];

  test("are told by the first slice", () => {
    const isLeftOut = unreferencedIn(avc)!;
    expect(isLeftOut(bytes(unit(0x06), unit(0x01)))).toBe(true); // a remark, then a slice without references
    expect(isLeftOut(bytes(unit(0x41)))).toBe(false);
    expect(isLeftOut(bytes(unit(0x65)))).toBe(false);
    expect(isLeftOut(new Uint8Array(0))).toBe(false);
  });

  test("are told in streams with start codes", () => {
    const isLeftOut = unreferencedIn({ codec: "avc1.64001e" })!;
    expect(isLeftOut(bytes([0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x01, 9]))).toBe(true);
    expect(isLeftOut(bytes([0, 0, 0, 1, 0x65, 9]))).toBe(false);
  });

  test("are not told in other codecs", () => expect(unreferencedIn({ codec: "vp09.00.10.08" })).toBeNull());
});

describe("bundle.json", () => {
  const packaged = () => JSON.parse(readFileSync(new URL("../../edge/data/bundle/bundle.json", import.meta.url), "utf8"));
  const read = (change: (value: Record<string, any>) => void) => () => {
    const value = packaged();
    change(value);
    return readBundle(value, "/bundle/", "0");
  };

  test("the packaged one is read", () => {
    const { name, detector, embedder, matching } = read(() => {})();
    expect([name, detector.decoding.family, detector.preprocessing.size_wh]).toEqual(["taglet", "fcos", [288, 288]]);
    expect([embedder.ndim, embedder.crop_margin, matching.similarity_threshold]).toEqual([128, 0.05, 0.74]);
  });

  test.each([
    ["an unknown family", (v: any) => (v.detector.decoding.family = "yolo99"), /family yolo99, which browsers do not read/],
    ["another schema", (v: any) => (v.schema = 2), /schema is 2/],
    ["a path as a name", (v: any) => (v.detector.model.file = "../x.onnx"), /no plain name/],
    ["a wrong number", (v: any) => (v.embedder.ndim = "128"), /ndim/],
    ["a missing part", (v: any) => delete v.matching, /matching is no object/],
  ])("%s is refused", (_, change, said) => expect(read(change)).toThrow(said));
});
