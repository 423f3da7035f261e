/** What the views know of identities and service keys, folded into a real file. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { IdentityEvent } from "../domain/identity/events.ts";
import type { InceptionRecord } from "../domain/identity/inception.ts";
import type { NodeEvent } from "../domain/node/node.ts";
import type { AnyEvent } from "../streams/codec.ts";
import { createTables, openDatabase, presentVersions } from "./database.ts";
import { openFold } from "./fold.ts";
import { readViews } from "./read.ts";
import type { Views } from "./views.ts";

const at = Date.UTC(2030, 4, 1, 12);
const [ada, bob] = [`cnct:${"a".repeat(52)}`, `cnct:${"b".repeat(51)}a`];
const registered = (id: string): IdentityEvent => {
  const record = {} as InceptionRecord;
  return { type: "IdentityRegistered", id, record, signature: "", at };
};
const revoked = (id: string, when: number): IdentityEvent => ({
  type: "IdentityRevoked",
  id,
  sequence: 1,
  reason: "retired",
  signedBy: "",
  signature: "",
  at: when,
});
const node = (nodeId: string, owner: string): NodeEvent => ({
  type: "NodeRegistered",
  nodeId,
  owner,
  capabilities: {
    apps: [{ app: "noop", executionClass: "js" }],
    slots: 1,
    backlog: 0,
    cpus: 1,
    memoryMb: 1,
    platform: "",
    version: "",
  },
  at,
});

const withViews = (facts: readonly AnyEvent[], look: (views: Views) => void): void => {
  const directory = mkdtempSync(join(tmpdir(), "cnct-identities-"));
  const database = openDatabase(join(directory, "views.sqlite"));
  try {
    createTables(database, { versions: presentVersions, indexes: true });
    const fold = openFold(database);
    let position = -1n;
    for (const fact of facts) {
      position++;
      fold.apply(fact, { position, revision: fact.type.endsWith("Registered") ? 0n : 1n });
    }
    fold.flush(position);
    look(readViews(database, () => position));
  } finally {
    database.close();
    rmSync(directory, { recursive: true });
  }
};

describe("the views of identities", () => {
  test("know which nodes must not stay: active ones whose owner is revoked", () => {
    const facts: readonly AnyEvent[] = [
      registered(ada),
      registered(bob),
      node("adas-1", ada),
      node("adas-2", ada),
      node("bobs", bob),
      node("old", "somebody"),
      { type: "NodeSuspended", nodeId: "adas-2", reason: "liar", at },
    ];
    withViews(facts, (views) => {
      assert.deepEqual(views.nodesOfRevoked(10), []);
    });
    const more = [...facts, revoked(ada, at + 1), revoked(bob, at + 2)];
    withViews(more, (views) => {
      assert.deepEqual([...views.nodesOfRevoked(10)].sort(), ["adas-1", "bobs"]);
      assert.equal(views.nodesOfRevoked(1).length, 1);
    });
  });

  test("know whose a secret is, also one that was rolled", () => {
    const [first, second] = ["1".repeat(64), "2".repeat(64)];
    const keyId = "00000000000000aa";
    withViews(
      [
        {
          type: "ServiceKeyIssued",
          id: ada,
          keyId,
          secretHash: first,
          scopes: ["jobs:submit"],
          label: "a",
          expiresAt: at,
          at,
        },
        { type: "ServiceKeyRolled", id: ada, keyId, secretHash: second, graceUntil: at, at },
      ],
      (views) => {
        for (const secretHash of [first, second])
          assert.deepEqual(views.serviceKey(secretHash), { secretHash, id: ada, keyId });
        assert.equal(views.serviceKey("3".repeat(64)), undefined);
      },
    );
  });
});
