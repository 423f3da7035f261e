import {
  clientAccountOf,
  cnctId,
  type InceptionRecord,
  inceptionFault,
  isCnctId,
} from "../../domain/identity/inception.ts";
import { encryptionKeyId } from "../../domain/identity/keys.ts";
import { checkLogin, isChallenge, scopesMax } from "../../domain/identity/login.ts";
import { isGrantable } from "../../domain/identity/scopes.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { identityStream } from "../../streams/names.ts";
import type { Gate } from "../access/access.ts";
import type { KnownIdentity } from "../access/identities.ts";
import { statementCommand } from "../access/statement.ts";
import { type Context, seen } from "../context.ts";
import { identityRefusals, type Refusal } from "../errors.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "identity"> = {
  identity: async (_, { id, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return (await gateway.access.identities.find(id)) ?? null;
  },
};

/** What to say of a refusal that a signed statement met. */
const messages: Readonly<Record<keyof typeof identityRefusals, string>> = {
  BadInception: "the record is not well formed",
  IdNotOfRecord: "the id is not the hash of the record",
  UnsafeKey: "a key is of small order, or is not spelled in its one canonical form",
  SignatureWrong: "the signature is not one of the right key over exactly this",
  IdentityUnknown: "nobody registered an identity of that id",
  IdentityRevoked: "the identity was revoked, and nothing that it says from now on counts",
  SequenceWrong: "the sequence must be one more than that of the last statement",
  BadStatement: "a field of the statement does not hold what it should",
  NotThePreparedKey: "the key is not the one that was prepared: its hash differs",
  NextKeyNotNew: "the next root key must be a new one",
  TooManyKeys: "the identity has, or had, as many keys as it may",
  TooManyStatements: "the identity has stated as much as one may: it can only be revoked",
  EncryptionKeyKnown: "the identity has this key",
  EncryptionKeyAlreadyRetired: "the identity retired this key",
  EncryptionKeyUnknown: "the identity has no such key",
  LastEncryptionKey: "the last encryption key cannot be retired: add another one first",
  NotAWorker: "only a worker has a transport key",
};
const refused = (reason: keyof typeof identityRefusals) =>
  refusal({ code: identityRefusals[reason], message: messages[reason] });

export const accessOpen: Refusal = {
  code: "access-open",
  message: "this gateway is open: nobody logs in, and everybody may do everything",
};

export const Mutation: Pick<
  All["Mutation"],
  "registerIdentity" | "stateIdentity" | "requestChallenge" | "login"
> = {
  registerIdentity: async (_, { record, signature }, { gateway }) => {
    const fault = inceptionFault(record);
    if (fault !== undefined) return refusal({ code: "bad-inception", message: fault });
    const { store, ids, clock, access } = gateway;
    const id = cnctId(record as unknown as InceptionRecord);
    const answer = await handleCommand(
      { store, ids },
      access.identities.decider,
      { stream: identityStream(id), isNew: true },
      {
        type: "RegisterIdentity",
        id,
        record: record as unknown as InceptionRecord,
        signature,
        actor: id as string,
        now: clock.now(),
      },
    );
    if (!answer.ok) return refused(answer.reason);
    if (answer.events.length > 0) access.identities.forget(id);
    return { __typename: "RegisteredIdentity", id, position: String(answer.position ?? -1n) };
  },

  stateIdentity: async (_, { statement, signature }, { gateway }) => {
    const { store, ids, clock, access } = gateway;
    const command = statementCommand(statement, { signature, now: clock.now() });
    if (typeof command === "string") return refusal({ code: "bad-statement", message: command });
    const { id, sequence } = command;
    const stream = identityStream(id);
    const answer = await handleCommand(
      { store, ids },
      access.identities.decider,
      { stream },
      command,
    );
    if (!answer.ok) return refused(answer.reason);
    if (answer.events.length > 0) access.identities.forget(id);
    return { __typename: "StatedIdentity", id, sequence, position: String(answer.position ?? -1n) };
  },

  requestChallenge: async (_, { id, scopes }, { gateway, host }) => {
    const { gate, identities } = gateway.access;
    if (gate === undefined) return refusal(accessOpen);
    const wanted = [...new Set(scopes)].sort();
    const fault = scopesFault(wanted);
    if (fault) return refusal(fault);
    const identity = await identities.find(id);
    if (identity === undefined) return refused("IdentityUnknown");
    if (identity.status === "revoked") return refused("IdentityRevoked");
    const place = placeOf(gateway, host);
    const challenge = gate.challenges.make({ id, scopes: wanted, ...place });
    return { __typename: "LoginChallenge", challenge, expiresAt: challenge.expiresAt };
  },

  login: async (_, { challenge, signature }, { gateway, proofKey }) => {
    const { gate } = gateway.access;
    if (gate === undefined) return refusal(accessOpen);
    if (proofKey === undefined)
      return refusal({
        code: "proof-missing",
        message: "a login needs a proof of the key that the token will be bound to (header DPoP)",
      });
    return login(gate, { gateway, challenge, signature, proofKey });
  },
};

