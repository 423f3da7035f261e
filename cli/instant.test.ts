import assert from "node:assert/strict";
import { test } from "node:test";
import { CliFailure } from "./failures.ts";
import { instantAheadIn } from "./instant.ts";

const now = Date.parse("2026-05-01T12:00:00Z");

test("reads an instant that lies ahead, as a time from now or as a date", () => {
  assert.equal(instantAheadIn("--drain-at", "2h", now), now + 7_200_000);
  assert.equal(instantAheadIn("--drain-at", "2026-05-02T12:00Z", now), now + 86_400_000);
  for (const text of ["2026-04-30T12:00Z", "0s", "25d", "soon", "2026-13-01"])
    assert.throws(
      () => instantAheadIn("--drain-at", text, now),
      (error) => error instanceof CliFailure && error.code === "bad-option",
      text,
    );
});
