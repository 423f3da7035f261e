import assert from "node:assert/strict";
import { test } from "node:test";
import type { CollectedItem } from "../../domain/collection/items.ts";
import { openNamespaces, publicAddress } from "./namespaces.ts";

test("on a network of its own the collector visits what is public, and never the machine beside it", async (t) => {
  const namespaces = await openNamespaces();
  if (typeof namespaces === "string") return t.skip(`SKIPPED: ${namespaces}`);
  try {
    assert.equal(await namespaces.start("site", "namespace-site.ts").line(), "listening");
    const collector = namespaces.start("collector", "namespace-collector.ts");
    const next = async () => JSON.parse(await collector.line()) as readonly CollectedItem[];
    const said = (items: readonly CollectedItem[]) =>
      items.map((item) => (item.outcome === "failed" ? item.code : item.body));

    const items = await next();
    assert.deepEqual(said(items), [
      { text: "public" },
      "address-not-public",
      "redirect-refused",
      "redirect-refused",
      "address-not-public",
      "address-not-public",
    ]);
    const [first] = items;
    assert.ok(first?.outcome === "fetched" && first.provenance.address === publicAddress);
    assert.deepEqual(said(await next()), [{ text: "0" }], "nobody came inside");
    assert.deepEqual(said(await next()), [{ text: "secret" }], "a careless policy does");
    assert.deepEqual(said(await next()), [{ text: "2" }], "and the site counts it");
  } finally {
    await namespaces.close();
  }
});
