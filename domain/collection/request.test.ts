import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ageMsIn, forbidsKeeping, isFresh, isStale, retryAfterMs } from "./freshness.ts";
import { accepts, mediaTypeIn } from "./media-types.ts";
import { bodyBytesDefault, readRequest } from "./request.ts";

describe("what a job asks a collector for", () => {
  test("has defaults for all but the URLs", () => {
    const read = readRequest({ urls: ["http://example.org"] });
    assert.ok(read.ok);
    assert.equal(read.request.urls[0]?.href, "http://example.org/");
    assert.equal(read.request.bodyBytesMax, bodyBytesDefault);
    assert.deepEqual(read.request.accept, ["text/html", "text/plain", "application/json"]);
    assert.equal(read.request.freshnessMs, undefined);
  });

  test("is refused where it says what it cannot", () => {
    const urls = ["http://example.org/"];
    const bad: readonly [Record<string, unknown>, string, RegExp][] = [
      [{}, "bad-params", /1 to 20/],
      [{ urls: "http://example.org/" }, "bad-params", /1 to 20/],
      [{ urls: [] }, "bad-params", /1 to 20/],
      [{ urls: [7] }, "bad-params", /1 to 20/],
      [
        { urls: Array.from({ length: 21 }, (_, i) => `http://example.org/${i}`) },
        "bad-params",
        /20/,
      ],
      [{ urls: [...urls, "HTTP://example.org:80/#a"] }, "bad-params", /urls\[1\] is named twice/],
      [{ urls: [...urls, "file:///etc/passwd"] }, "bad-url", /urls\[1\] is refused: scheme/],
      [{ urls, maxBytes: 0 }, "bad-params", /maxBytes/],
      [{ urls, maxBytes: 2 ** 21 + 1 }, "bad-params", /maxBytes/],
      [{ urls, maxBytes: 1.5 }, "bad-params", /maxBytes/],
      [{ urls, accept: [] }, "bad-params", /accept/],
      [{ urls, accept: ["*/*"] }, "bad-params", /accept/],
      [{ urls, accept: ["text/html\r\nCookie: a"] }, "bad-params", /accept/],
      [{ urls, freshnessMs: -1 }, "bad-params", /freshnessMs/],
      [{ urls, userAgentContact: "a\r\nb: c" }, "bad-params", /userAgentContact/],
      [{ urls, userAgentContact: "a) evil (" }, "bad-params", /userAgentContact/],
      [{ urls, cookie: "a" }, "bad-params", /"cookie" is unknown/],
    ];
    for (const [params, code, says] of bad) {
      const read = readRequest(params);
      assert.ok(!read.ok, JSON.stringify(params));
      assert.equal(read.code, code);
      assert.match(read.message, says);
    }
  });
});

test("a media type is its type without parameters, and accepted by name or by kind", () => {
  assert.equal(mediaTypeIn("Text/HTML; charset=utf-8"), "text/html");
  for (const none of [undefined, "", "html", "text/", "text/*", "*/*", "a b/c"])
    assert.equal(mediaTypeIn(none), undefined, none);
  assert.ok(accepts(["text/*"], "text/csv") && accepts(["image/png"], "image/png"));
  assert.ok(!accepts(["text/*", "image/png"], "textual/csv") && !accepts(["a/b"], "a/bc"));
});

test("freshness is counted from when the server itself stood for the content", () => {
  assert.equal(ageMsIn("60"), 60_000);
  for (const none of [undefined, "", "-1", "1.5", "soon", "1e3", "12345678901"])
    assert.equal(ageMsIn(none), 0, none);
  assert.ok(isFresh(1_000, { now: 2_000, freshnessMs: 1_000 }));
  assert.ok(!isFresh(1_000, { now: 2_001, freshnessMs: 1_000 }));
  assert.ok(!isFresh(1_000, { now: 1_000, freshnessMs: undefined }));
  assert.ok(isStale(1_001, 1_000) && !isStale(1_000, 1_000) && !isStale(9_999, undefined));
});

test("a host says how long it wants to be left alone, and what may not be kept", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.equal(retryAfterMs("120", now), 120_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2026 12:00:30 GMT", now), 30_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2026 11:00:30 GMT", now), 0);
  for (const none of [undefined, "", "soon", "-5", "1 Jan 2026"])
    assert.equal(retryAfterMs(none, now), undefined, none);
  assert.ok(forbidsKeeping("private, No-Store") && !forbidsKeeping("max-age=5, x-no-storey"));
});
