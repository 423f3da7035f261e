import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { compareOutputs } from "../../domain/verification/compare.ts";
import {
  collect,
  failedAt,
  fetchedFrom,
  openTestCollect,
  textOf,
} from "../../testing/collect/run.ts";
import {
  html,
  openSite,
  redirect,
  siteAddress,
  status,
  testNetwork,
} from "../../testing/collect/site.ts";
import { execute, refusedAs } from "../../testing/fixtures/execute.ts";
import { manualClock } from "../../testing/manual-clock.ts";

const noon = Date.parse("2026-01-01T12:00:00Z");
let revision = 1;
let counter = 0;
const site = await openSite({
  "/robots.txt": (_, response) =>
    void response.end(
      "User-agent: cnct-collector\nDisallow: /private\n\nUser-agent: *\nDisallow: /",
    ),
  "/": html("<p>Hello</p>", { "last-modified": "Wed, 31 Dec 2025 12:00:00 GMT" }),
  "/same": html("<p>Hello</p>"),
  "/private/a": html("secret"),
  "/json": (_, response) =>
    void response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end("[1]"),
  "/bytes": (_, response) =>
    void response.writeHead(200, { "content-type": "text/html" }).end(Buffer.of(0xff, 0xfe, 0)),
  "/picture": (_, response) =>
    void response.writeHead(200, { "content-type": "image/png" }).end("png"),
  "/untyped": (_, response) => void response.end("what am I?"),
  "/gone": status(410),
  "/empty": html(""),
  "/cookie": html("cookie", { "set-cookie": "id=1" }),
  "/compressed": (_, response) =>
    void response
      .writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" })
      .end(gzipSync("unfolded")),
  "/tagged": (request, response) => {
    const etag = `"r${revision}"`;
    if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { "content-type": "text/html", etag }).end(`revision ${revision}`);
  },
  "/old": html("old", { age: "120" }),
  "/secretive": html("never kept", { "cache-control": "no-store", etag: '"s"' }),
  "/counter": (_, response) =>
    void response
      .writeHead(200, { "content-type": "text/html" })
      .end(`${Array.from({ length: 200 }, (_, i) => `w${i}`).join(" ")} visitor ${counter++}`),
  "/unasked": (_, response) => void response.writeHead(304).end(),
  "/hop": redirect("/same?from=hop"),
  "/same?from=hop": html("landed"),
});
after(() => site.close());
const at = (path: string, host = "www.example.org") => `http://${host}:${site.port}${path}`;
const open = (seams: object = {}) =>
  openTestCollect({ network: testNetwork([site.port]), ...seams });

