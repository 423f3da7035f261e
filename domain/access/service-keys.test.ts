import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import {
  graceMsMax,
  judgeSecret,
  type ServiceKeyCommand,
  type ServiceKeyEvent,
  type ServiceKeyRefusal,
  serviceKeyMsMax,
  serviceKeys,
  serviceKeysMax,
} from "./service-keys.ts";

const { decider, refusals } = noting(serviceKeys);
const someKeys = given(decider);

const id = `cnct:${"a".repeat(52)}`;
const keyId = "00000000000000aa";
const secret = (n: number): string => n.toString(16).padStart(64, "0");
const scopes = ["blobs:write", "jobs:submit"];
const by = { actor: id, now: noon } as const;

type Issue = Extract<ServiceKeyCommand, { type: "IssueServiceKey" }>;
const issue = (changes: Partial<Issue> = {}): Issue => ({
  type: "IssueServiceKey",
  id,
  keyId,
  secretHash: secret(1),
  scopes,
  label: "nightly build",
  expiresAt: at(60),
  grantedScopes: ["keys:manage", ...scopes],
  ...by,
  ...changes,
});
const issued: ServiceKeyEvent = {
  type: "ServiceKeyIssued",
  id,
  keyId,
  secretHash: secret(1),
  scopes,
  label: "nightly build",
  expiresAt: at(60),
  at: noon,
};
type Roll = Extract<ServiceKeyCommand, { type: "RollServiceKey" }>;
const roll = (changes: Partial<Roll> = {}): Roll => ({
  type: "RollServiceKey",
  id,
  keyId,
  secretHash: secret(2),
  graceMs: 600_000,
  grantedScopes: scopes,
  ...by,
  now: at(1),
  ...changes,
});
const rolled: ServiceKeyEvent = {
  type: "ServiceKeyRolled",
  id,
  keyId,
  secretHash: secret(2),
  graceUntil: at(11),
  at: at(1),
};
const revoke = { type: "RevokeServiceKey", id, keyId, ...by, now: at(2) } as const;
const revoked: ServiceKeyEvent = { type: "ServiceKeyRevoked", id, keyId, at: at(2) };

