import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CollectUrl } from "../../domain/collection/urls.ts";
import { readUrl } from "../../domain/collection/urls.ts";
import { collect, failedAt, fetchedFrom, openTestCollect } from "../../testing/collect/run.ts";
import {
  html,
  openSite,
  type Page,
  redirect,
  type Site,
  status,
  testNetwork,
} from "../../testing/collect/site.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { exchangeLimits } from "./exchange.ts";
import { rulesOf } from "./robots.ts";

const text =
  (body: string): Page =>
  (_, response) =>
    void response.writeHead(200, { "content-type": "text/plain" }).end(body);

/** A site with that robots.txt, for as long as the test runs. */
const withRobots = async (robots: Page, run: (site: Site, base: string) => Promise<void>) => {
  const site = await openSite({
    "/robots.txt": robots,
    "/rules": text("User-agent: *\nDisallow: /a"),
    "/a": html("a"),
    "/b": html("b"),
  });
  try {
    await run(site, `http://www.example.org:${site.port}`);
  } finally {
    await site.close();
  }
};
const open = (site: Site, seams: object = {}) =>
  openTestCollect({
    network: testNetwork([site.port]),
    limits: { ...exchangeLimits, totalMs: 500, idleMs: 200 },
    ...seams,
  });

describe("a host's robots.txt", () => {
  test("keeps us from what it disallows, and the page is never asked for", () =>
    withRobots(text("User-agent: *\nDisallow: /a"), async (site, base) => {
      const item = await failedAt(open(site), `${base}/a`);
      assert.deepEqual([item.code, item.robots], ["robots-disallowed", "disallowed"]);
      assert.equal((await fetchedFrom(open(site), `${base}/b`)).robots, "allowed");
      assert.deepEqual(site.paths(), ["/b"]);
    }));

  test("that is not there allows everything", () =>
    withRobots(status(404), async (site, base) =>
      assert.equal((await fetchedFrom(open(site), `${base}/a`)).robots, "no-robots"),
    ));

  for (const [what, robots] of [
    ["answers 500", status(500)],
    ["answers 503", status(503, { "retry-after": "0" })],
    ["answers 429", status(429, { "retry-after": "0" })],
    ["never answers", () => undefined],
    ["redirects in a circle", redirect("/robots.txt")],
    ["redirects to where we may not go", redirect("http://127.0.0.1/robots.txt")],
  ] as readonly [string, Page][])
    test(`that ${what} disallows everything, for now`, () =>
      withRobots(robots, async (site, base) => {
        const clock = manualClock();
        const executor = open(site, { clock });
        const item = await failedAt(executor, `${base}/a`);
        assert.deepEqual([item.code, item.robots], ["robots-unreachable", "unreachable"]);
        const asked = site.visits.length;
        await failedAt(executor, `${base}/a`);
        assert.equal(site.visits.length, asked, "not asked again at once");
        await clock.pass(5 * 60_000);
        await failedAt(executor, `${base}/a`);
        assert.equal(site.visits.length, 2 * asked, "asked again after five minutes");
        assert.deepEqual(site.paths(), []);
      }));

  test("is followed where it moved", () =>
    withRobots(redirect("/rules"), async (site, base) =>
      assert.equal((await failedAt(open(site), `${base}/a`)).code, "robots-disallowed"),
    ));

  test("is read once a day, by all tasks", () =>
    withRobots(text("User-agent: *\nAllow: /"), async (site, base) => {
      const clock = manualClock();
      const executor = open(site, { clock });
      const reads = () => site.visits.filter(({ path }) => path === "/robots.txt").length;
      await Promise.all([
        collect(executor, [`${base}/a`, `${base}/b`]),
        collect(executor, [`${base}/b`]),
      ]);
      await clock.pass(24 * 3_600_000 - 1);
      await fetchedFrom(executor, `${base}/a`);
      assert.equal(reads(), 1);
      await clock.pass(1);
      await fetchedFrom(executor, `${base}/a`);
      assert.equal(reads(), 2);
    }));

  test("is asked at each hop of a redirect", async () => {
    const site = await openSite({
      "one.example.org/a": (request, response) =>
        redirect(`http://two.example.org:${request.socket.localPort}/a`)(request, response),
      "two.example.org/robots.txt": text("User-agent: *\nDisallow: /"),
    });
    const item = await failedAt(open(site), `http://one.example.org:${site.port}/a`);
    assert.equal(item.code, "robots-disallowed");
    assert.ok(!site.visits.some(({ host, path }) => host === "two.example.org" && path === "/a"));
    await site.close();
  });

  test("that wants a longer pause than a job can wait is left alone", () =>
    withRobots(text("User-agent: *\nCrawl-delay: 31"), async (site, base) => {
      const items = await collect(open(site), [`${base}/a`]);
      assert.deepEqual(
        items.map((item) => item.outcome === "failed" && item.code),
        ["wait-too-long"],
      );
    }));
});

