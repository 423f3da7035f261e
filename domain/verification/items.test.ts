import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../canonical-json.ts";
import { bodyOf, type CollectedItem, type CollectFault } from "../collection/items.ts";
import { portableSha256 } from "../hashing.ts";
import { type Comparator, parseComparator } from "./comparator.ts";
import { compareOutputs } from "./compare.ts";
import { pairDistance } from "./items.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const output = (...items: readonly unknown[]) => encode(canonicalJson({ version: 1, items }));
const words = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `w${index + from}`).join(" ");
const urlOf = (index: number) => `https://example.org/${index}`;

const fetched = (index: number, body: string | Uint8Array, more: object = {}): CollectedItem => {
  const bytes = typeof body === "string" ? encode(body) : body;
  return {
    outcome: "fetched",
    url: urlOf(index),
    finalUrl: urlOf(index),
    status: 200,
    mediaType: "text/html",
    size: bytes.length,
    bodyDigest: portableSha256(bytes),
    body: bodyOf(bytes),
    robots: "allowed",
    provenance: {
      fetchedAt: "2026-01-01T12:00:00.000Z",
      redirects: [],
      address: "93.184.216.34",
      source: "network",
      headersDigest: portableSha256(""),
      ageMs: 0,
    },
    ...more,
  };
};
const failed = (index: number, code: CollectFault, status?: number): CollectedItem => ({
  outcome: "failed",
  url: urlOf(index),
  code,
  ...(status === undefined ? {} : { status }),
  robots: "allowed",
  provenance: { fetchedAt: "2026-01-01T12:00:00.000Z", redirects: [] },
});

/** So many pages, of which the first ones are other pages at the second visit. */
const pages = (count: number, changed = 0) =>
  output(
    ...Array.from({ length: count }, (_, index) =>
      fetched(index, words(50, index < changed ? 9_000 : index)),
    ),
  );

/** Each pair stands just inside or just outside of what the comparator takes. */
const golden: readonly {
  readonly rule: string;
  readonly by?: Omit<Extract<Comparator, { kind: "items" }>, "kind">;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly agree: boolean;
  readonly reason: string;
}[] = [
  {
    rule: "two of twenty items may differ",
    a: pages(20),
    b: pages(20, 2),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "three of twenty may not",
    a: pages(20),
    b: pages(20, 3),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "one of nine may not",
    a: pages(9),
    b: pages(9, 1),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "one of ten may",
    a: pages(10),
    b: pages(10, 1),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "none may where the job says so",
    by: { maxDifferent: 0 },
    a: pages(20),
    b: pages(20, 1),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "one word of a hundred changes 2 of 101 pairs: within 0.02",
    a: output(fetched(0, words(100))),
    b: output(fetched(0, `${words(99)} token`)),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "one word of 98 changes 2 of 99 pairs: beyond 0.02",
    a: output(fetched(0, words(98))),
    b: output(fetched(0, `${words(97)} token`)),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "the same words in another order are another text",
    a: output(fetched(0, words(100))),
    b: output(fetched(0, words(100).split(" ").reverse().join(" "))),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "white space and Unicode forms do not count",
    by: { maxDistance: 0, maxDifferent: 0 },
    a: output(fetched(0, "caf\u00e9  au\n lait")),
    b: output(fetched(0, "cafe\u0301 au lait")),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "the order of JSON members does not count",
    by: { maxDistance: 0, maxDifferent: 0 },
    a: output(fetched(0, '{"a":1,"b":[2]}', { mediaType: "application/json" })),
    b: output(fetched(0, '{ "b": [2], "a": 1.0 }', { mediaType: "application/json" })),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "a JSON value does",
    by: { maxDistance: 0, maxDifferent: 0 },
    a: output(fetched(0, '{"a":1}', { mediaType: "application/json" })),
    b: output(fetched(0, '{"a":2}', { mediaType: "application/json" })),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "bytes that are no text are the same or not",
    by: { maxDistance: 0.5, maxDifferent: 0 },
    a: output(
      fetched(
        0,
        Uint8Array.from({ length: 900 }, () => 0xff),
      ),
    ),
    b: output(
      fetched(
        0,
        Uint8Array.from({ length: 900 }, (_, i) => (i === 5 ? 0xfe : 0xff)),
      ),
    ),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "provenance does not count",
    by: { maxDifferent: 0, maxDistance: 0 },
    a: output(fetched(0, "same")),
    b: output(fetched(0, "same", { provenance: { fetchedAt: "2026-01-02T00:00:00.000Z" } })),
    agree: true,
    reason: "items-match",
  },
  ...(["finalUrl", "mediaType"] as const).map((name) => ({
    rule: `another ${name} counts`,
    a: output(fetched(0, "same")),
    b: output(fetched(0, "same", { [name]: "other" })),
    agree: false,
    reason: "items-differ",
  })),
  {
    rule: "another status counts",
    a: output(fetched(0, "same")),
    b: output(fetched(0, "same", { status: 203 })),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "a host that was not reached was not reached, whatever came first",
    a: output(failed(0, "timed-out")),
    b: output(failed(0, "unreachable")),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "not found is not gone",
    a: output(failed(0, "bad-status", 404)),
    b: output(failed(0, "bad-status", 410)),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "disallowed is not too large",
    a: output(failed(0, "robots-disallowed")),
    b: output(failed(0, "too-large")),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "a page is not its absence",
    a: output(fetched(0, "here")),
    b: output(failed(0, "timed-out")),
    agree: false,
    reason: "items-differ",
  },
  {
    rule: "a duplicate has the body of the first",
    a: output(fetched(0, "same"), fetched(1, "same", { body: undefined, duplicateOf: urlOf(0) })),
    b: output(fetched(0, "same"), fetched(1, "same")),
    agree: true,
    reason: "items-match",
  },
  {
    rule: "other URLs are other collections",
    a: output(fetched(0, "same")),
    b: output(fetched(1, "same")),
    agree: false,
    reason: "names-differ",
  },
  {
    rule: "fewer items are another collection",
    a: pages(10),
    b: pages(9),
    agree: false,
    reason: "counts-differ",
  },
];