describe("a service key", () => {
  test("is issued with the scopes of the login, or parts of them", () => {
    someKeys().when(issue()).thenRecords(issued);
    const forOne = [`jobs:cancel:${secret(7)}`];
    someKeys()
      .when(issue({ scopes: forOne, grantedScopes: ["jobs:cancel", "keys:manage"] }))
      .thenRecords({ ...issued, scopes: forOne });
    for (const beyond of [["jobs:cancel"], ["blobs:write", "nodes:work"]])
      someKeys()
        .when(issue({ scopes: beyond }))
        .thenRefuses("ScopesBeyondLogin");
    someKeys()
      .when(issue({ scopes: ["jobs:cancel"], grantedScopes: forOne }))
      .thenRefuses("ScopesBeyondLogin");
  });

  test("never manages keys, and has scopes that there are, sorted, each once", () => {
    for (const bad of [
      [],
      ["keys:manage"],
      ["jobs:everything"],
      [...scopes].reverse(),
      ["jobs:submit", "jobs:submit"],
    ])
      someKeys()
        .when(issue({ scopes: bad, grantedScopes: [...bad, ...scopes] }))
        .thenRefuses("BadKeyScopes");
  });

  test("has a label that can be read, and an end", () => {
    for (const label of ["", "x".repeat(65), "two\nlines"])
      someKeys().when(issue({ label })).thenRefuses("BadLabel");
    for (const expiresAt of [noon, noon + serviceKeyMsMax + 1, Number.NaN])
      someKeys().when(issue({ expiresAt })).thenRefuses("BadExpiry");
    const last = noon + serviceKeyMsMax;
    someKeys()
      .when(issue({ expiresAt: last }))
      .thenRecords({ ...issued, expiresAt: last });
  });

  test("is one of 64 that are good at a time", () => {
    const many = Array.from(
      { length: serviceKeysMax },
      (_, n): ServiceKeyEvent => ({
        ...issued,
        keyId: n.toString(16).padStart(16, "0"),
        secretHash: secret(100 + n),
      }),
    );
    const more = issue({ keyId: "ffffffffffffffff" });
    someKeys(...many)
      .when(more)
      .thenRefuses("TooManyServiceKeys");
    const late = { ...more, now: at(60), expiresAt: at(120) };
    someKeys(...many)
      .when(late)
      .thenRecords({ ...issued, keyId: more.keyId, expiresAt: at(120), at: at(60) });
  });

  test("has a name that no other key has", () => {
    someKeys(issued)
      .when(issue({ secretHash: secret(3) }))
      .thenRefuses("BadKeyId");
    someKeys()
      .when(issue({ keyId: "short" }))
      .thenRefuses("BadKeyId");
  });

  test("is rolled: the old secret stays good for the grace, never beyond the key", () => {
    someKeys(issued).when(roll()).thenRecords(rolled);
    someKeys(issued)
      .when(roll({ graceMs: graceMsMax }))
      .thenRecords({ ...rolled, graceUntil: at(60) });
    for (const graceMs of [-1, graceMsMax + 1, 0.5])
      someKeys(issued).when(roll({ graceMs })).thenRefuses("BadGrace");
    someKeys(issued)
      .when(roll({ grantedScopes: ["keys:manage"] }))
      .thenRefuses("ScopesBeyondLogin");
    someKeys().when(roll()).thenRefuses("ServiceKeyUnknown");
    someKeys(issued)
      .when(roll({ now: at(60) }))
      .thenRefuses("ServiceKeyEnded");
    someKeys(issued, revoked).when(roll()).thenRefuses("ServiceKeyEnded");
  });

  test("is revoked once, whatever it was", () => {
    someKeys(issued).when(revoke).thenRecords(revoked);
    someKeys(issued, rolled).when(revoke).thenRecords(revoked);
    someKeys().when(revoke).thenRefuses("ServiceKeyUnknown");
  });

  after(() =>
    assertEachRefusalShown<ServiceKeyRefusal>(refusals, {
      BadKeyId: true,
      BadLabel: true,
      BadKeyScopes: true,
      BadExpiry: true,
      BadGrace: true,
      ScopesBeyondLogin: true,
      TooManyServiceKeys: true,
      ServiceKeyUnknown: true,
      ServiceKeyEnded: true,
    }),
  );
});

describe("a secret", () => {
  const worth = (facts: readonly ServiceKeyEvent[], n: number, now: number) =>
    judgeSecret(facts.reduce(serviceKeys.evolve, serviceKeys.initial), secret(n), now).state;

  test("is good until its key ends, to the very instant", () => {
    assert.equal(worth([issued], 1, at(60) - 1), "good");
    assert.equal(worth([issued], 1, at(60)), "expired");
    assert.equal(worth([issued], 2, noon), "unknown");
    assert.equal(worth([issued, revoked], 1, noon), "revoked");
  });

  test("that was rolled is good for the grace, and the new one from then on", () => {
    const facts = [issued, rolled];
    assert.equal(worth(facts, 1, at(11) - 1), "good");
    assert.equal(worth(facts, 1, at(11)), "expired");
    assert.equal(worth(facts, 2, at(60) - 1), "good");
    assert.equal(worth([...facts, revoked], 1, at(2)), "revoked");
    assert.equal(worth([...facts, revoked], 2, at(2)), "revoked");
  });

  test("of keys that ended long ago is forgotten; good ones never are", () => {
    const facts: ServiceKeyEvent[] = [{ ...issued, secretHash: secret(9) }];
    for (let n = 0; n < 400; n++) {
      const other = { id, keyId: (n + 1000).toString(16).padStart(16, "0") };
      facts.push({ ...issued, ...other, secretHash: secret(1000 + n) });
      facts.push({ type: "ServiceKeyRevoked", ...other, at: noon });
    }
    const { keys } = facts.reduce(serviceKeys.evolve, serviceKeys.initial);
    assert.ok(keys.length <= 258, `${keys.length} keys`);
    assert.equal(worth(facts, 9, noon), "good");
    assert.equal(worth(facts, 1399, noon), "revoked");
    assert.equal(worth(facts, 1000, noon), "unknown");
  });
});
