/**
 * Every way in which the gateway says no: its code, and the HTTP status where it is one.
 * `docs/errors.md` tells users what to do about each; a test holds the two together.
 */
import type { ServiceKeyRefusal } from "../domain/access/service-keys.ts";
import type { IdentityRefusal } from "../domain/identity/identity.ts";
import type { LoginRefusal } from "../domain/identity/login.ts";
import type { JobRefusal } from "../domain/job/job.ts";
import type { SpecFault } from "../domain/job/spec.ts";
import type { NodeRefusal } from "../domain/node/node.ts";
import type { ObstacleCode } from "../domain/quote/obstacle.ts";
import type { Misfit } from "../domain/verification/fits.ts";
import type { BlobErrorCode } from "../streams/blob-store.ts";

/** A rule said no to a mutation: the `code` of a `Refusal`. */
export type RefusalCode =
  | SpecFault
  | "unknown-app"
  | "unknown-param"
  | "not-measured"
  | "missing-input"
  | "unknown-input"
  | "blob-unknown"
  | "blob-size-differs"
  | Misfit["code"]
  | ObstacleCode
  | "hash-mismatch"
  | "no-jobs"
  | "too-many-jobs"
  | "hashes-differ-in-number"
  | "wraps-differ-in-number"
  | "bad-batch"
  | "wraps-malformed"
  | "too-many-recipients"
  | "wraps-of-another-job"
  | "not-sealed"
  | "job-unknown"
  | "job-ended"
  | "not-the-client"
  | "bad-owner"
  | "bad-capabilities"
  | "node-owned-by-another"
  | "node-expelled"
  | "node-unknown"
  | "nats-open"
  | "nats-key-of-another"
  | "nats-key-revoked"
  | AccessRefusal
  | LoginRefusal
  | (typeof identityRefusals)[IdentityRefusal]
  | (typeof serviceKeyRefusals)[ServiceKeyRefusal];

/** The caller may not, or cannot get what lets it. */
export type AccessRefusal =
  | "login-needed"
  | "scope-missing"
  | "not-your-account"
  | "access-open"
  | "bad-scopes"
  | "proof-missing"
  | "challenge-unknown";

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}

/** The refusals that stand in the registry, so that a test can look through all of them. */
export const refusalCodes: Readonly<Record<RefusalCode, true>> = {
  "spec-not-an-object": true,
  "unknown-field": true,
  "bad-version": true,
  "bad-client": true,
  "bad-app": true,
  "bad-params": true,
  "params-too-large": true,
  "bad-inputs": true,
  "too-many-inputs": true,
  "bad-comparator": true,
  "bad-quorum": true,
  "bad-price": true,
  "bad-engine": true,
  "bad-min-speed": true,
  "bad-limits": true,
  "bad-priority": true,
  "bad-nonce": true,
  "bad-commit": true,
  "bad-assurance": true,
  "bad-sealed": true,
  "nothing-to-seal": true,
  "unknown-app": true,
  "unknown-param": true,
  "not-measured": true,
  "missing-input": true,
  "unknown-input": true,
  "blob-unknown": true,
  "blob-size-differs": true,
  "comparator-misfit": true,
  "tolerance-too-wide": true,
  "price-below-floor": true,
  "assurance-without-arbiters": true,
  "assurance-without-nodes": true,
  "assurance-without-owners": true,
  "replicas-beyond-policy": true,
  "hash-mismatch": true,
  "no-jobs": true,
  "too-many-jobs": true,
  "hashes-differ-in-number": true,
  "wraps-differ-in-number": true,
  "bad-batch": true,
  "wraps-malformed": true,
  "too-many-recipients": true,
  "wraps-of-another-job": true,
  "not-sealed": true,
  "job-unknown": true,
  "job-ended": true,
  "not-the-client": true,
  "bad-owner": true,
  "bad-capabilities": true,
  "node-owned-by-another": true,
  "node-expelled": true,
  "node-unknown": true,
  "nats-open": true,
  "nats-key-of-another": true,
  "nats-key-revoked": true,
  "login-needed": true,
  "scope-missing": true,
  "not-your-account": true,
  "access-open": true,
  "bad-scopes": true,
  "proof-missing": true,
  "challenge-unknown": true,
  "challenge-malformed": true,
  "challenge-of-another-gateway": true,
  "challenge-not-yet-valid": true,
  "challenge-expired": true,
  "bad-inception": true,
  "unsafe-key": true,
  "signature-wrong": true,
  "identity-unknown": true,
  "identity-revoked": true,
  "sequence-wrong": true,
  "bad-statement": true,
  "not-the-prepared-key": true,
  "next-key-not-new": true,
  "too-many-keys": true,
  "too-many-statements": true,
  "encryption-key-known": true,
  "encryption-key-retired": true,
  "encryption-key-unknown": true,
  "last-encryption-key": true,
  "not-a-worker": true,
  "bad-key-id": true,
  "bad-label": true,
  "bad-key-scopes": true,
  "bad-expiry": true,
  "bad-grace": true,
  "scopes-beyond-login": true,
  "too-many-service-keys": true,
  "service-key-unknown": true,
  "service-key-ended": true,
};