describe("two collections", () => {
  for (const { rule, by = {}, a, b, agree, reason } of golden)
    test(rule, () => {
      const comparator: Comparator = { kind: "items", ...by };
      const there = compareOutputs(comparator, a, b);
      assert.deepEqual({ agree: there.agree, reason: there.reason }, { agree, reason });
      assert.deepEqual(compareOutputs(comparator, b, a), there);
    });

  test("are at a distance that grows with what differs", () => {
    const apart = (a: Uint8Array, b: Uint8Array) =>
      compareOutputs({ kind: "items" }, a, b).distance;
    assert.equal(apart(pages(20), pages(20)), 0);
    assert.equal(apart(pages(20), pages(20, 2)), 0.1);
    assert.equal(apart(pages(2), pages(2, 2)), 1);
  });

  test("are read within a bound: beyond it a text is the same or not", () => {
    const long = words(130_000);
    assert.ok(long.length > 900_000 && long.length < 1_000_000);
    const of = (...texts: readonly string[]) =>
      output(...texts.map((text, index) => fetched(index, text)));
    const by: Comparator = { kind: "items", maxDifferent: 0 };
    const whole = compareOutputs(by, of(long, "a"), of(`${long} token`, "a"));
    assert.ok(whole.agree);
    const beyond = compareOutputs(by, of(long, long), of(`${long} token`, `${long} token`));
    assert.deepEqual([beyond.agree, beyond.distance > 0.5], [false, true]);
    assert.ok(compareOutputs(by, of(long, `${long} b`), of(long, `${long} b`)).agree);
  });

  test("agree with nothing when one is not what its digests say, or no collection", () => {
    const liars: readonly Uint8Array[] = [
      output(fetched(0, "page", { bodyDigest: portableSha256("other") })),
      output(fetched(0, "page", { size: 5 })),
      output(fetched(0, "page", { body: undefined })),
      output(fetched(0, "page", { body: { base64: "%" } })),
      output(fetched(0, "page", { body: undefined, duplicateOf: urlOf(0) })),
      output(fetched(0, "a"), fetched(1, "b", { body: undefined, duplicateOf: urlOf(0) })),
      output(failed(0, "bad-status"), fetched(1, "b", { body: undefined, duplicateOf: urlOf(0) })),
      output(fetched(0, "page", { outcome: "perhaps" })),
      output(fetched(0, "page", { status: "200" })),
      output(failed(0, "no-such-code" as CollectFault)),
      output(fetched(0, "a"), fetched(0, "a")),
      output(null),
      output(),
      pages(21),
      encode('{"version":2,"items":[]}'),
      encode("[]"),
      encode("page"),
      Uint8Array.of(0xff),
    ];
    for (const [index, liar] of liars.entries())
      for (const other of [liar, output(fetched(0, "page"))])
        assert.deepEqual(
          compareOutputs({ kind: "items" }, liar, other),
          { agree: false, distance: 1, reason: "unreadable" },
          `liar ${index}`,
        );
  });

  test("are compared by bounds that a job may name", () => {
    const of = (bounds: object) => parseComparator({ kind: "items", ...bounds });
    assert.ok(of({ maxDifferent: 0.5, maxDistance: 0.5 }).ok);
    assert.deepEqual(of({ maxDifferent: 0.51 }), { ok: false, reason: "accepts-everything" });
    assert.deepEqual(of({ maxDistance: 0.51 }), { ok: false, reason: "accepts-everything" });
    assert.deepEqual(of({ maxDifferent: -1 }), { ok: false, reason: "negative" });
    assert.deepEqual(of({ threshold: 0.5 }), { ok: false, reason: "unknown-field" });
  });
});

describe("the distance of two texts", () => {
  test("is 0 for the same words, 1 for no pair in common, and the same from both sides", () => {
    assert.equal(pairDistance("", ""), 0);
    assert.equal(pairDistance("", "a"), 1);
    assert.equal(pairDistance("a b", "b a"), 1);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const distance = pairDistance(a, b);
        assert.equal(distance, pairDistance(b, a));
        assert.ok(distance >= 0 && distance <= 1);
        assert.equal(pairDistance(a, a), 0);
      }),
    );
  });
});

describe("a body in an item", () => {
  test("comes back byte for byte, and is never longer than its base64", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.string().map(encode)), (bytes) => {
        const agreement = compareOutputs(
          { kind: "items", maxDifferent: 0, maxDistance: 0 },
          output(fetched(0, bytes)),
          output(fetched(0, bytes)),
        );
        assert.deepEqual(agreement, { agree: true, distance: 0, reason: "items-match" });
        const body = bodyOf(bytes);
        const length = "text" in body ? JSON.stringify(body.text).length - 2 : body.base64.length;
        assert.ok(length <= 4 * Math.ceil(bytes.length / 3));
      }),
    );
  });
});
