/** How a program asks CNCT. Runs in Node and in browsers. */

export { connect } from "./client.ts";
export type {
  CnctClient,
  ConnectOptions,
  EventChoice,
  Following,
  Outcome,
  Submitted,
  Waiting,
} from "./cnct-client.ts";
export { digestOf } from "./digest.ts";
export { CnctRefusal, CnctUnavailable, type UnavailableCode } from "./errors.ts";
export type { ByteRange } from "./http.ts";
export { isThisMachine } from "./identity/authority.ts";
export {
  changed,
  type PreparedChange,
  prepareEncryptionKey,
  prepareRetirement,
  prepareRevocation,
  prepareRotation,
  prepareTransportKey,
} from "./identity/changes.ts";
export { scopesOfRoles } from "./identity/login.ts";
export {
  type IdentityHistory,
  type IdentitySecrets,
  newIdentity,
  type OwnIdentity,
  ownIdentity,
  secretsOf,
} from "./identity/own-identity.ts";
export { openRegistry, type RegisteredIdentity, type Registry } from "./identity/registry.ts";
export type { PageRequest, Queries } from "./queries.ts";
export { defaultRetryPolicy, type RetryPolicy, type Sleep } from "./retry.ts";
export type { EndedJobBatch, EventBatch, JobQuote } from "./schema.types.ts";
export { claimsOpen } from "./sealing.ts";
export type {
  AccountPage,
  AccountView,
  AppView,
  EndedJob,
  EntryPage,
  Event,
  JobPage,
  JobVerification,
  JobView,
  Network,
  NodePage,
  NodeReputation,
  NodeView,
  ReputationView,
  Requester,
} from "./selections.ts";
export { type AppDefaults, buildSpec, type JobInput, type JobRequest } from "./spec.ts";
export type { SubmittedBatch } from "./submit.ts";
export {
  type LoggedEvent,
  type ReceiptsFile,
  type Verification,
  type VerifiedResult,
  type VerifyFault,
  type VerifyFaultCode,
  verifyFaults,
  verifyReceipts,
} from "./verify.ts";