/** The refusals of the deciders that a mutation can meet. */
export const jobRefusals: Readonly<Partial<Record<JobRefusal, RefusalCode>>> = {
  JobUnknown: "job-unknown",
  JobEnded: "job-ended",
  NotTheClient: "not-the-client",
  NotSealed: "not-sealed",
  TooManyRecipients: "too-many-recipients",
};
export const nodeRefusals: Readonly<Partial<Record<NodeRefusal, RefusalCode>>> = {
  NodeUnknown: "node-unknown",
  BadCapabilities: "bad-capabilities",
  NodeOwnedByAnother: "node-owned-by-another",
  NodeExpelled: "node-expelled",
};
export const identityRefusals = {
  BadInception: "bad-inception",
  IdNotOfRecord: "bad-inception",
  UnsafeKey: "unsafe-key",
  SignatureWrong: "signature-wrong",
  IdentityUnknown: "identity-unknown",
  IdentityRevoked: "identity-revoked",
  SequenceWrong: "sequence-wrong",
  BadStatement: "bad-statement",
  NotThePreparedKey: "not-the-prepared-key",
  NextKeyNotNew: "next-key-not-new",
  TooManyKeys: "too-many-keys",
  TooManyStatements: "too-many-statements",
  EncryptionKeyKnown: "encryption-key-known",
  EncryptionKeyAlreadyRetired: "encryption-key-retired",
  EncryptionKeyUnknown: "encryption-key-unknown",
  LastEncryptionKey: "last-encryption-key",
  NotAWorker: "not-a-worker",
} as const satisfies Readonly<Record<IdentityRefusal, string>>;

export const serviceKeyRefusals = {
  BadKeyId: "bad-key-id",
  BadLabel: "bad-label",
  BadKeyScopes: "bad-key-scopes",
  BadExpiry: "bad-expiry",
  BadGrace: "bad-grace",
  ScopesBeyondLogin: "scopes-beyond-login",
  TooManyServiceKeys: "too-many-service-keys",
  ServiceKeyUnknown: "service-key-unknown",
  ServiceKeyEnded: "service-key-ended",
} as const satisfies Readonly<Record<ServiceKeyRefusal, string>>;

/** The request could not be carried out: `extensions.code` of a GraphQL error, and its HTTP status. */
export const graphqlErrors = {
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  QUERY_TOO_DEEP: 400,
  QUERY_TOO_LARGE: 400,
  QUERY_TOO_LONG: 400,
  QUERY_TOO_COSTLY: 400,
  TOO_MANY_ALIASES: 400,
  TOO_MANY_DIRECTIVES: 400,
  FRAGMENT_CYCLE: 400,
  INTROSPECTION_OFF: 403,
  OPERATION_UNKNOWN: 400,
  OPERATION_NOT_LISTED: 403,
  WRONG_TRANSPORT: 400,
  BATCH_NOT_ALLOWED: 400,
  REQUEST_TOO_LARGE: 413,
  PERSISTED_QUERY_NOT_FOUND: 200,
  PERSISTED_QUERY_MISMATCH: 400,
  TOO_MANY_SUBSCRIPTIONS: 429,
  RATE_LIMITED: 429,
  BAD_USER_INPUT: 400,
  POSITION_NOT_REACHED: 200,
  UNAVAILABLE: 503,
  INTERNAL: 500,
} as const;
export type GraphqlErrorCode = keyof typeof graphqlErrors;

/** Answers of the HTTP routes: `code` of the body, and the status. */
export const httpErrors = {
  "bad-request": 400,
  "bad-json": 400,
  "body-too-deep": 400,
  "bad-digest": 400,
  "bad-media-type": 400,
  "bad-parcel": 400,
  "login-needed": 401,
  "token-malformed": 401,
  "token-expired": 401,
  "token-of-another-gateway": 401,
  "identity-revoked": 401,
  "proof-missing": 401,
  "proof-malformed": 401,
  "proof-expired": 401,
  "proof-replayed": 401,
  "proof-of-another-key": 401,
  "proof-for-another-request": 401,
  "use-dpop-nonce": 401,
  "service-key-malformed": 401,
  "service-key-unknown": 401,
  "service-key-expired": 401,
  "service-key-revoked": 401,
  "scope-missing": 403,
  "foreign-origin": 403,
  "not-found": 404,
  "blob-unknown": 404,
  "method-not-allowed": 405,
  "body-too-slow": 408,
  "body-too-large": 413,
  "blob-too-large": 413,
  "unsupported-media-type": 415,
  "bad-range": 416,
  "digest-mismatch": 422,
  "rate-limited": 429,
  "blob-size-differs": 422,
  "blob-corrupt": 500,
  internal: 500,
  unavailable: 503,
  "disk-full": 507,
} as const satisfies Readonly<Record<BlobErrorCode, number>> & Readonly<Record<string, number>>;
export type HttpErrorCode = keyof typeof httpErrors;

/** What keeps a gateway from opening. */
export type OpenErrorCode =
  | "not-public"
  | "no-key-directory"
  | "token-keys-damaged"
  | "token-keys-readable";

export class OpenError extends Error {
  readonly code: OpenErrorCode;
  constructor(code: OpenErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "OpenError";
    this.code = code;
  }
}

/** Thrown by resolvers: becomes an entry of `errors` with this code. */
export class GraphqlFault extends Error {
  readonly code: GraphqlErrorCode;
  constructor(code: GraphqlErrorCode, message: string) {
    super(message);
    this.name = "GraphqlFault";
    this.code = code;
  }
}

/** Thrown by HTTP routes: becomes `{code, message}` with the status that belongs to the code. */
export class HttpFault extends Error {
  readonly code: HttpErrorCode;
  constructor(code: HttpErrorCode, message: string) {
    super(message);
    this.name = "HttpFault";
    this.code = code;
  }
}
