/** Attacks on registrations, statements and logins. */
import { hexOf } from "../../../crypto/bytes.ts";
import { native } from "../../../crypto/primitives-native.ts";
import { newEncryptionPair, newSigningPair, signText } from "../../../crypto/signatures.ts";
import { clientAccountOf, cnctId, nextRootKeyHash } from "../../../domain/identity/inception.ts";
import { encryptionKeyId, taggedText } from "../../../domain/identity/keys.ts";
import { loginText } from "../../../domain/identity/login.ts";
import {
  additionText,
  registrationText,
  retirementText,
  revocationText,
  rotationText,
} from "../../../domain/identity/statements.ts";
import {
  askGraphql,
  challengeFor,
  loginWith,
  newPerson,
  type Person,
  register,
  registration,
  requestChallenge,
  revoke,
  statementOf,
} from "../identity-client.ts";
import { answer, answerChanged, ask, at, type Row, type Stage } from "./stage.ts";

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
const someone = async ({ url }: Stage): Promise<Person> => {
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

/** The order of the group: S and S + L verify the same where nobody looks. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const malleated = (signature: string): string => {
  const bytes = Buffer.from(signature, "hex");
  const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString("hex")}`) + order;
  const turned = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse();
  return hexOf(Buffer.concat([bytes.subarray(0, 32), turned]));
};

const mine = ({ url, ada }: Stage) => requestChallenge(url, ada.id, ["jobs:submit"]);
const minute = 60_000;

export const loginRows: readonly Row[] = [
  {
    name: "a challenge that was answered before",
    code: "challenge-unknown",
    prepare: async (stage) => {
      const challenge = await mine(stage);
      const signature = stage.ada.sign(loginText(challenge));
      await answer(stage, challenge, signature);
      return () => answer(stage, challenge, signature);
    },
  },
  {
    name: "a challenge that has expired",
    code: "challenge-expired",
    prepare: async (stage) => {
      const challenge = await mine(stage);
      return async () => {
        stage.setOffset(5 * minute + 1);
        return answer(stage, challenge, stage.ada.sign(loginText(challenge)));
      };
    },
  },
  {
    name: "a challenge that begins later",
    code: "challenge-not-yet-valid",
    prepare: at((stage) =>
      answerChanged(stage, ({ issuedAt, expiresAt }) => ({
        issuedAt: issuedAt + minute,
        expiresAt: expiresAt + minute,
      })),
    ),
  },
  {
    name: "a challenge of another gateway",
    code: "challenge-of-another-gateway",
    prepare: at(async (stage) => {
      const { ada, other } = stage;
      const challenge = await requestChallenge(other.url, ada.id, ["jobs:submit"]);
      return answer(stage, challenge, ada.sign(loginText(challenge)));
    }),
  },
  {
    name: "another gateway's challenge under this gateway's name",
    code: "challenge-unknown",
    prepare: at(async (stage) => {
      const { ada, other } = stage;
      const foreign = await requestChallenge(other.url, ada.id, ["jobs:submit"]);
      const { domain, uri } = await mine(stage);
      const challenge = { ...foreign, domain, uri };
      return answer(stage, challenge, ada.sign(loginText(challenge)));
    }),
  },
  {
    name: "a challenge for another domain",
    code: "challenge-of-another-gateway",
    prepare: at((stage) => answerChanged(stage, () => ({ domain: "bank.example" }))),
  },
  {
    name: "a challenge for another address",
    code: "challenge-of-another-gateway",
    prepare: at((stage) => answerChanged(stage, ({ uri }) => ({ uri: `${uri}/other` }))),
  },
  {
    name: "a challenge with more scopes than were asked for",
    code: "challenge-unknown",
    prepare: at((stage) =>
      answerChanged(stage, () => ({ scopes: ["jobs:submit", "nodes:register"] })),
    ),
  },
  {
    name: "a challenge that was made to last",
    code: "challenge-unknown",
    prepare: at((stage) => answerChanged(stage, ({ expiresAt }) => ({ expiresAt: expiresAt - 1 }))),
  },
  {
    name: "a challenge that lasts longer than any may",
    code: "challenge-malformed",
    prepare: at((stage) =>
      answerChanged(stage, ({ expiresAt }) => ({ expiresAt: expiresAt + minute })),
    ),
  },
  {
    name: "a challenge with a nonce of one's own",
    code: "challenge-unknown",
    prepare: at((stage) => answerChanged(stage, () => ({ nonce: "ab".repeat(32) }))),
  },
  {
    name: "a challenge with a field more",
    code: "challenge-malformed",
    prepare: at((stage) => answerChanged(stage, () => ({ admin: true }))),
  },
  {
    name: "a signature for another purpose",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      const text = taggedText("cnct/result/v1", challenge);
      return answer(stage, challenge, stage.ada.sign(text));
    }),
  },
  {
    name: "a signature of another key",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, stage.eve.sign(loginText(challenge)));
    }),
  },
  {
    name: "a signature over somebody else's challenge",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const { url, ada, eve } = stage;
      const hers = await requestChallenge(url, eve.id, ["jobs:submit"]);
      return answer(stage, { ...hers, id: ada.id }, eve.sign(loginText(hers)));
    }),
  },
  {
    name: "a good signature, made another one (S + L)",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, malleated(stage.ada.sign(loginText(challenge))));
    }),
  },
  {
    name: "a signature that is cut",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, stage.ada.sign(loginText(challenge)).slice(0, -2));
    }),
  },
  {
    name: "a login without a proof",
    code: "proof-missing",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      const signature = stage.ada.sign(loginText(challenge));
      return ask(stage, loginWith, { challenge, signature });
    }),
  },
  {
    name: "a scope that there is not",
    code: "bad-scopes",
    prepare: at((stage) =>
      ask(stage, challengeFor, { id: stage.ada.id, scopes: ["admin:everything"] }),
    ),
  },
  {
    name: "a scope for a job where no jobs are",
    code: "bad-scopes",
    prepare: at((stage) => {
      const scopes = [`nodes:register:${"a".repeat(64)}`];
      return ask(stage, challengeFor, { id: stage.ada.id, scopes });
    }),
  },
  {
    name: "a challenge for nobody",
    code: "identity-unknown",
    prepare: at((stage) => {
      const id = cnctId({ ...stage.ada.record, nonce: "ab".repeat(16) });
      return ask(stage, challengeFor, { id, scopes: ["jobs:submit"] });
    }),
  },
  {
    name: "a login of an identity that was revoked after it asked for the challenge",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = await someone(stage);
      const challenge = await requestChallenge(stage.url, person.id, ["jobs:submit"]);
      await revoke(stage.url, person);
      return () => answer(stage, challenge, person.sign(loginText(challenge)), person);
    },
  },
  {
    name: "a login with a root key that was rotated away",
    code: "signature-wrong",
    prepare: async (stage) => {
      const person = await someone(stage);
      const challenge = await requestChallenge(stage.url, person.id, ["jobs:submit"]);
      await rotate(stage, person);
      return () => answer(stage, challenge, person.sign(loginText(challenge)), person);
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