describe("a collection", () => {
  test("has each page with its digest and how it came", async () => {
    const item = await fetchedFrom(open({ clock: manualClock(noon) }), at("/"));
    const digest = createHash("sha256").update("<p>Hello</p>").digest("hex");
    const { headersDigest, ...provenance } = item.provenance;
    assert.match(headersDigest, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      { ...item, provenance },
      {
        outcome: "fetched",
        url: at("/"),
        finalUrl: at("/"),
        status: 200,
        mediaType: "text/html",
        size: 12,
        bodyDigest: digest,
        body: { text: "<p>Hello</p>" },
        robots: "allowed",
        provenance: {
          fetchedAt: "2026-01-01T12:00:00.000Z",
          redirects: [],
          address: siteAddress,
          source: "network",
          ageMs: 0,
          lastModified: "Wed, 31 Dec 2025 12:00:00 GMT",
        },
      },
    );
  });

  test("has what is no text as base64, and nothing as nothing", async () => {
    assert.deepEqual((await fetchedFrom(open(), at("/bytes"))).body, { base64: "//4A" });
    const empty = await fetchedFrom(open(), at("/empty"));
    assert.deepEqual([empty.size, textOf(empty)], [0, ""]);
  });

  test("names a body once, however many pages have it", async () => {
    const items = await collect(open(), [at("/"), at("/json"), at("/same")]);
    const [first, , third] = items as readonly ((typeof items)[number] & {
      duplicateOf?: string;
      body?: object;
    })[];
    assert.equal(third?.duplicateOf, at("/"));
    assert.equal(third?.body, undefined);
    assert.ok(first?.body && !first.duplicateOf);
  });

  test("says when the node has seen a body before, and never for whom", async () => {
    const clock = manualClock(noon);
    const executor = open({ clock });
    assert.equal((await fetchedFrom(executor, at("/"))).provenance.seenBeforeAt, undefined);
    await clock.pass(60_000);
    const again = await fetchedFrom(executor, at("/same", "other.example.org"));
    assert.equal(again.provenance.seenBeforeAt, "2026-01-01T12:00:00.000Z");
    assert.ok(!JSON.stringify(again).includes("www.example.org"));
  });

  test("goes on where one URL fails, in the order of the job", async () => {
    const urls = [at("/gone"), at("/private/a"), at("/picture"), at("/untyped"), at("/json")];
    const items = await collect(open(), urls);
    assert.deepEqual(
      items.map((item) => (item.outcome === "failed" ? [item.code, item.status] : item.mediaType)),
      [
        ["bad-status", 410],
        ["robots-disallowed", undefined],
        ["wrong-media-type", undefined],
        ["wrong-media-type", undefined],
        "application/json",
      ],
    );
    assert.deepEqual(
      items.map(({ url }) => url),
      urls,
    );
  });

  test("of two nodes agrees, and of one that made it up does not", async () => {
    const params = { urls: [at("/counter"), at("/json"), at("/gone")] };
    const [one, two] = await Promise.all(
      [open(), open()].map((executor) => execute(executor, {}, { params })),
    );
    const by = { kind: "items" } as const;
    const seen = compareOutputs(by, one!.output, two!.output);
    assert.deepEqual([seen.agree, seen.reason], [true, "items-match"]);
    assert.ok(seen.distance > 0, "the counter of visitors went on");
    assert.notDeepEqual(one!.output, two!.output);
    const text = new TextDecoder().decode(two!.output);
    const forged = new TextEncoder().encode(text.replace("w7 ", "w8 "));
    assert.equal(compareOutputs(by, one!.output, forged).reason, "unreadable");
    const { output: other } = await execute(
      open(),
      {},
      { params: { urls: [at("/same"), at("/json"), at("/gone")] } },
    );
    assert.equal(compareOutputs(by, one!.output, other).agree, false);
  });
});

describe("a request", () => {
  test("says who asks, and carries no cookie, no referrer, no credentials", async () => {
    const executor = open();
    const url = at("/cookie");
    await fetchedFrom(executor, url, { userAgentContact: "ada@example.org" });
    await fetchedFrom(executor, url, { userAgentContact: "ada@example.org" });
    const sent = site.visits.filter(({ path }) => path === "/cookie").map(({ headers }) => headers);
    for (const headers of sent)
      assert.deepEqual(headers, {
        host: `www.example.org:${site.port}`,
        "user-agent": "CNCT-Collector/1.2.3 (+ada@example.org)",
        accept: "text/html, text/plain, application/json",
        "accept-encoding": "gzip",
        connection: "close",
      });
    assert.equal(sent.length, 2);
  });

  test("is for what the job accepts", async () => {
    const item = await fetchedFrom(open(), at("/picture"), { accept: ["image/*"] });
    assert.equal(item.mediaType, "image/png");
  });

  test("unfolds gzip", async () => {
    assert.equal(textOf(await fetchedFrom(open(), at("/compressed"))), "unfolded");
  });

  test("follows a redirect and says so", async () => {
    const item = await fetchedFrom(open(), at("/hop"));
    assert.equal(item.finalUrl, at("/same?from=hop"));
    assert.deepEqual(item.provenance.redirects, [at("/hop")]);
  });

  test("ends when its task ends", async () => {
    const hang = await openSite({ "/": () => undefined });
    const executor = openTestCollect({ network: testNetwork([hang.port]) });
    const stop = new AbortController();
    const reason = new Error("the job was cancelled");
    setTimeout(() => stop.abort(reason), 50);
    const params = {
      urls: [`http://www.example.org:${hang.port}/`, `http://www.example.org:${hang.port}/b`],
    };
    await assert.rejects(execute(executor, {}, { params, signal: stop.signal }), reason);
    await hang.close();
  });
});

