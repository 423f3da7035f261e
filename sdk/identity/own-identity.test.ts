/** Identities of one's own: made, changed, put together again, and never seen through. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { fromPublic, fromSeed } from "@nats-io/nkeys";
import { hexOf } from "../../crypto/bytes.ts";
import { native } from "../../crypto/primitives-native.ts";
import { portable } from "../../crypto/primitives-portable.ts";
import { keyRules } from "../../crypto/signatures.ts";
import { encryptionKeyId } from "../../domain/identity/keys.ts";
import {
  isNatsUserKey,
  natsUserKey,
  natsUserSeed,
  secretOfNatsSeed,
} from "../../domain/identity/nats-key.ts";
import {
  changed,
  prepareEncryptionKey,
  prepareRetirement,
  prepareRevocation,
  prepareRotation,
  prepareTransportKey,
} from "./changes.ts";
import { newIdentity, ownIdentity, secretsOf } from "./own-identity.ts";

describe("an identity of one's own", () => {
  const ada = newIdentity({ roles: ["worker", "client"] }, native);

  test("is named by its record, and pays from the account of that name", () => {
    assert.match(ada.id, /^cnct:[a-z2-7]{52}$/);
    assert.equal(ada.account, `client:${ada.id.slice(5)}`);
    assert.deepEqual(ada.roles, ["client", "worker"]);
    assert.notEqual(newIdentity({}, native).id, newIdentity({}, native).id);
  });

  test("signs what its root key verifies, with either implementation", () => {
    const signature = ada.sign("cnct/test/v1\n{}");
    for (const primitives of [native, portable])
      assert.ok(
        keyRules(primitives).verify({
          publicKey: ada.rootKey,
          text: "cnct/test/v1\n{}",
          signature,
        }),
      );
  });

  test("shows no secret when it is printed or turned into JSON", () => {
    const { root, nextRoot, encryption, natsSeed } = secretsOf(ada);
    const shown = `${inspect(ada, { depth: 10, showHidden: true })}${JSON.stringify(ada)}${ada}`;
    for (const secret of [root, nextRoot, ...encryption, natsSeed ?? ""]) {
      assert.ok(secret.length >= 58);
      assert.ok(!shown.toLowerCase().includes(secret.toLowerCase()));
    }
  });

  test("that is put together again is the same", () => {
    const { record, registration, statements } = ada;
    const again = ownIdentity({ record, registration, statements }, secretsOf(ada), portable);
    assert.equal(JSON.stringify(again), JSON.stringify(ada));
  });

  test("whose parts do not fit is refused, and the sentence holds no secret", () => {
    const bob = newIdentity({ roles: ["worker"] }, native);
    const { record, registration, statements } = ada;
    const history = { record, registration, statements };
    const good = secretsOf(ada);
    const cases = [
      [history, { ...good, root: secretsOf(bob).root }],
      [history, { ...good, nextRoot: good.root }],
      [history, { ...good, encryption: secretsOf(bob).encryption }],
      [history, { ...good, natsSeed: natsUserSeed(new Uint8Array(32)) }],
      [history, { ...good, root: "00" }],
      [{ ...history, registration: bob.registration }, good],
      [{ ...history, record: { ...record, nonce: "00".repeat(16) } }, good],
      [{ ...history, record: null as never }, good],
      [{ ...history, statements: [{ ...prepareRotation(bob, native) }] }, good],
    ] as const;
    for (const [parts, secrets] of cases)
      assert.throws(
        () => ownIdentity(parts, secrets, native),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "identity-damaged");
          for (const secret of [...Object.values(good), ...Object.values(secretsOf(bob))].flat())
            assert.ok(!`${error.message}${error.stack}`.includes(secret));
          return true;
        },
      );
  });

  test("keeps its name through every change, and opens with keys that it retired", () => {
    const [first = ""] = ada.encryptionKeys;
    let own = changed(ada, prepareRotation(ada, native), native);
    assert.notEqual(own.rootKey, ada.rootKey);
    own = changed(own, prepareEncryptionKey(own, native), native);
    own = changed(own, prepareRetirement(own, encryptionKeyId(first)), native);
    assert.equal(own.encryptionKeys.length, 1);
    assert.equal(own.encryptionSecret(encryptionKeyId(first))?.length, 32);
    assert.equal(own.encryptionSecret("00".repeat(32)), undefined);
    own = changed(own, prepareTransportKey(own, native), native);
    assert.notEqual(own.natsKey, ada.natsKey);
    own = changed(own, prepareRotation(own, portable), portable);
    assert.deepEqual([own.id, own.sequence, own.isRevoked], [ada.id, 5, false]);
    own = changed(own, prepareRevocation(own, "retired"), native);
    assert.deepEqual([own.id, own.sequence, own.isRevoked], [ada.id, 6, true]);
    assert.throws(() => changed(own, prepareRotation(own, native), native), /IdentityRevoked/);
  });
});

test("a NATS key is spelled as NATS spells it", () => {
  for (let round = 0; round < 20; round++) {
    const secret = native.randomBytes(32);
    const seed = natsUserSeed(secret);
    const key = natsUserKey(native.ed25519.publicKey(secret));
    const pair = fromSeed(new TextEncoder().encode(seed));
    assert.equal(pair.getPublicKey(), key);
    assert.ok(isNatsUserKey(key));
    assert.equal(hexOf(secretOfNatsSeed(seed) ?? new Uint8Array()), hexOf(secret));
    const message = native.randomBytes(20);
    assert.ok(fromPublic(key).verify(message, pair.sign(message)));
  }
  const account = "SAAGGR3LUXFE6OJCGSJ3QMJ5VCBGR4Q7DZGBOGS4JPFKRZGZBMUOOOQHWE";
  for (const text of ["", "SU", account, `${natsUserSeed(new Uint8Array(32))}A`])
    assert.equal(secretOfNatsSeed(text), undefined);
});