const login = async (
  gate: Gate,
  {
    gateway,
    challenge,
    signature,
    proofKey,
  }: {
    readonly gateway: Context["gateway"];
    readonly challenge: unknown;
    readonly signature: string;
    readonly proofKey: string;
  },
) => {
  const { access, clock } = gateway;
  if (!isChallenge(challenge))
    return refusal({ code: "challenge-malformed", message: "this is no challenge" });
  const { domain, uri, id, scopes } = challenge;
  const isOurs = access.addressesOf("/graphql").includes(uri) && new URL(uri).host === domain;
  const identity: KnownIdentity | undefined = await access.identities.find(id);
  const answer = checkLogin({
    challenge,
    signature,
    identity: identity ?? { status: "unknown" },
    gateway: isOurs ? { domain, uri } : placeOf(gateway, undefined),
    now: clock.now(),
    verify: access.rules.verify,
  });
  if (!answer.ok) return refusal({ code: answer.code, message: loginMessages[answer.code] });
  if (identity === undefined || !gate.challenges.spend(challenge))
    return refusal({
      code: "challenge-unknown",
      message: "this gateway did not make the challenge so, or it was answered: ask for a new one",
    });
  const { rootKey } = identity;
  const { token, expiresAt } = await gate.tokens.issue({ id, rootKey, scopes, proofKey });
  return { __typename: "AccessToken", token, expiresAt, scopes } as const;
};

const loginMessages: Readonly<
  Record<Extract<ReturnType<typeof checkLogin>, { readonly ok: false }>["code"], string>
> = {
  "challenge-malformed": "this is no challenge",
  "challenge-of-another-gateway": "the challenge names another gateway",
  "challenge-not-yet-valid": "the challenge is not good yet",
  "challenge-expired": "the challenge has expired: ask for a new one",
  "identity-unknown": messages.IdentityUnknown,
  "identity-revoked": messages.IdentityRevoked,
  "signature-wrong": "the signature is not one of the root key over exactly this challenge",
};

/** How the gateway calls itself towards a client. */
const placeOf = ({ access }: Context["gateway"], host: string | undefined) => {
  const [uri = ""] = access.addressesOf("/graphql", host);
  return { domain: new URL(uri).host, uri };
};

const scopesFault = (scopes: readonly string[]): Refusal | undefined => {
  if (scopes.length < 1 || scopes.length > scopesMax)
    return { code: "bad-scopes", message: `ask for 1 to ${scopesMax} scopes` };
  const bad = scopes.find((scope) => !isGrantable(scope));
  if (bad === undefined) return undefined;
  return { code: "bad-scopes", message: `there is no scope "${bad.slice(0, 120)}"` };
};

export const Identity: All["Identity"] = {
  status: ({ status }) => (status === "active" ? "ACTIVE" : "REVOKED"),
  account: ({ id }) => clientAccountOf(id),
  encryptionKeys: ({ encryptionKeys }) =>
    encryptionKeys.map((key) => ({ id: encryptionKeyId(key), key })),
  natsKey: ({ natsKey }) => natsKey ?? null,
  history: async ({ id }, _, { gateway: { store } }) => {
    const events = [];
    for await (const event of store.readStream(identityStream(id), "start")) events.push(event);
    return events;
  },
};

/** The identity that an owner is, if it is one. */
export const identityOf = async ({ gateway }: Context, owner: string) =>
  isCnctId(owner) ? ((await gateway.access.identities.find(owner)) ?? null) : null;
