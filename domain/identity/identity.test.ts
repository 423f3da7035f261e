/**
 * The life of an identity, with real signatures. One file, because forged, replayed and re-bound
 * statements are made from the honest ones, and the last test asks whether each refusal was shown.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { hexOf } from "../../crypto/bytes.ts";
import { portable } from "../../crypto/primitives-portable.ts";
import { keyRules, signText } from "../../crypto/signatures.ts";
import { assertEachRefusalShown, given, noon, noting } from "../../testing/given.ts";
import type { IdentityCommand, IdentityEvent } from "./events.ts";
import { type IdentityRefusal, identity, retiredKeysMax, statementsMax } from "./identity.ts";
import { cnctId, type InceptionRecord, nextRootKeyHash } from "./inception.ts";
import { encryptionKeyId, type PublicKey } from "./keys.ts";
import {
  additionText,
  registrationText,
  replacementText,
  retirementText,
  revocationText,
  rotationText,
} from "./statements.ts";

const rules = keyRules(portable);
const { decider, refusals } = noting(identity(rules));
const anIdentity = given(decider);

/** Key pairs made of one number, so that each run has the same. */
const signing = (n: number) => {
  const secret = new Uint8Array(32).fill(n);
  return { secret, publicKey: hexOf(portable.ed25519.publicKey(secret)) };
};
const encryption = (n: number): PublicKey =>
  hexOf(portable.x25519.publicKey(new Uint8Array(32).fill(n)));
const sign = (by: ReturnType<typeof signing>, text: string) =>
  signText(portable, { text, secret: by.secret });

const [root, second, third, eve] = [signing(1), signing(2), signing(3), signing(66)];
const natsKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
const record: InceptionRecord = {
  version: 1,
  rootKey: root.publicKey,
  nextRootKeyHash: nextRootKeyHash(second.publicKey),
  encryptionKeys: [encryption(11)],
  natsKey,
  roles: ["client", "worker"],
  nonce: "00".repeat(16),
};
const id = cnctId(record);
const by = { actor: "service:gateway", now: noon } as const;
const fact = { at: noon } as const;

const register = (
  about: InceptionRecord = record,
  signer = root,
  name = cnctId(about),
): Extract<IdentityCommand, { type: "RegisterIdentity" }> => ({
  type: "RegisterIdentity",
  id: name,
  record: about,
  signature: sign(signer, registrationText(about)),
  ...by,
});
const registered: IdentityEvent = {
  type: "IdentityRegistered",
  id,
  record,
  signature: sign(root, registrationText(record)),
  ...fact,
};

type Rotation = Extract<IdentityCommand, { type: "RotateRootKey" }>;
const rotate = (sequence = 1, to = second, next = third, signer = to): Rotation => {
  const rotation = {
    id,
    sequence,
    rootKey: to.publicKey,
    nextRootKeyHash: nextRootKeyHash(next.publicKey),
  };
  return {
    type: "RotateRootKey",
    ...rotation,
    signature: sign(signer, rotationText(rotation)),
    ...by,
  };
};
const add = (sequence: number, key: PublicKey, signer = root): IdentityCommand => {
  const addition = { id, sequence, key };
  return {
    type: "AddEncryptionKey",
    ...addition,
    signature: sign(signer, additionText(addition)),
    ...by,
  };
};
const retire = (sequence: number, key: PublicKey, signer = root): IdentityCommand => {
  const retirement = { id, sequence, keyId: encryptionKeyId(key) };
  const signature = sign(signer, retirementText(retirement));
  return { type: "RetireEncryptionKey", ...retirement, signature, ...by };
};
const replace = (sequence: number, key = natsKey, signer = root): IdentityCommand => {
  const replacement = { id, sequence, natsKey: key };
  const signature = sign(signer, replacementText(replacement));
  return { type: "ReplaceTransportKey", ...replacement, signature, ...by };
};
const revoke = (sequence: number, signer = root, named = signer): IdentityCommand => {
  const revocation = {
    id,
    sequence,
    reason: "key-compromised",
    signedBy: named.publicKey,
  } as const;
  const signature = sign(signer, revocationText(revocation));
  return { type: "RevokeIdentity", ...revocation, signature, ...by };
};

