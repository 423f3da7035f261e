import assert from "node:assert/strict";
import { test } from "node:test";
import { collect } from "../../testing/collect/run.ts";
import {
  html,
  openSite,
  type Page,
  testNetwork,
  type Visited,
} from "../../testing/collect/site.ts";
import { openCollect } from "./collect.ts";

test("a host sees one request at a time, a second apart, however many jobs; no host waits for another", async () => {
  const slow =
    (text: string): Page =>
    (request, response) =>
      void setTimeout(() => html(text)(request, response), 50);
  const site = await openSite({ "/a": slow("a"), "/b": slow("b"), "/c": slow("c") });
  const at = (host: string, path: string) => `http://${host}.example.org:${site.port}${path}`;
  // The pause is the collector's own: no seam changes it here.
  const executor = openCollect(
    { allow: ["*.example.org"], version: "1.2.3" },
    { network: testNetwork([site.port]) },
  );
  const startedAt = performance.now();
  await Promise.all([
    collect(executor, [at("one", "/a"), at("one", "/b"), at("two", "/a")]),
    collect(executor, [at("one", "/c"), at("two", "/b")]),
  ]);
  const tookMs = performance.now() - startedAt;
  await site.close();

  const visitsOf = (host: string): readonly Visited[] =>
    site.visits.filter((visit) => visit.host === `${host}.example.org`);
  assert.equal(visitsOf("one").length, 4, "robots.txt and three pages");
  assert.equal(visitsOf("two").length, 3);
  for (const visits of [visitsOf("one"), visitsOf("two")])
    visits.slice(1).forEach((visit, index) => {
      const pauseMs = visit.startedAt - visits[index]!.endedAt;
      // The server may see the end of an answer a little after the collector does.
      assert.ok(pauseMs >= 980, `${pauseMs} ms between ${visits[index]!.path} and ${visit.path}`);
    });
  assert.ok(tookMs < 5_000, `${tookMs} ms: one after another the pauses alone are 5 s`);
});
