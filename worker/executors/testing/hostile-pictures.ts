/** Pictures that mean harm, or are broken, with what may become of each. */

import { crc32, deflateSync, gzipSync } from "node:zlib";
import sharp from "sharp";
import type { AppErrorCode } from "../../executor.ts";

/** What a picture may try to reach, to be seen by a test. */
export interface Canary {
  readonly file: string;
  readonly url: string;
}

export interface HostilePicture {
  readonly name: string;
  readonly picture: (canary: Canary) => Promise<Uint8Array> | Uint8Array;
  readonly becomes: readonly (AppErrorCode | "out-of-memory" | "an output")[];
}

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const big = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const little = (value: number, size: number): Uint8Array => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
};
const chunk = (type: string, data: Uint8Array, length = data.length): Uint8Array => {
  const body = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([big(length), body, big(crc32(body))]);
};
const header = (width: number, height: number): Uint8Array =>
  chunk("IHDR", Buffer.concat([big(width), big(height), Uint8Array.of(8, 2, 0, 0, 0)]));
const pngOf = (...chunks: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([png, ...chunks, chunk("IEND", new Uint8Array(0))]);
const zeros = (bytes: number): Uint8Array => deflateSync(new Uint8Array(bytes), { level: 9 });

const real = (format: "png" | "jpeg" | "webp"): Promise<Uint8Array> =>
  sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    [format]()
    .toBuffer();
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const svg = (inner: string, head = ""): Uint8Array =>
  ascii(
    `<?xml version="1.0"?>${head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">${inner}</svg>`,
  );

/** The size in a JPEG's frame header becomes the largest that there is. */
const widened = async (): Promise<Uint8Array> => {
  const bytes = Buffer.from(await real("jpeg"));
  const frame = bytes.indexOf(Uint8Array.of(0xff, 0xc0));
  bytes.writeUInt16BE(65_500, frame + 5);
  bytes.writeUInt16BE(65_500, frame + 7);
  return bytes;
};

export const hostilePictures: readonly HostilePicture[] = [
  { name: "nothing", picture: () => new Uint8Array(0), becomes: ["bad-image"] },
  {
    name: "a PNG of 2^31 by 2^31",
    picture: () => pngOf(header(2 ** 31 - 1, 2 ** 31 - 1), chunk("IDAT", zeros(1_000))),
    becomes: ["bad-image", "image-too-large"],
  },
  {
    name: "a PNG of 60,000 by 60,000",
    picture: () => pngOf(header(60_000, 60_000), chunk("IDAT", zeros(10_000_000))),
    becomes: ["image-too-large"],
  },
  {
    name: "a PNG of 40 million pixels in 40 KB",
    picture: () => pngOf(header(6_300, 6_300), chunk("IDAT", zeros(6_300 * (6_300 * 3 + 1)))),
    becomes: ["an output", "out-of-memory"],
  },
  {
    name: "a PNG whose text is 100 MB unpacked",
    picture: () =>
      pngOf(
        header(1, 1),
        chunk("zTXt", Buffer.concat([ascii("a\0\0"), zeros(100_000_000)])),
        chunk("IDAT", zeros(4)),
      ),
    becomes: ["bad-image", "an output", "out-of-memory"],
  },
  {
    name: "a PNG whose colour profile is 100 MB unpacked",
    picture: () =>
      pngOf(
        header(1, 1),
        chunk("iCCP", Buffer.concat([ascii("a\0\0"), zeros(100_000_000)])),
        chunk("IDAT", zeros(4)),
      ),
    becomes: ["bad-image", "an output", "out-of-memory"],
  },
  {
    name: "a PNG with a chunk of 4 GiB",
    picture: () => pngOf(header(1, 1), chunk("IDAT", zeros(4), 2 ** 32 - 1)),
    becomes: ["bad-image"],
  },
  {
    name: "a PNG with 100,000 empty chunks",
    picture: () =>
      pngOf(
        header(1, 1),
        Buffer.concat(Array(100_000).fill(chunk("tEXt", ascii("a\0")))),
        chunk("IDAT", zeros(4)),
      ),
    becomes: ["bad-image", "an output"],
  },
  {
    name: "a JPEG of 65,500 by 65,500",
    picture: widened,
    becomes: ["image-too-large", "bad-image"],
  },
  {
    name: "half a JPEG",
    picture: async () => (await real("jpeg")).slice(0, 200),
    becomes: ["bad-image"],
  },
  {
    name: "a JPEG without an end",
    picture: () => Buffer.concat([Uint8Array.of(0xff, 0xd8), Buffer.alloc(1_000_000, 0xff)]),
    becomes: ["bad-image"],
  },
  {
    name: "a WebP of 16,383 by 16,383",
    picture: () =>
      Buffer.concat([
        ascii("RIFF"),
        little(30, 4),
        ascii("WEBPVP8X"),
        little(10, 4),
        little(0, 4),
        little(16_382, 3),
        little(16_382, 3),
      ]),
    becomes: ["bad-image", "image-too-large"],
  },
  {
    name: "half a WebP",
    picture: async () => (await real("webp")).slice(0, 40),
    becomes: ["bad-image"],
  },
  {
    name: "an SVG that names a file",
    picture: ({ file }) => svg(`<image xlink:href="file://${file}" width="9" height="9"/>`),
    becomes: ["bad-image"],
  },
  {
    name: "an SVG that names an address",
    picture: ({ url }) => svg(`<image xlink:href="${url}" width="9" height="9"/>`),
    becomes: ["bad-image"],
  },
  {
    name: "an SVG with an entity from a file",
    picture: ({ file }) =>
      svg("<text>&x;</text>", `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://${file}">]>`),
    becomes: ["bad-image"],
  },
  {
    name: "an SVG of a thousand million laughs",
    picture: () => {
      const entities = Array.from(
        { length: 10 },
        (_, at) => `<!ENTITY a${at + 1} "${`&a${at};`.repeat(10)}">`,
      );
      return svg("&a10;", `<!DOCTYPE svg [<!ENTITY a0 "ha">${entities.join("")}]>`);
    },
    becomes: ["bad-image"],
  },
  {
    name: "an SVG behind the start of a PNG",
    picture: ({ url }) => Buffer.concat([png, svg(`<image xlink:href="${url}"/>`)]),
    becomes: ["bad-image"],
  },
  {
    name: "a gzipped SVG",
    picture: ({ url }) => gzipSync(svg(`<image xlink:href="${url}"/>`)),
    becomes: ["bad-image"],
  },
  {
    name: "a TIFF of 2^32 by 2^32",
    picture: () =>
      Buffer.concat([
        ascii("II*\0"),
        little(8, 4),
        little(2, 2),
        ...[256, 257].flatMap((tag) => [
          little(tag, 2),
          little(4, 2),
          little(1, 4),
          little(2 ** 32 - 1, 4),
        ]),
        little(0, 4),
      ]),
    becomes: ["bad-image"],
  },
  {
    name: "a PDF",
    picture: () => ascii("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"),
    becomes: ["bad-image"],
  },
  {
    name: "a GIF of 65,535 by 65,535",
    picture: () =>
      Buffer.concat([ascii("GIF89a"), little(65_535, 2), little(65_535, 2), Buffer.alloc(20)]),
    becomes: ["bad-image"],
  },
  {
    name: "a script for ImageMagick",
    picture: ({ url }) =>
      ascii(`push graphic-context\nfill 'url(${url}|ls "-la)'\npop graphic-context\n`),
    becomes: ["bad-image"],
  },
];
