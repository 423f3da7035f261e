/** Names of things. Parsing at the border is the only way to make one. */

/** SHA-256 in lower-case hex, 64 characters. */
export type Digest = string & { readonly __brand?: "Digest" };
/** Names a job: the hash of its canonical spec (`job/hash.ts`). */
export type JobHash = Digest;
/** Names a node: 3 to 64 characters of a-z, 0-9 and hyphen, since it is a token of a subject. */
export type NodeId = string & { readonly __brand?: "NodeId" };
/**
 * An account of the ledger: `client:<name>`, `node:<node id>` and beside it `pending:<node id>` and
 * `bond:<node id>`, `escrow:<job hash>`, `issuance`, `slash-sink`.
 */
export type AccountId = string & { readonly __brand?: "AccountId" };

const digestForm = /^[0-9a-f]{64}$/;
const nodeIdForm = /^[a-z0-9][a-z0-9-]{2,63}$/;
const clientForm = /^client:[a-z0-9][a-z0-9-]{0,63}$/;

export const isDigest = (value: unknown): value is Digest =>
  typeof value === "string" && digestForm.test(value);
export const isNodeId = (value: unknown): value is NodeId =>
  typeof value === "string" && nodeIdForm.test(value);
export const isClientAccount = (value: unknown): value is AccountId =>
  typeof value === "string" && clientForm.test(value);

export const nodeAccount = (nodeId: NodeId): AccountId => `node:${nodeId}`;
/** Awards of a node whose hold window is open. */
export const pendingAccount = (nodeId: NodeId): AccountId => `pending:${nodeId}`;
/** What a node loses if it is convicted. */
export const bondAccount = (nodeId: NodeId): AccountId => `bond:${nodeId}`;
export const escrowAccount = (jobHash: JobHash): AccountId => `escrow:${jobHash}`;
/** Where points come from: the only account that may go below zero. */
export const issuance: AccountId = "issuance";
/** Where slashed bonds go; nothing ever leaves it. */
export const slashSink: AccountId = "slash-sink";
