import assert from "node:assert/strict";
import { test } from "node:test";
import { beaconOf } from "../domain/beacon/beacon.ts";
import type { AuditDraw } from "../domain/job/events.ts";
import { taskName } from "../domain/job/hash.ts";
import { isAudited } from "../domain/verification/lottery.ts";
import { type EventIds, eventIds, tailDigits } from "../streams/event-ids.ts";
import { nativeSha256 } from "./native-proofs.ts";
import { processIds } from "./process-ids.ts";

test("ids of a process are UUIDs in order, no two alike, and what comes next cannot be guessed", () => {
  const ids = processIds();
  const made = Array.from({ length: 10_000 }, () => ids.next());
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/;
  for (const id of made) assert.match(id, form);
  assert.deepEqual(made, made.toSorted());
  const tails = new Set(made.map((id) => id.slice(-9)));
  assert.ok(tails.size > 9_900, "36 random bits hardly meet");
});

/** Audits of a node that knows prefix and count of the next id, and tries out commits until it is not audited. */
const auditsOf = (ids: EventIds): number => {
  const share = 0.2;
  let audits = 0;
  for (let n = 0; n < 100; n++) {
    const task = { jobHash: nativeSha256(`job ${n}`), replica: 0, attempt: 1, nodeId: "eve" };
    const isDrawn = (id: string, commit: string): AuditDraw["audited"] => {
      const data = { type: "ResultCommitted", ...task, commit, at: n };
      const beacon = beaconOf(nativeSha256(`beacon ${n}`), [{ id, data }], nativeSha256);
      return isAudited({ beacon, task: taskName(task), share }, nativeSha256);
    };
    const id = ids.next();
    const guessed = id.slice(0, -tailDigits) + "0".repeat(tailDigits);
    let salt = 0;
    while (isDrawn(guessed, nativeSha256(`salt ${salt}`))) salt++;
    if (isDrawn(id, nativeSha256(`salt ${salt}`))) audits++;
  }
  return audits;
};

test("a node that tries out commits before it is bound to one is audited no less", () => {
  assert.equal(auditsOf(eventIds("0123456789ab")), 0, "who knows the whole id escapes");
  const audits = auditsOf(processIds());
  assert.ok(audits >= 4, `${audits} of 100 audited, where 20 are due`);
});
