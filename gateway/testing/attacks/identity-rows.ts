import { native } from "../../../crypto/primitives-native.ts";
import { newEncryptionPair, newSigningPair, signText } from "../../../crypto/signatures.ts";
import { clientAccountOf, nextRootKeyHash } from "../../../domain/identity/inception.ts";
import { encryptionKeyId } from "../../../domain/identity/keys.ts";
import {
  additionText,
  registrationText,
  retirementText,
  revocationText,
  rotationText,
} from "../../../domain/identity/statements.ts";
import {
  askGraphql,
  newPerson,
  type Person,
  register,
  registration,
  revoke,
  statementOf,
} from "../identity-client.ts";
import { ask, at, type Row, type Stage } from "./stage.ts";

const registerAs = (
  stage: Stage,
  changes: object,
  sign = (person: Person, record: Person["record"]) => person.sign(registrationText(record)),
): Promise<string> => {
  const person = newPerson();
  const record = { ...person.record, ...changes };
  return ask(stage, registration, { record, signature: sign(person, record) });
};

/** The point of order 2, and a y that is not reduced. */
const smallOrder = `ec${"ff".repeat(30)}7f`;
const notCanonical = `ee${"ff".repeat(30)}7f`;

export const registrationRows: readonly Row[] = [
  {
    name: "a root key of small order, for which anybody can sign",
    code: "unsafe-key",
    prepare: at((stage) => registerAs(stage, { rootKey: smallOrder })),
  },
  {
    name: "a root key that is not spelled in its canonical form",
    code: "unsafe-key",
    prepare: at((stage) => registerAs(stage, { rootKey: notCanonical })),
  },
  {
    name: "an encryption key of small order",
    code: "unsafe-key",
    prepare: at((stage) => registerAs(stage, { encryptionKeys: ["00".repeat(32)] })),
  },
  {
    name: "a record that somebody else signed",
    code: "signature-wrong",
    prepare: at((stage) =>
      registerAs(stage, {}, (_, record) => stage.eve.sign(registrationText(record))),
    ),
  },
  {
    name: "a record with a field more than it may have",
    code: "bad-inception",
    prepare: at((stage) => registerAs(stage, { admin: true })),
  },
];

const state = (stage: Stage, statement: object, signature: string): Promise<string> =>
  ask(stage, statementOf, { statement, signature });

/** A new identity; with a statement of its own it stands at sequence 1. */
export const someone = async ({ url }: Stage): Promise<Person> => {
  const person = newPerson();
  await register(url, person);
  return person;
};
const additionBy = ({ id, sign }: Person, sequence: number) => {
  const addition = { id, sequence, key: newEncryptionPair(native).publicKey };
  const statement = { type: "EncryptionKeyAdded", ...addition };
  return { statement, signature: sign(additionText(addition)) };
};
const add = async (stage: Stage, person: Person, sequence: number) => {
  const variables = additionBy(person, sequence);
  await askGraphql(stage.url, { query: statementOf, variables });
  return variables;
};

