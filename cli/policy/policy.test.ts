import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { readPolicy } from "../../services/policy.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { keyFileOf, localArbiters } from "../network/arbiters.ts";
import { type Adopting, adoptPolicy, adoptWish, changeLines } from "./adopt.ts";
import { readPolicyFile } from "./policy-file.ts";

describe("a policy", () => {
  let directory = "";
  let adopting: Adopting;
  let closeStore: () => Promise<void>;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-policy-"));
    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    adopting = { store, ids: eventIds("0123456789ab"), clock: manualClock() };
    closeStore = () => store.close();
  });
  after(async () => {
    await closeStore();
    await rm(directory, { recursive: true, force: true });
  });
  const holding = (holdJobs: number, version: number) => ({
    ...policyDefaults,
    version,
    verification: { ...policyDefaults.verification, holdJobs },
  });

  test("is adopted from what was shown, once, and what was written for an older one is refused", async () => {
    const wanted = holding(7, 1);
    const { version, changes } = await adoptPolicy(adopting, wanted);
    assert.equal(version, 2);
    assert.deepEqual(changeLines(changes), ["verification.holdJobs: 5000 -> 7"]);
    assert.deepEqual(await adoptPolicy(adopting, wanted), { version: 2, changes: [] });
    assert.deepEqual(await readPolicy(adopting.store), holding(7, 2));
    await assert.rejects(adoptPolicy(adopting, holding(8, 1)), {
      code: "policy-outdated",
      message: /written for version 1, and version 2 is in force/,
    });
  });

  test("that a process is started with is adopted whatever its version, and only if it differs", async () => {
    const arbiters = ["ada", "bob"];
    const wish = { policy: holding(9, 77), arbiters };
    const first = await adoptWish(adopting, wish);
    assert.equal(first.version, 3);
    assert.equal(first.changes.length, 2);
    assert.deepEqual(await adoptWish(adopting, wish), { version: 3, changes: [] });
    // What is not wished for stays.
    await adoptWish(adopting, { arbiters: ["ada", "eve"] });
    const { verification } = await readPolicy(adopting.store);
    assert.deepEqual([verification.holdJobs, verification.arbiters], [9, ["ada", "eve"]]);
    await assert.rejects(adoptWish(adopting, { arbiters: ["ada"] }), { code: "too-few-arbiters" });
    assert.equal((await readPolicy(adopting.store)).version, 4);
  });

  test("in a file is read whole or refused by its name", async () => {
    const path = join(directory, "policy.json");
    await writeFile(path, JSON.stringify(policyDefaults));
    assert.deepEqual(await readPolicyFile(path), policyDefaults);
    await writeFile(path, "version: 1");
    await assert.rejects(readPolicyFile(path), { code: "policy-no-json", exit: 4 });
    await writeFile(path, '{"version":1}');
    await assert.rejects(readPolicyFile(path), {
      code: "parameter-missing",
      exit: 4,
      message: /policy\.json: verification is missing; it has adversaryShare, /,
    });
    await assert.rejects(readPolicyFile(join(directory, "none")), { code: "ENOENT" });
  });

  test("knows the arbiters of one machine before they start, the same each time", async () => {
    const at = { dataDirectory: directory, access: "identities" };
    const once = await localArbiters(2, at);
    assert.deepEqual(await localArbiters(2, at), once);
    assert.deepEqual(
      once.map(({ name }) => name),
      ["arbiter-1", "arbiter-2"],
    );
    assert.notEqual(once[0]?.owner, once[1]?.owner);
    await writeFile(keyFileOf(directory, "arbiter-1"), "none");
    await assert.rejects(localArbiters(1, at), { code: "key-file-damaged" });
    assert.deepEqual(await localArbiters(1, { ...at, access: "open" }), [
      { name: "arbiter-1", owner: "arbiter-1" },
    ]);
  });
});
