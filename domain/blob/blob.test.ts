import { describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import { type BlobEvent, blob } from "./blob.ts";

const { decider, refusals } = noting(blob);
const aBlob = given(decider);

const digest = "ab".repeat(32);
const actor = "service:gateway";
const kind = { digest, size: 3, mediaType: "text/plain" };

const store = (minutes: number | null, change: { place?: string; size?: number } = {}) => {
  const expiresAt = minutes === null ? null : at(minutes);
  return {
    type: "StoreBlob",
    ...kind,
    place: "gateway-1",
    expiresAt,
    actor,
    now: noon,
    ...change,
  } as const;
};
const stored = (minutes: number | null, place = "gateway-1"): BlobEvent => {
  const expiresAt = minutes === null ? null : at(minutes);
  return { type: "BlobStored", ...kind, place, expiresAt, at: noon };
};
const expire = (minutes: number, place = "gateway-1") =>
  ({ type: "ExpireBlob", digest, place, actor, now: at(minutes) }) as const;
const expired = (minutes: number, place = "gateway-1"): BlobEvent => ({
  type: "BlobExpired",
  digest,
  place,
  at: at(minutes),
});

describe("a blob", () => {
  test("is kept an eighth longer than was asked for", () =>
    aBlob().when(store(80)).thenRecords(stored(90)));

  test("is kept for good when nobody sets it an end", () => {
    aBlob().when(store(null)).thenRecords(stored(null));
    aBlob(stored(null)).when(store(80)).thenNothing();
    aBlob(stored(null)).when(expire(90)).thenRefuses("StillWanted");
  });

  test("costs no event when the copy that is there lives long enough", () => {
    aBlob(stored(90)).when(store(40)).thenNothing();
    aBlob(stored(90)).when(store(90)).thenNothing();
  });

  test("lives longer when it is stored again for longer, by however little", () => {
    aBlob(stored(90))
      .when({ ...store(90), expiresAt: at(90) + 1 })
      .thenRecords({ ...stored(90), expiresAt: at(90) + 1 + 675_001 } as BlobEvent);
    aBlob(stored(90)).when(store(null)).thenRecords(stored(null));
  });

  test("has a copy in each place, with an end of its own", () => {
    aBlob(stored(90))
      .when(store(160, { place: "gateway-2" }))
      .thenRecords(stored(180, "gateway-2"));
    aBlob(stored(90), stored(180, "gateway-2")).when(expire(90)).thenRecords(expired(90));
    aBlob(stored(90), stored(180, "gateway-2"))
      .when(expire(179, "gateway-2"))
      .thenRefuses("StillWanted");
  });

  test("may be kept in a place with any name", () =>
    aBlob()
      .when(store(80, { place: "constructor" }))
      .thenRecords(stored(90, "constructor")));

  test("is one content of one size", () =>
    aBlob(stored(90))
      .when(store(80, { size: 4 }))
      .thenRefuses("SizeDiffers"));

  test("is dropped at its end and not before", () => {
    aBlob(stored(90))
      .when({ ...expire(90), now: at(90) - 1 })
      .thenRefuses("StillWanted");
    aBlob(stored(90)).when(expire(90)).thenRecords(expired(90));
  });

  test("can be stored again after it was dropped", () =>
    aBlob(stored(90), expired(90)).when(store(160)).thenRecords(stored(180)));

  test("that was never stored cannot be dropped", () =>
    aBlob().when(expire(90)).thenRefuses("NotStoredThere"));
});

test("each refusal of a blob has been shown", () =>
  assertEachRefusalShown(refusals, { SizeDiffers: true, StillWanted: true, NotStoredThere: true }));
