import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isClientAccount, isDigest, isNodeId } from "./ids.ts";
import { formatPoints, isMicroPoints, microPointsMax, toText } from "./points.ts";

describe("an amount", () => {
  test("is written in whole micro-points, in one way only", () => {
    for (const text of ["0", "1", "1000000", toText(microPointsMax)])
      assert.equal(isMicroPoints(text), true, text);
    for (const text of ["", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1\n", "٣", 1, null])
      assert.equal(isMicroPoints(text), false, String(text));
    assert.equal(isMicroPoints(toText(microPointsMax + 1n)), false);
  });

  test("is shown in points, without zeros that say nothing", () => {
    const shown = [0n, 1n, 1_500_000n, 1_234_567n, -20_000n, microPointsMax].map(formatPoints);
    const wanted = ["0", "0.000001", "1.5", "1.234567", "-0.02", "9223372036854.775807"];
    assert.deepEqual(shown, wanted);
  });
});

describe("a name", () => {
  test("of a node has 3 to 64 small letters, digits and hyphens", () => {
    for (const id of ["bob", "a1-", "n".repeat(64)]) assert.equal(isNodeId(id), true, id);
    for (const id of ["bo", "-ob", "Bob", "b.b", "b b", "bob\n", "n".repeat(65), 7])
      assert.equal(isNodeId(id), false, String(id));
  });

  test("of a client's account says that it is one", () => {
    for (const id of ["client:a", "client:ada-2"]) assert.equal(isClientAccount(id), true, id);
    for (const id of ["ada", "client:", "client:-a", "client:Ada", "node:ada", "client:a\n", null])
      assert.equal(isClientAccount(id), false, String(id));
  });

  test("of bytes is their SHA-256 in small hexadecimal letters", () => {
    assert.equal(isDigest("0f".repeat(32)), true);
    for (const id of ["0F".repeat(32), "0f".repeat(31), `${"0f".repeat(32)}\n`, 7])
      assert.equal(isDigest(id), false, String(id));
  });
});
