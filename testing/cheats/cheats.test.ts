/** The campaign of cheats in its short form; `npm run cheats` is the long one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CampaignOptions, cast, runCampaign } from "./campaign.ts";

/**
 * Most results are audited, so that a cheat is found within the few jobs for which awards are held:
 * of 20,000 runs two or so settle a wrong result by chance.
 */
const short: CampaignOptions = {
  jobs: 400,
  lieShare: 1,
  holdJobs: 100,
  auditFloor: 0.8,
  identities: true,
  sealed: true,
  audits: true,
};

test("four that collude and one that copies are expelled, nothing wrong is settled, and honest nodes are paid", async () => {
  const campaign = await runCampaign(short);
  assert.deepEqual(campaign.failures, []);
  assert.deepEqual([...campaign.expelled].sort(), [...campaign.cheats].sort());
  assert.equal(campaign.cheats.length, 5);
  assert.equal(cast.honest.length, 15);
  assert.equal(campaign.wrongSettled, 0);
  assert.ok(campaign.wrongGiven >= 5 && campaign.settledHonest > 0n);
});

test("without audits the same campaign fails", async () => {
  const planted = {
    ...short,
    jobs: 60,
    holdJobs: 1,
    identities: false,
    sealed: false,
    audits: false,
  };
  const { failures, wrongAtEnd, expelled } = await runCampaign(planted);
  assert.deepEqual(expelled, []);
  assert.ok(wrongAtEnd > 0);
  assert.ok(
    failures.some((failure) => /wrong output at the end/.test(failure)),
    `${failures}`,
  );
});
