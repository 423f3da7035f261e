/**
 * Somebody with an identity, as a test needs them: makes keys, registers, logs in and asks, with every
 * piece open to be made wrong.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { native } from "../../crypto/primitives-native.ts";
import { newEncryptionPair, newSigningPair, signText } from "../../crypto/signatures.ts";
import {
  type CnctId,
  clientAccountOf,
  cnctId,
  type InceptionRecord,
  nextRootKeyHash,
} from "../../domain/identity/inception.ts";
import type { Signature } from "../../domain/identity/keys.ts";
import { type LoginChallenge, loginText } from "../../domain/identity/login.ts";
import { registrationText, revocationText } from "../../domain/identity/statements.ts";

/** Answers are of every shape. */
type Answer = ReturnType<typeof JSON.parse>;

export interface Person {
  readonly id: CnctId;
  readonly account: string;
  readonly record: InceptionRecord;
  readonly root: ReturnType<typeof newSigningPair>;
  readonly next: ReturnType<typeof newSigningPair>;
  /** The key to which tokens are bound. */
  readonly proofPair: ProofPair;
  readonly sign: (text: string) => Signature;
}

export interface ProofPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
export const newProofPair = (): ProofPair => generateKeyPairSync("ed25519");

export const newPerson = (changes: Partial<InceptionRecord> = {}): Person => {
  const root = newSigningPair(native);
  const next = newSigningPair(native);
  const record: InceptionRecord = {
    version: 1,
    rootKey: root.publicKey,
    nextRootKeyHash: nextRootKeyHash(next.publicKey),
    encryptionKeys: [newEncryptionPair(native).publicKey],
    roles: ["client"],
    nonce: randomUUID().replaceAll("-", ""),
    ...changes,
  };
  const id = cnctId(record);
  return {
    id,
    account: clientAccountOf(id),
    record,
    root,
    next,
    proofPair: newProofPair(),
    sign: (text) => signText(native, { text, secret: root.secret }),
  };
};

export interface ProofChanges {
  readonly header?: object;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly pair?: ProofPair;
}

/** A proof for a request; `changes` make it another one. */
export const proofFor = (
  { proofPair }: Pick<Person, "proofPair">,
  request: {
    readonly method: string;
    readonly url: string;
    readonly nonce: string;
    readonly token?: string;
  },
  { header = {}, claims = {}, pair = proofPair }: ProofChanges = {},
): Promise<string> => {
  const { method, url, nonce, token } = request;
  const ath = token && createHash("sha256").update(token).digest("base64url");
  const jwk = pair.publicKey.export({ format: "jwk" });
  return new SignJWT({
    htm: method,
    htu: url,
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    nonce,
    ...(ath === undefined ? {} : { ath }),
    ...claims,
  })
    .setProtectedHeader({ alg: "EdDSA", typ: "dpop+jwt", jwk, ...header })
    .sign(pair.privateKey);
};

export interface GraphqlReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Answer;
}