describe("a job", () => {
  test("is refused whole, before anybody is asked, when one URL of it may not be", async () => {
    const network = testNetwork([site.port]);
    const executor = openTestCollect({ network });
    const before = site.visits.length;
    const run = (...urls: readonly string[]) => execute(executor, {}, { params: { urls } });
    const off = `http://example.com:${site.port}/`;
    await refusedAs(run(at("/"), off), "url-not-allowed", /urls\[1\]/);
    await refusedAs(run(at("/"), `http://127.0.0.1:${site.port}/`), "bad-url", /address-literal/);
    await refusedAs(run("http://www.example.org:22/"), "bad-url", /port/);
    await refusedAs(run(), "bad-params", /1 to 20/);
    await refusedAs(execute(executor, {}, { app: "echo" }), "unknown-app", /not echo/);
    assert.equal(site.visits.length, before);
    assert.deepEqual(network.asked, []);
  });
});

describe("a page that a node has seen", () => {
  test("is asked for again with its tag, and given again when the server confirms it", async () => {
    const clock = manualClock(noon);
    const executor = open({ clock });
    const first = await fetchedFrom(executor, at("/tagged"));
    assert.equal(first.provenance.etag, '"r1"');
    await clock.pass(5_000);
    const second = await fetchedFrom(executor, at("/tagged"));
    assert.equal(second.provenance.source, "revalidated");
    assert.equal(second.provenance.fetchedAt, "2026-01-01T12:00:05.000Z");
    assert.deepEqual([second.status, second.bodyDigest], [200, first.bodyDigest]);
    revision = 2;
    const third = await fetchedFrom(executor, at("/tagged"));
    assert.deepEqual([third.provenance.source, textOf(third)], ["network", "revision 2"]);
  });

  test("is given without a question while it is fresh enough for the job, and no longer", async () => {
    const clock = manualClock(noon);
    const executor = open({ clock });
    const path = "/json";
    const asked = () => site.paths().filter((one) => one === path).length;
    await fetchedFrom(executor, at(path));
    const before = asked();
    await clock.pass(1_000);
    const kept = await fetchedFrom(executor, at(path), { freshnessMs: 1_000 });
    assert.deepEqual([kept.provenance.source, asked()], ["kept", before]);
    assert.equal(kept.provenance.ageMs, 1_000);
    await clock.pass(1);
    const fresh = await fetchedFrom(executor, at(path), { freshnessMs: 1_000 });
    assert.deepEqual([fresh.provenance.source, asked()], ["network", before + 1]);
    await fetchedFrom(executor, at(path), { accept: ["application/json"], freshnessMs: 1_000 });
    assert.equal(asked(), before + 2, "another wish for media types is another page");
    await failedAt(executor, at(path), { freshnessMs: 1_000, maxBytes: 2 });
    assert.equal(asked(), before + 3, "a copy counts with the limits of the job");
  });

  test("is stale when a cache on the way had it for too long", async () => {
    assert.equal((await failedAt(open(), at("/old"), { freshnessMs: 119_000 })).code, "stale");
    const item = await fetchedFrom(open(), at("/old"), { freshnessMs: 120_000 });
    assert.equal(item.provenance.ageMs, 120_000);
    assert.equal((await fetchedFrom(open(), at("/old"))).provenance.ageMs, 120_000);
  });

  test("is not kept when the server forbids it", async () => {
    const executor = open();
    await fetchedFrom(executor, at("/secretive"));
    await fetchedFrom(executor, at("/secretive"), { freshnessMs: 1_000_000 });
    const sent = site.visits.filter(({ path }) => path === "/secretive");
    assert.equal(sent.length, 2);
    assert.ok(sent.every(({ headers }) => headers["if-none-match"] === undefined));
  });

  test("cannot be confirmed when nobody asked", async () => {
    const { code, status: answered } = await failedAt(open(), at("/unasked"));
    assert.deepEqual([code, answered], ["bad-status", 304]);
  });
});
