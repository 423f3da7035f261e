import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonicalJson } from "./canonical-json.ts";
import { appDigest, catalogue } from "./catalogue.ts";

test("the digest of an app is that of its whole manifest", () => {
  const manifest = canonicalJson({ name: "ocr", ...catalogue.ocr });
  const expected = createHash("sha256").update(`cnct/app/v1\n${manifest}`).digest("hex");
  assert.equal(appDigest("ocr"), expected);
  const all = (Object.keys(catalogue) as (keyof typeof catalogue)[]).map((name) => appDigest(name));
  assert.equal(new Set(all).size, all.length, "two apps have one digest");
});
