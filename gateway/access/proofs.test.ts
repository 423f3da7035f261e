import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { wallClock } from "../../streams/clock.ts";
import { type ProofPair, proofFor } from "../testing/identity-client.ts";
import { proofKeys } from "./proof-keys.ts";
import { proofs } from "./proofs.ts";

const url = "https://gateway.example/graphql";
const wanted = { method: "POST", addresses: [url] };

describe("a proof", () => {
  test("may be made with the keys that browsers and Node have", async () => {
    const desk = proofs(wallClock);
    const pairs: readonly (readonly [string, ProofPair])[] = [
      ["EdDSA", generateKeyPairSync("ed25519")],
      ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ];
    for (const [alg, proofPair] of pairs) {
      const prove = () =>
        proofFor({ proofPair }, { method: "POST", url, nonce: desk.nonce() }, { header: { alg } });
      const first = await desk.spend(await prove(), wanted);
      assert.equal(await desk.spend(await prove(), wanted), first, "one key, one thumbprint");
    }
  });

  test("may name the address with a query, which does not count", async () => {
    const desk = proofs(wallClock);
    const proofPair = generateKeyPairSync("ed25519");
    const request = { method: "POST", url: `${url}?a=1#b`, nonce: desk.nonce() };
    assert.ok(await desk.spend(await proofFor({ proofPair }, request), wanted));
  });

  test("spends its name for its own key alone", async () => {
    const desk = proofs(wallClock);
    const spend = async () => {
      const proofPair = generateKeyPairSync("ed25519");
      const request = { method: "POST", url, nonce: desk.nonce() };
      const claims = { jti: "the same for both" };
      return desk.spend(await proofFor({ proofPair }, request, { claims }), wanted);
    };
    await spend();
    await spend();
  });
});

test("a key is public, of a kind that signs, and a point", async () => {
  const { read } = proofKeys();
  const jwk = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  assert.ok(await read(jwk));
  assert.equal(await read(jwk), await read({ ...jwk }), "it is read once");
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  assert.ok(await read(ec));
  for (const bad of [
    undefined,
    "key",
    {},
    { ...jwk, d: jwk.x },
    { ...jwk, x: 7 },
    { ...jwk, x: "" },
    { ...jwk, crv: "X25519" },
    { ...jwk, x5c: [] },
    { kty: "oct", k: jwk.x },
    { ...ec, y: ec.x },
    { ...ec, y: undefined },
    { ...ec, crv: "P-384" },
    generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }),
  ])
    assert.equal(await read(bad), undefined, JSON.stringify(bad));
});
