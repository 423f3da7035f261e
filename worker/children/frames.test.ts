import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "../executor.ts";
import { type Frame, FrameError, frameReader, writeFrame } from "./frames.ts";
import { answerIn, requestFrame, requestIn } from "./messages.ts";

const limits = { headerBytesMax: 1_000, partsMax: 3, partBytesMax: 100 };

const bytesOf = (...frames: readonly Frame[]): Buffer => {
  const chunks: Uint8Array[] = [];
  const write = (chunk: Uint8Array | string) => chunks.push(Buffer.from(chunk)) > 0;
  for (const frame of frames) writeFrame({ cork: () => {}, uncork: () => {}, write }, frame);
  return Buffer.concat(chunks);
};

const framesIn = (chunks: readonly Uint8Array[]): readonly Frame[] => {
  const frames: Frame[] = [];
  const read = frameReader(limits, (frame) => frames.push(frame));
  for (const chunk of chunks) read(chunk);
  return frames;
};

const refused = (bytes: Uint8Array, reason: FrameError["reason"]) =>
  assert.throws(
    () => framesIn([bytes]),
    (error) => error instanceof FrameError && error.reason === reason,
  );

const head = (...numbers: readonly number[]) => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
};

describe("frames", () => {
  test("arrive whole, however the pipe cuts them", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            header: fc.dictionary(fc.string({ maxLength: 5 }), fc.integer(), { maxKeys: 3 }),
            parts: fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 3 }),
          }),
          { maxLength: 4 },
        ),
        fc.array(fc.nat(200), { maxLength: 8 }),
        (frames, cuts) => {
          const bytes = bytesOf(...frames);
          const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
          const chunks = places.map((from, index) => bytes.subarray(from, places[index + 1]));
          const said = frames.map(({ header, parts }) => ({
            header: JSON.parse(JSON.stringify(header)) as unknown,
            parts,
          }));
          assert.deepEqual(framesIn(chunks), said);
        },
      ),
      { numRuns: 200 },
    ));

  test("are refused from their lengths alone, before any byte of them is kept", () => {
    refused(head(1_001, 0), "malformed");
    refused(head(1, 0), "malformed");
    refused(head(10, 4), "malformed");
    refused(head(10, 2, 50, 51), "too-large");
    assert.deepEqual(framesIn([head(1_000, 0)]), []);
    assert.deepEqual(framesIn([head(10, 2, 50, 50)]), []);
  });

  test("are refused when the header is not JSON", () => {
    refused(Buffer.concat([head(3, 0), Buffer.from("{a}")]), "malformed");
    refused(Buffer.concat([head(2, 0), Buffer.of(0xff, 0xfe)]), "malformed");
  });
});

describe("messages", () => {
  test("carry a request with any input name", () => {
    const inputs = Object.fromEntries([
      ["__proto__", Uint8Array.of(1)],
      ["image", new Uint8Array(0)],
    ]);
    const request = { app: "ocr", params: { minConfidence: 0.5 }, inputs };
    const read = requestIn(framesIn([bytesOf(requestFrame(request))])[0]!);
    assert.deepEqual(read, request);
    assert.deepEqual(Object.keys(read.inputs), ["__proto__", "image"]);
  });

  test("from a child are believed only in their exact form", () => {
    const good: readonly Frame[] = [
      { header: { type: "opened", offers: [{ apps: ["ocr"], executionClass: "a@1" }] }, parts: [] },
      { header: { type: "refused", code: "bad-image", message: "m", residentBytes: 1 }, parts: [] },
      { header: { type: "done", mediaType: "a/b", residentBytes: 1 }, parts: [Uint8Array.of(1)] },
    ];
    for (const frame of good) assert.ok(answerIn(frame));
    const bad: readonly unknown[] = [
      null,
      7,
      { type: "opened", offers: [{ apps: [1], executionClass: "a@1" }] },
      { type: "opened", offers: [null] },
      { type: "refused", code: "toString", message: "m", residentBytes: 1 },
      { type: "refused", code: "bad-image", message: "m", residentBytes: -1 },
      { type: "done", mediaType: "a/b", residentBytes: 1 },
      { type: "constructor" },
    ];
    for (const header of bad)
      assert.throws(() => answerIn({ header, parts: [] }), FrameError, JSON.stringify(header));
    assert.ok(!(new FrameError("malformed", "m") instanceof AppError));
  });
});