export const statementRows: readonly Row[] = [
  {
    name: "a statement that is replayed after a later one",
    code: "sequence-wrong",
    prepare: async (stage) => {
      const person = await someone(stage);
      const { statement, signature } = await add(stage, person, 1);
      await add(stage, person, 2);
      return () => state(stage, statement, signature);
    },
  },
  {
    name: "a statement that skips a number",
    code: "sequence-wrong",
    prepare: async (stage) => {
      const { statement, signature } = additionBy(await someone(stage), 2);
      return () => state(stage, statement, signature);
    },
  },
  {
    name: "a statement about somebody else",
    code: "signature-wrong",
    prepare: at((stage) => {
      const forged = { ...stage.eve, id: stage.ada.id };
      const { statement, signature } = additionBy(forged, 1);
      return state(stage, statement, signature);
    }),
  },
  {
    name: "a statement of nobody",
    code: "identity-unknown",
    prepare: at((stage) => {
      const { statement, signature } = additionBy(newPerson(), 1);
      return state(stage, statement, signature);
    }),
  },
  {
    name: "a signature for one kind of statement under another",
    code: "signature-wrong",
    prepare: at((stage) => {
      const { id, record, sign } = stage.ada;
      const keyId = encryptionKeyId(record.encryptionKeys[0] ?? "");
      const signature = sign(additionText({ id, sequence: 1, key: keyId as string }));
      return state(stage, { type: "EncryptionKeyRetired", id, sequence: 1, keyId }, signature);
    }),
  },
  {
    name: "a statement with a field that belongs to none",
    code: "bad-statement",
    prepare: at((stage) => {
      const { statement, signature } = additionBy(stage.ada, 1);
      return state(stage, { ...statement, admin: true }, signature);
    }),
  },
  {
    name: "the last encryption key retired",
    code: "last-encryption-key",
    prepare: at((stage) => {
      const { id, record, sign } = stage.ada;
      const keyId = encryptionKeyId(record.encryptionKeys[0] ?? "");
      const retirement = { id, sequence: 1, keyId };
      const statement = { type: "EncryptionKeyRetired", ...retirement };
      return state(stage, statement, sign(retirementText(retirement)));
    }),
  },
  {
    name: "a rotation to a key that was not prepared",
    code: "not-the-prepared-key",
    prepare: at((stage) => {
      const [thief, next] = [newSigningPair(native), newSigningPair(native)];
      const rotation = {
        id: stage.ada.id,
        sequence: 1,
        rootKey: thief.publicKey,
        nextRootKeyHash: nextRootKeyHash(next.publicKey),
      };
      const signature = signText(native, { text: rotationText(rotation), secret: thief.secret });
      return state(stage, { type: "RootKeyRotated", ...rotation }, signature);
    }),
  },
  {
    name: "a rotation to the prepared key by who only has the old one",
    code: "signature-wrong",
    prepare: at((stage) => {
      const { id, next, sign } = stage.ada;
      const rotation = {
        id,
        sequence: 1,
        rootKey: next.publicKey,
        nextRootKeyHash: nextRootKeyHash(newSigningPair(native).publicKey),
      };
      const statement = { type: "RootKeyRotated", ...rotation };
      return state(stage, statement, sign(rotationText(rotation)));
    }),
  },
  {
    name: "a revocation by a key of somebody else",
    code: "not-the-prepared-key",
    prepare: at((stage) => {
      const { eve, ada } = stage;
      const revocation = {
        id: ada.id,
        sequence: 1,
        reason: "keys-lost",
        signedBy: eve.root.publicKey,
      } as const;
      const statement = { type: "IdentityRevoked", ...revocation };
      return state(stage, statement, eve.sign(revocationText(revocation)));
    }),
  },
  {
    name: "a statement after the end",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = await someone(stage);
      await revoke(stage.url, person);
      const { statement, signature } = additionBy(person, 2);
      return () => state(stage, statement, signature);
    },
  },
  {
    name: "a registration after the end",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = await someone(stage);
      await revoke(stage.url, person);
      const { record, sign } = person;
      const signature = sign(registrationText(record));
      return () => ask(stage, registration, { record, signature });
    },
  },
];

/** Goes on under the prepared key. */
export const rotate = async (stage: Stage, { id, next }: Person): Promise<void> => {
  const rotation = {
    id,
    sequence: 1,
    rootKey: next.publicKey,
    nextRootKeyHash: nextRootKeyHash(newSigningPair(native).publicKey),
  };
  const signature = signText(native, { text: rotationText(rotation), secret: next.secret });
  const done = await state(stage, { type: "RootKeyRotated", ...rotation }, signature);
  if (done !== "StatedIdentity") throw new Error(`${clientAccountOf(id)}: ${done}`);
};
