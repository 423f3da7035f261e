import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  openParcel,
  packParcel,
  parcelBlobBytesMax,
  parcelBlobsMax,
  parcelBytesMax,
} from "./parcel.ts";

const blobs = fc.array(
  fc.record(
    {
      bytes: fc.uint8Array({ maxLength: 300 }),
      mediaType: fc.constantFrom("", "image/png", `a/${"b".repeat(253)}`),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 20 },
);

test("what is packed is found again", () => {
  fc.assert(
    fc.property(blobs, (given) => {
      assert.deepEqual(openParcel(packParcel(given)), given);
    }),
  );
});

test("a parcel that is cut anywhere holds less, or is none", () => {
  fc.assert(
    fc.property(blobs, fc.nat(), (given, at) => {
      const whole = packParcel(given);
      const cut = openParcel(whole.subarray(0, at % whole.length));
      if (cut !== undefined) assert.deepEqual(cut, given.slice(0, cut.length));
      assert.notEqual(cut?.length, given.length);
    }),
  );
});

test("any bytes are read without an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const found = openParcel(bytes);
      if (found !== undefined) assert.deepEqual(packParcel(found), bytes);
    }),
  );
});

test("a parcel has its limits", () => {
  const most = { bytes: new Uint8Array(parcelBlobBytesMax), mediaType: "a".repeat(255) };
  const full = Array.from({ length: parcelBlobsMax }, () => most);
  const packed = packParcel(full);
  assert.equal(packed.length, parcelBytesMax);
  assert.equal(openParcel(packed)?.length, parcelBlobsMax);
  const more = new Uint8Array(packed.length + 5);
  more.set(packed);
  assert.equal(openParcel(more), undefined, "one blob more");
  const large = { bytes: new Uint8Array(parcelBlobBytesMax + 1), mediaType: "" };
  assert.throws(() => packParcel([...full, most]), /1 to 256 blobs, not 257/);
  assert.throws(() => packParcel([]), RangeError);
  assert.throws(() => packParcel([most, large]), /blob 1 is too large/);
  assert.throws(() => packParcel([{ ...most, mediaType: "a".repeat(256) }]), RangeError);
  assert.equal(openParcel(Uint8Array.of(0, 0, 0, 0x40, 1)), undefined, "a size above the limit");
});