/** Asks the GraphQL API of a gateway, with these headers. */
export const askGraphql = async (
  gateway: string,
  { query, variables = {} }: { readonly query: string; readonly variables?: object },
  headers: Readonly<Record<string, string>> = {},
): Promise<GraphqlReply> => {
  const response = await fetch(`${gateway}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

export const nonceOf = async (gateway: string): Promise<string> =>
  (await askGraphql(gateway, { query: "{ __typename }" })).headers.get("dpop-nonce") ?? "";

export const registration = `mutation ($record: InceptionRecordJson!, $signature: Hex!) {
  registerIdentity(record: $record, signature: $signature) {
    __typename ... on RegisteredIdentity { id position } ... on Refusal { code message } } }`;
export const statementOf = `mutation ($statement: IdentityStatementJson!, $signature: Hex!) {
  stateIdentity(statement: $statement, signature: $signature) {
    __typename ... on StatedIdentity { id position sequence } ... on Refusal { code message } } }`;
export const challengeFor = `mutation ($id: CnctId!, $scopes: [String!]!) {
  requestChallenge(id: $id, scopes: $scopes) {
    __typename ... on LoginChallenge { challenge expiresAt } ... on Refusal { code message } } }`;
export const loginWith = `mutation ($challenge: Json!, $signature: Hex!) {
  login(challenge: $challenge, signature: $signature) {
    __typename ... on AccessToken { token expiresAt scopes } ... on Refusal { code message } } }`;

export const register = async (gateway: string, { record, sign }: Person): Promise<Answer> => {
  const variables = { record, signature: sign(registrationText(record)) };
  return (await askGraphql(gateway, { query: registration, variables })).body.data.registerIdentity;
};

export const requestChallenge = async (
  gateway: string,
  id: CnctId,
  scopes: readonly string[],
): Promise<LoginChallenge> =>
  (await askGraphql(gateway, { query: challengeFor, variables: { id, scopes } })).body.data
    .requestChallenge.challenge;

/** Logs in; the token. */
export const login = async (
  gateway: string,
  person: Person,
  scopes: readonly string[],
): Promise<string> => {
  const challenge = await requestChallenge(gateway, person.id, scopes);
  const variables = { challenge, signature: person.sign(loginText(challenge)) };
  const url = `${gateway}/graphql`;
  const dpop = await proofFor(person, { method: "POST", url, nonce: await nonceOf(gateway) });
  const reply = await askGraphql(gateway, { query: loginWith, variables }, { dpop });
  return reply.body.data.login.token;
};

/** Headers of one request by somebody who logged in. */
export const authorized = async (
  gateway: string,
  person: Person,
  token: string,
  { method = "POST", path = "/graphql" } = {},
  changes: ProofChanges = {},
): Promise<{ readonly authorization: string; readonly dpop: string }> => ({
  authorization: `DPoP ${token}`,
  dpop: await proofFor(
    person,
    { method, url: gateway + path, nonce: await nonceOf(gateway), token },
    changes,
  ),
});

/** Asks as somebody who logged in. */
export const askAs = async (
  gateway: string,
  person: Person,
  token: string,
  query: string,
  variables: object = {},
): Promise<GraphqlReply> =>
  askGraphql(gateway, { query, variables }, await authorized(gateway, person, token));

/** Ends an identity. */
export const revoke = async (gateway: string, { id, root, sign }: Person): Promise<Answer> => {
  const reason = "key-compromised";
  const revocation = { id, sequence: 1, reason, signedBy: root.publicKey } as const;
  const variables = {
    statement: { type: "IdentityRevoked", ...revocation },
    signature: sign(revocationText(revocation)),
  };
  return (await askGraphql(gateway, { query: statementOf, variables })).body.data.stateIdentity;
};

export const issuance = `mutation ($scopes: [String!]!, $expiresAt: Instant!, $label: String!) {
  issueServiceKey(scopes: $scopes, expiresAt: $expiresAt, label: $label) {
    __typename ... on ServiceKeySecret { keyId secret position } ... on Refusal { code message } } }`;
export const rolling = `mutation ($keyId: String!, $graceMs: Millis!) {
  rollServiceKey(keyId: $keyId, graceMs: $graceMs) {
    __typename ... on ServiceKeySecret { keyId secret position } ... on Refusal { code message } } }`;
export const keyRevocation = `mutation ($keyId: String!) {
  revokeServiceKey(keyId: $keyId) {
    __typename ... on RevokedServiceKey { keyId position } ... on Refusal { code message } } }`;
export const submission = `mutation ($client: AccountId!, $nonce: String!) {
  submitJob(input: { client: $client, app: "noop", nonce: $nonce }) {
    __typename ... on SubmittedJob { hash position } ... on Refusal { code message } } }`;
export const nodeDrain = `mutation ($id: NodeId!) { drainNode(id: $id) {
    __typename ... on DrainedNode { position } ... on Refusal { code message } } }`;
export const nodeResumption = `mutation ($id: NodeId!) { resumeNode(id: $id) {
    __typename ... on DrainedNode { position } ... on Refusal { code message } } }`;
export const nodeRegistration = `mutation ($id: NodeId!) {
  registerNode(input: { id: $id, capabilities: { apps: [{ app: "noop", executionClass: "js" }],
    slots: 1, backlog: 1, cpus: 1, memoryMb: 1, platform: "linux-x64", version: "0" } }) {
    __typename ... on RegisteredNode { position } ... on Refusal { code message } } }`;
