import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { refusedAs } from "../../testing/fixtures/execute.ts";
import { decodePicture, type Picture, resample } from "./image.ts";

const red = { r: 255, g: 0, b: 0 };
const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: red } });

describe("a picture", () => {
  test("is read as the same pixels from PNG, JPEG and WebP", async () => {
    for (const image of [
      await plain(3, 2).png().toBuffer(),
      await plain(3, 2).webp({ lossless: true }).toBuffer(),
      await plain(3, 2).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
    ]) {
      const { width, height, rgb } = await decodePicture(image);
      assert.deepEqual([width, height, rgb.length], [3, 2, 18]);
      assert.ok((rgb[0] ?? 0) >= 254 && (rgb[1] ?? 9) <= 1 && (rgb[2] ?? 9) <= 1, String(rgb));
    }
  });

  test("has three channels also where it was grey, and white where it was transparent", async () => {
    const grey = await plain(2, 2).greyscale().png().toBuffer();
    const { rgb } = await decodePicture(grey);
    assert.equal(rgb.length, 12);
    assert.equal(new Set(rgb).size, 1);
    const clear = { r: 9, g: 9, b: 9, alpha: 0 };
    const glass = sharp({ create: { width: 1, height: 1, channels: 4, background: clear } });
    assert.deepEqual([...(await decodePicture(await glass.png().toBuffer())).rgb], [255, 255, 255]);
  });

  test("is turned upright", async () => {
    const turned = await plain(4, 2).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { width, height } = await decodePicture(turned);
    assert.deepEqual([width, height], [2, 4]);
  });

  test("is no SVG, nothing empty and nothing cut off", async () => {
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9"/>');
    await refusedAs(decodePicture(svg), "bad-image", /neither a PNG nor/);
    await refusedAs(decodePicture(new Uint8Array(0)), "bad-image", /neither a PNG nor/);
    const png = await plain(64, 64).png({ compressionLevel: 0 }).toBuffer();
    await refusedAs(decodePicture(png.subarray(0, 20)), "bad-image", /PNG but cannot be decoded/);
    await refusedAs(decodePicture(png.subarray(0, 900)), "bad-image", /PNG but cannot be decoded/);
    const jpeg = await plain(64, 64).jpeg().toBuffer();
    await refusedAs(
      decodePicture(jpeg.subarray(0, 200)),
      "bad-image",
      /JPEG but cannot be decoded/,
    );
  });

  test("of more than 40 million pixels is refused by its header alone", async () => {
    await refusedAs(
      decodePicture(pngOf(8_000, 5_001)),
      "image-too-large",
      /8000 x 5001 pixels, more than 40000000/,
    );
    // One row less is not too large: only its pixels are missing.
    await refusedAs(decodePicture(pngOf(8_000, 5_000)), "bad-image", /cannot be decoded/);
  });
});

/** A PNG that says it has this size, with the pixels of one row. */
const pngOf = (width: number, height: number): Uint8Array => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(crc32(body), body.length + 4);
    return frame;
  };
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const pixels = chunk("IDAT", deflateSync(Buffer.alloc(width + 1)));
  return Buffer.concat([signature, chunk("IHDR", header), pixels, chunk("IEND", Buffer.alloc(0))]);
};

describe("resampling", () => {
  const picture: Picture = {
    width: 2,
    height: 1,
    rgb: Uint8Array.of(0, 0, 0, 200, 100, 50),
  };
  const whole = { x: 0, y: 0, width: 2, height: 1 };
  const reds = (pixels: Float32Array) => [...pixels].filter((_, i) => i % 3 === 0);

  test("at the same size changes nothing", () =>
    assert.deepEqual([...resample(picture, whole, picture)], [...picture.rgb]));

  test("blends neighbours when it grows", () =>
    assert.deepEqual(reds(resample(picture, whole, { width: 4, height: 1 })), [0, 50, 150, 200]));

  test("averages when it shrinks", () =>
    assert.deepEqual(reds(resample(picture, whole, { width: 1, height: 1 })), [100]));

  test("repeats the border beyond the edge", () => {
    const beyond = { x: -2, y: 0, width: 6, height: 1 };
    assert.deepEqual(
      reds(resample(picture, beyond, { width: 6, height: 1 })),
      [0, 0, 0, 200, 200, 200],
    );
  });
});