/** The fact that a command becomes when it is accepted. */
const factOf = (command: IdentityCommand): IdentityEvent => {
  const types = {
    RegisterIdentity: "IdentityRegistered",
    RotateRootKey: "RootKeyRotated",
    AddEncryptionKey: "EncryptionKeyAdded",
    RetireEncryptionKey: "EncryptionKeyRetired",
    ReplaceTransportKey: "TransportKeyReplaced",
    RevokeIdentity: "IdentityRevoked",
  } as const;
  const { actor: _, now: at, type, ...rest } = command;
  return { ...rest, type: types[type], at } as IdentityEvent;
};
const rotated = factOf(rotate());
const added = factOf(add(1, encryption(12)));
const stateAfter = (...events: readonly IdentityEvent[]) =>
  events.reduce(decider.evolve, decider.initial);

describe("an identity", () => {
  test("is registered by whoever has the root key of its record", () =>
    anIdentity().when(register()).thenRecords(registered));

  test("is named by its record alone", () => {
    assert.match(id, /^cnct:[a-z2-7]{51}[aq]$/);
    assert.equal(id, "cnct:d5hqzfya5yhqxqzsfwl2quwbxisl6w4g3xsdki4hktnwbwagl3la");
    assert.notEqual(cnctId({ ...record, nonce: "11".repeat(16) }), id);
    const other = cnctId({ ...record, nonce: "11".repeat(16) });
    anIdentity()
      .when(register(record, root, other))
      .thenRefuses("IdNotOfRecord");
  });

  test("is not registered with another's signature, nor with one for another purpose", () => {
    anIdentity().when(register(record, eve)).thenRefuses("SignatureWrong");
    const { signature } = rotate(1, root, second);
    anIdentity()
      .when({ ...register(), signature })
      .thenRefuses("SignatureWrong");
    anIdentity()
      .when({ ...register(), signature: "" })
      .thenRefuses("SignatureWrong");
  });

  test("is not registered with keys that can be played with", () => {
    // The neutral point signs anything by a lax rule; zero shares a secret with everybody.
    const neutral = `01${"00".repeat(31)}`;
    anIdentity()
      .when(register({ ...record, rootKey: neutral }))
      .thenRefuses("UnsafeKey");
    const zero = { ...record, encryptionKeys: ["00".repeat(32)] };
    anIdentity().when(register(zero)).thenRefuses("UnsafeKey");
  });

  test("begins with a whole record", () => {
    for (const bad of [
      { ...record, nonce: "" },
      { ...record, roles: [] },
      { ...record, more: 1 },
    ] as readonly InceptionRecord[])
      anIdentity()
        .when({ ...register(), record: bad })
        .thenRefuses("BadInception");
  });

  test("that nobody registered can say nothing", () => {
    for (const command of [rotate(), add(1, encryption(12)), revoke(1)])
      anIdentity().when(command).thenRefuses("IdentityUnknown");
    const another = { ...rotate(), id: cnctId({ ...record, nonce: "22".repeat(16) }) };
    anIdentity(registered).when(another).thenRefuses("IdentityUnknown");
  });

  describe("rotates its root key", () => {
    test("to the one that it prepared", () => {
      anIdentity(registered).when(rotate()).thenRecords(rotated);
      const state = stateAfter(registered, rotated);
      assert.ok(state.status === "active");
      assert.equal(state.rootKey, second.publicKey);
      assert.equal(state.id, id, "the name stays");
      anIdentity(registered, rotated)
        .when(rotate(2, third, signing(4)))
        .thenRecords(factOf(rotate(2, third, signing(4))));
    });

    test("to no other, even if a thief has the root key", () => {
      anIdentity(registered)
        .when(rotate(1, eve, third))
        .thenRefuses("NotThePreparedKey");
      anIdentity(registered)
        .when(rotate(1, second, third, root))
        .thenRefuses("SignatureWrong");
      anIdentity(registered)
        .when(rotate(1, second, third, eve))
        .thenRefuses("SignatureWrong");
    });

    test("and prepares another one in the same step", () => {
      anIdentity(registered)
        .when(rotate(1, second, second))
        .thenRefuses("NextKeyNotNew");
      anIdentity(registered)
        .when(rotate(1, second, root))
        .thenRefuses("NextKeyNotNew");
    });

    test("not to a key that can be played with, though it was prepared", () => {
      const { publicKey } = second;
      const wary = { ...rules, isSafeSigningKey: (key: PublicKey) => key !== publicKey };
      const strict = identity(wary);
      given(strict)(registered).when(rotate()).thenRefuses("UnsafeKey");
      given(strict)(registered).when(revoke(1, second)).thenRefuses("UnsafeKey");
    });

    test("after which the old key says nothing any more", () => {
      anIdentity(registered, rotated)
        .when(add(2, encryption(12)))
        .thenRefuses("SignatureWrong");
      anIdentity(registered, rotated)
        .when(add(2, encryption(12), second))
        .thenRecords(factOf(add(2, encryption(12), second)));
      anIdentity(registered, rotated).when(revoke(2, root)).thenRefuses("NotThePreparedKey");
    });
  });

  describe("changes its encryption keys", () => {
    test("by adding one and retiring another", () => {
      anIdentity(registered)
        .when(add(1, encryption(12)))
        .thenRecords(added);
      anIdentity(registered, added)
        .when(retire(2, encryption(11)))
        .thenRecords(factOf(retire(2, encryption(11))));
      const state = stateAfter(registered, added, factOf(retire(2, encryption(11))));
      assert.ok(state.status === "active");
      assert.deepEqual(state.encryptionKeys, [encryption(12)]);
    });

    test("but keeps one, and takes none twice", () => {
      anIdentity(registered)
        .when(retire(1, encryption(11)))
        .thenRefuses("LastEncryptionKey");
      anIdentity(registered)
        .when(retire(1, encryption(12)))
        .thenRefuses("EncryptionKeyUnknown");
      anIdentity(registered)
        .when(add(1, encryption(11)))
        .thenRefuses("EncryptionKeyKnown");
      const gone = [registered, added, factOf(retire(2, encryption(11)))];
      anIdentity(...gone)
        .when(add(3, encryption(11)))
        .thenRefuses("EncryptionKeyAlreadyRetired");
      anIdentity(...gone)
        .when(retire(3, encryption(11)))
        .thenRefuses("EncryptionKeyAlreadyRetired");
      anIdentity(registered)
        .when(add(1, "00".repeat(32)))
        .thenRefuses("UnsafeKey");
    });

    test("up to 8 at a time, and 256 retired ones", () => {
      const full = Array.from({ length: 7 }, (_, i) => factOf(add(i + 1, encryption(20 + i))));
      anIdentity(registered, ...full.slice(0, 6))
        .when(add(7, encryption(26)))
        .thenRecords(factOf(add(7, encryption(26))));
      anIdentity(registered, ...full)
        .when(add(8, encryption(40)))
        .thenRefuses("TooManyKeys");
      const long = Array.from({ length: retiredKeysMax }, (_, i) => ({
        ...factOf(retire(2 + i, encryption(12))),
        keyId: hexOf(Uint8Array.from({ length: 32 }, (_, at) => (at < 2 ? i >> (8 * at) : 0))),
      })) as IdentityEvent[];
      anIdentity(registered, added, ...long)
        .when(retire(retiredKeysMax + 2, encryption(12)))
        .thenRefuses("TooManyKeys");
    });
  });

  test("replaces the key of its transport if it is a worker's", () => {
    const command = replace(1);
    anIdentity(registered).when(command).thenRecords(factOf(command));
    const { natsKey: _, ...rest } = record;
    const about: InceptionRecord = { ...rest, roles: ["client"] };
    const clientId = cnctId(about);
    const statement = { id: clientId, sequence: 1, natsKey };
    anIdentity(factOf(register(about)))
      .when({
        type: "ReplaceTransportKey",
        ...statement,
        signature: sign(root, replacementText(statement)),
        ...by,
      })
      .thenRefuses("NotAWorker");
  });

  describe("is revoked", () => {
    test("by its root key, or by the prepared one when that was stolen", () => {
      anIdentity(registered)
        .when(revoke(1))
        .thenRecords(factOf(revoke(1)));
      anIdentity(registered)
        .when(revoke(1, second))
        .thenRecords(factOf(revoke(1, second)));
    });

    test("by nobody else", () => {
      anIdentity(registered).when(revoke(1, eve)).thenRefuses("NotThePreparedKey");
      anIdentity(registered)
        .when(revoke(1, eve, root))
        .thenRefuses("SignatureWrong");
    });

    test("for good", () => {
      const past = [registered, factOf(revoke(1))];
      for (const command of [rotate(2), add(2, encryption(12)), revoke(2), register()])
        anIdentity(...past)
          .when(command)
          .thenRefuses("IdentityRevoked");
    });
  });

  describe("is told something again", () => {
    test("a statement of before, after others: it is refused", () => {
      const past = [registered, added, factOf(retire(2, encryption(12)))];
      anIdentity(...past)
        .when(add(1, encryption(12)))
        .thenRefuses("SequenceWrong");
      anIdentity(...past)
        .when(retire(2, encryption(12)))
        .thenNothing();
      anIdentity(registered, rotated, factOf(rotate(2, third, signing(4))))
        .when(rotate())
        .thenRefuses("SequenceWrong");
      anIdentity(registered)
        .when(add(2, encryption(12)))
        .thenRefuses("SequenceWrong");
    });

    test("its registration, whatever came after: nothing changes", () =>
      anIdentity(registered, rotated).when(register()).thenNothing());

    test("about another identity, with the same keys: it is refused", () => {
      const twin = { ...record, nonce: "33".repeat(16) };
      const command = { ...add(1, encryption(12)), id: cnctId(twin) };
      anIdentity(factOf(register(twin)))
        .when(command)
        .thenRefuses("SignatureWrong");
    });

    test("with a signature that was made for another purpose: it is refused", () => {
      const commands = [
        rotate(1),
        add(1, encryption(12)),
        retire(1, encryption(11)),
        replace(1),
        revoke(1),
      ];
      const signatures = [...commands, register()].map(({ signature }) => signature);
      for (const command of commands)
        for (const signature of signatures)
          if (signature !== command.signature)
            anIdentity(registered)
              .when({ ...command, signature })
              .thenRefuses("SignatureWrong");
    });

    test("with one field changed: it is refused", () => {
      const key = encryption(13);
      const changed: readonly IdentityCommand[] = [
        { ...add(1, encryption(12)), key } as IdentityCommand,
        { ...add(2, encryption(12)), sequence: 1 } as IdentityCommand,
        { ...rotate(), nextRootKeyHash: nextRootKeyHash(eve.publicKey) },
        { ...retire(1, encryption(11)), keyId: encryptionKeyId(key) } as IdentityCommand,
        { ...revoke(1), reason: "retired" } as IdentityCommand,
      ];
      for (const command of changed)
        anIdentity(registered).when(command).thenRefuses("SignatureWrong");
    });
  });

  test("states a thousand things at most, and then only its end", () => {
    const fact = factOf(replace(1));
    const said = Array.from(
      { length: statementsMax },
      (_, i) => ({ ...fact, sequence: i + 1 }) as IdentityEvent,
    );
    const [next, end] = [replace(statementsMax + 1), revoke(statementsMax + 1)];
    anIdentity(registered, ...said)
      .when(next)
      .thenRefuses("TooManyStatements");
    anIdentity(registered, ...said)
      .when(end)
      .thenRecords(factOf(end));
  });

  test("makes statements of a form that can be read in one way only", () => {
    const malformed: readonly Partial<Record<string, unknown>>[] = [
      { ...rotate(), sequence: 0 },
      { ...rotate(), sequence: 1.5 },
      { ...rotate(), sequence: "1" },
      { ...rotate(), rootKey: second.publicKey.toUpperCase() },
      { ...rotate(), nextRootKeyHash: "beef" },
      { ...add(1, encryption(12)), key: "beef" },
      { ...retire(1, encryption(11)), keyId: undefined },
      { ...replace(1), natsKey: natsKey.replace("D", "E") },
      { ...revoke(1), reason: "because" },
      { ...revoke(1), signedBy: [root.publicKey] },
    ];
    for (const command of malformed)
      anIdentity(registered)
        .when(command as unknown as IdentityCommand)
        .thenRefuses("BadStatement");
  });

  after(() => {
    const all: Readonly<Record<IdentityRefusal, true>> = {
      BadInception: true,
      IdNotOfRecord: true,
      UnsafeKey: true,
      SignatureWrong: true,
      IdentityUnknown: true,
      IdentityRevoked: true,
      SequenceWrong: true,
      BadStatement: true,
      NotThePreparedKey: true,
      NextKeyNotNew: true,
      TooManyKeys: true,
      TooManyStatements: true,
      EncryptionKeyKnown: true,
      EncryptionKeyAlreadyRetired: true,
      EncryptionKeyUnknown: true,
      LastEncryptionKey: true,
      NotAWorker: true,
    };
    assertEachRefusalShown(refusals, all);
  });
});
