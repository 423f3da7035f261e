import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hexOf } from "../../crypto/bytes.ts";
import { native } from "../../crypto/primitives-native.ts";
import { keyRules, signText } from "../../crypto/signatures.ts";
import { at, noon } from "../../testing/given.ts";
import type { Identity } from "./identity.ts";
import { taggedText } from "./keys.ts";
import {
  challengeMsMax,
  checkLogin,
  isChallenge,
  type LoginChallenge,
  loginText,
} from "./login.ts";
import { allows, isScope } from "./scopes.ts";

const secret = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);
const rootKey = hexOf(native.ed25519.publicKey(secret));
const id = `cnct:${"a".repeat(52)}`;
const { verify } = keyRules(native);
const gateway = { domain: "cnct.example", uri: "https://cnct.example/auth/token" };
const challenge: LoginChallenge = {
  version: 1,
  ...gateway,
  id,
  nonce: "ab".repeat(16),
  issuedAt: noon,
  expiresAt: at(5),
  scopes: ["jobs:read", "jobs:submit"],
};
const identity: Identity = {
  status: "active",
  id,
  roles: ["client"],
  rootKey,
  nextRootKeyHash: "00".repeat(32),
  encryptionKeys: [],
  retiredKeys: [],
  natsKey: undefined,
  sequence: 0,
  lastStatement: "",
};
const signed = (text: string, by = secret) => signText(native, { text, secret: by });
const signature = signed(loginText(challenge));
const good = { challenge, signature, identity, gateway, now: at(1), verify };
const code = (changes: Partial<Parameters<typeof checkLogin>[0]>): string => {
  const answer = checkLogin({ ...good, ...changes });
  return answer.ok ? "ok" : answer.code;
};
/** The challenge with changes, and a signature of the right key over it. */
const resigned = (changes: object) => {
  const changed = { ...challenge, ...changes } as LoginChallenge;
  return { challenge: changed, signature: signed(taggedText("cnct/login/v1", changed)) };
};

describe("a login", () => {
  test("is for whoever signs the challenge with the root key", () =>
    assert.deepEqual(checkLogin(good), { ok: true, id, scopes: challenge.scopes }));

  test("is not for another key, another text, or another purpose", () => {
    assert.equal(code({ signature: signed(loginText(challenge), other) }), "signature-wrong");
    assert.equal(code({ signature: "" }), "signature-wrong");
    const purpose = taggedText("cnct/identity-registered/v1", challenge);
    assert.equal(code({ signature: signed(purpose) }), "signature-wrong");
    for (const changes of [
      { nonce: "cd".repeat(16) },
      { scopes: ["admin:all"] },
      { expiresAt: at(4) },
    ])
      assert.equal(code({ challenge: { ...challenge, ...changes } }), "signature-wrong");
  });

  test("is worth nothing at another gateway", () => {
    for (const changes of [{ domain: "evil.example" }, { uri: "https://evil.example/auth/token" }])
      assert.equal(code(resigned(changes)), "challenge-of-another-gateway");
  });

  test("is good from its instant until just before it expires", () => {
    assert.equal(code({ now: noon - 1 }), "challenge-not-yet-valid");
    assert.equal(code({ now: noon }), "ok");
    assert.equal(code({ now: at(5) - 1 }), "ok");
    assert.equal(code({ now: at(5) }), "challenge-expired");
  });

  test("is for an identity that is registered and not revoked", () => {
    assert.equal(code({ identity: { status: "unknown" } }), "identity-unknown");
    assert.equal(
      code({ identity: { ...identity, id: `cnct:${"q".repeat(52)}` } }),
      "identity-unknown",
    );
    assert.equal(code({ identity: { ...identity, status: "revoked" } }), "identity-revoked");
  });

  test("follows a rotation: the old key is no longer enough", () => {
    const rotated = { ...identity, rootKey: hexOf(native.ed25519.publicKey(other)) };
    assert.equal(code({ identity: rotated }), "signature-wrong");
    assert.equal(code({ identity: rotated, signature: signed(loginText(challenge), other) }), "ok");
  });

  for (const [what, changes] of Object.entries({
    "of another version": { version: 2 },
    "with another field": { more: 1 },
    "without an identity": { id: "ada" },
    "with a guessable nonce": { nonce: "ab".repeat(15) },
    "with a long nonce": { nonce: "ab".repeat(33) },
    "with a nonce of half a byte": { nonce: `${"ab".repeat(16)}a` },
    "that lasts longer than 5 minutes": { expiresAt: noon + challengeMsMax + 1 },
    "that ends as it begins": { expiresAt: noon },
    "with a fractional instant": { issuedAt: noon + 0.5 },
    "without scopes": { scopes: [] },
    "with scopes out of order": { scopes: ["jobs:submit", "jobs:read"] },
    "with a scope twice": { scopes: ["jobs:read", "jobs:read"] },
    "with a scope of no form": { scopes: ["everything"] },
    "with a line break in its domain": { domain: "cnct.example\nadmin" },
  }))
    test(`answers no challenge ${what}`, () => {
      assert.equal(code(resigned(changes)), "challenge-malformed");
      assert.equal(isChallenge({ ...challenge, ...changes }), false);
    });
});

describe("a scope", () => {
  const job = "ab".repeat(32);
  test("names an operation, or one on one job", () => {
    for (const scope of ["jobs:submit", "rewards:claim-all", `jobs:read:${job}`])
      assert.equal(isScope(scope), true, scope);
    for (const bad of [
      "jobs",
      "jobs:",
      ":read",
      "Jobs:read",
      "jobs:read:ab",
      `jobs:read:${job}:x`,
      1,
      ["jobs:read"],
    ])
      assert.equal(isScope(bad), false, String(bad));
  });

  test("for one job does not reach another, nor other operations", () => {
    const granted = [`jobs:read:${job}`];
    assert.equal(allows(granted, "jobs:read", job), true);
    assert.equal(allows(granted, "jobs:read", "cd".repeat(32)), false);
    assert.equal(allows(granted, "jobs:read"), false);
    assert.equal(allows(granted, "jobs:cancel", job), false);
    assert.equal(allows(["jobs:read"], "jobs:read", job), true);
  });
});