test("a host that answers 429 is left alone for as long as it asks", async () => {
  const site = await openSite({
    "/busy": status(429, { "retry-after": "60" }),
    "/b": html("b"),
  });
  const clock = manualClock();
  const executor = open(site, { clock });
  const base = `http://www.example.org:${site.port}`;
  assert.equal((await failedAt(executor, `${base}/busy`)).status, 429);
  assert.equal((await failedAt(executor, `${base}/b`)).code, "wait-too-long");
  await clock.pass(60_000);
  assert.equal((await fetchedFrom(executor, `${base}/b`)).status, 200);
  await site.close();
});

describe("the rules of a robots.txt", () => {
  const url = (path: string): CollectUrl => {
    const read = readUrl(`https://example.org${path}`);
    assert.ok(read.ok);
    return read.url;
  };
  const decide = (robots: string, path: string) =>
    rulesOf(url("/"), 200, robots).permissionFor(url(path));

  test("are those for our name, else those for everyone", () => {
    const robots =
      "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: CNCT-Collector/9\nDisallow: /x";
    assert.equal(decide(robots, "/y").decision, "allowed");
    assert.equal(decide(robots, "/x/y").decision, "disallowed");
    assert.equal(decide("User-agent: cnct\nDisallow: /", "/y").decision, "allowed");
  });

  test("prefer the longest match, and to allow where two are as long", () => {
    const table: readonly [rules: string, path: string, decision: string][] = [
      ["Allow: /p\nDisallow: /", "/page", "allowed"],
      ["Allow: /folder\nDisallow: /folder", "/folder/page", "allowed"],
      ["Allow: /page\nDisallow: /*.htm", "/page.htm", "disallowed"],
      ["Disallow: /*.php$", "/a.php", "disallowed"],
      ["Disallow: /*.php$", "/a.php?b", "allowed"],
      ["Disallow: /*?", "/a?b", "disallowed"],
      ["Disallow:", "/a", "allowed"],
      ["Disallow: /%7Eada", "/%7eada", "disallowed"],
      ["disallow : /a # why", "/ab", "disallowed"],
      ["Disallow: /", "/robots.txt", "allowed"],
      ["no line of robots.txt", "/a", "allowed"],
    ];
    for (const [rules, path, decision] of table)
      assert.equal(decide(`User-agent: *\n${rules}`, path).decision, decision, `${rules} ${path}`);
    assert.equal(decide("\ufeffUser-agent: *\nDisallow: /a".slice(1), "/a").decision, "disallowed");
  });

  test("ask for a pause, or say nothing that is one", () => {
    const gap = (delay: string) => decide(`User-agent: *\nCrawl-delay: ${delay}`, "/").gapMs;
    assert.equal(gap("2.5"), 2_500);
    for (const none of ["-1", "soon", "NaN", "Infinity", ""]) assert.equal(gap(none), 0, none);
  });

  test("that were made to keep their reader busy are not read", () => {
    const pattern = `Disallow: /*${"a*".repeat(120)}b\n`;
    const robots = `User-agent: *\n${pattern.repeat(2_000)}`;
    const startedAt = performance.now();
    assert.equal(decide(robots, `/${"a".repeat(2_000)}`).decision, "unreachable");
    assert.equal(decide(robots, "/c").decision, "allowed");
    assert.ok(performance.now() - startedAt < 2_000);
  });
});
