/** Generated from gateway/schema.graphql by gateway/generate-types.ts: do not edit. */

/** Everything that can be read. */
export interface Query {
  /** One job by its hash; null if nobody submitted it. */
  readonly job: Job | null;
  /** Jobs, newest first. */
  readonly jobs: JobConnection;
  /** One node by its name; null if it never registered. */
  readonly node: Node | null;
  /** Service discovery: nodes that match every given condition, newest first. A page may be shorter than
   * `first` although more follow: ask on while `hasNextPage`. */
  readonly nodes: NodeConnection;
  /** How a client treats those who work for it; null if it never submitted a job. */
  readonly requester: Requester | null;
  /** One account of the ledger; null if it was never touched, or is an escrow that is empty again. */
  readonly account: Account | null;
  /** Accounts of the ledger that hold points, by name. */
  readonly accounts: AccountConnection;
  /** What is known about a blob; null if it was never stored. The bytes are at `/blobs/<digest>`. */
  readonly blob: Blob | null;
  /** Blobs, newest first. */
  readonly blobs: BlobConnection;
  /** What jobs can run: the catalogue, with prices and the nodes that offer each app now. */
  readonly apps: readonly App[];
  /** One app of the catalogue; null if there is none of that name. */
  readonly app: App | null;
  /** One identity by its id; null if nobody registered it. */
  readonly identity: Identity | null;
  /** The caller's own service keys, oldest first; none for whoever did not log in. */
  readonly serviceKeys: readonly ServiceKey[];
  /** Nodes that a sealed job can be wrapped for: live ones that compute the app, of owners with an
   * encryption key. Ask for a few more than the job has replicas, wrap its key for all of them, and it
   * goes to some of them. */
  readonly candidates: CandidateSet;
  /** The network as a whole: totals, positions, limits, and where workers connect. */
  readonly network: Network;
  /** What a job would cost, how long it would wait and how it would be checked; a `Refusal` where it
   * would be refused. Its inputs need not be stored. */
  readonly quote: QuoteResult;
  /** The policy in force. */
  readonly policy: Policy;
}

export interface QueryJobArgs {
  readonly hash: string;
  /** Wait until this position can be seen. */
  readonly atLeast?: string | null | undefined;
}

export interface QueryJobsArgs {
  readonly filter?: JobFilter | null | undefined;
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
  readonly atLeast?: string | null | undefined;
}

export interface QueryNodeArgs {
  readonly id: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryNodesArgs {
  readonly filter?: NodeFilter | null | undefined;
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
  readonly atLeast?: string | null | undefined;
}

export interface QueryRequesterArgs {
  readonly account: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryAccountArgs {
  readonly id: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryAccountsArgs {
  readonly filter?: AccountFilter | null | undefined;
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
  readonly atLeast?: string | null | undefined;
}

export interface QueryBlobArgs {
  readonly digest: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryBlobsArgs {
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
  readonly atLeast?: string | null | undefined;
}

export interface QueryAppsArgs {
  readonly atLeast?: string | null | undefined;
}

export interface QueryAppArgs {
  readonly name: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryIdentityArgs {
  readonly id: string;
  readonly atLeast?: string | null | undefined;
}

export interface QueryCandidatesArgs {
  readonly app: string;
  /** Only nodes whose execution class begins so. */
  readonly engine?: string | undefined;
  /** At most so many, 1 to 32. */
  readonly count?: number | undefined;
  /** For a job with an assurance: arbiters are among them, as part of the count. */
  readonly assured?: boolean | undefined;
  readonly atLeast?: string | null | undefined;
}

export interface QueryNetworkArgs {
  readonly atLeast?: string | null | undefined;
}

export interface QueryQuoteArgs {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly atLeast?: string | null | undefined;
}

export interface QueryPolicyArgs {
  readonly atLeast?: string | null | undefined;
}

/** Everything that can be asked for. */
export interface Mutation {
  /** Submits one job. The job hash is the idempotency key: the same spec again is the same job, and
   * answers with `created: false`. Fields that are left out get the defaults shown; `comparator` and
   * `price` default to those of the app. */
  readonly submitJob: SubmitJobResult;
  /** Submits up to 500 jobs at once, far cheaper than one by one. Each is accepted or refused by
   * itself, in the order given. */
  readonly submitJobs: SubmitJobsResult;
  /** Wraps the key of a sealed job for more recipients, when no node that can read it is left. */
  readonly wrapKeys: WrapKeysResult;
  /** Cancels a job that has not ended; what was escrowed and not earned goes back to the client. */
  readonly cancelJob: CancelJobResult;
  /** Registers a node or changes what it declares; answers what its worker needs to connect. */
  readonly registerNode: RegisterNodeResult;
  /** Tells one of your nodes to stop taking tasks: it finishes what it computes and gives back what waits
   * on it, and stays so, also over restarts of its worker, until `resumeNode`. */
  readonly drainNode: DrainNodeResult;
  /** Takes back what `drainNode` said. */
  readonly resumeNode: DrainNodeResult;
  /** Gives one of your nodes what it shows to NATS: allowed are its own subjects only, for a day at most.
   * They are bound to the transport key (`natsKey`) of your identity, and end with it. Ask again in time;
   * what was given before stays good until then. */
  readonly mintNatsCredentials: MintNatsCredentialsResult;
  /** Registers an identity. The root key in the record signs it; nobody has to be logged in. */
  readonly registerIdentity: RegisterIdentityResult;
  /** Takes what an identity says about itself: a rotated root key, an encryption key added or retired,
   * another transport key, its revocation. The signature is the permission; nobody has to be logged in. */
  readonly stateIdentity: StateIdentityResult;
  /** Asks for a challenge, good for 5 minutes and once. The root key signs it for `login`. */
  readonly requestChallenge: RequestChallengeResult;
  /** Logs in: answers a token that is good for 10 minutes, for whoever has the key that proves this
   * request in the HTTP header `DPoP` (RFC 9449). */
  readonly login: LoginResult;
  /** Issues a service key: a secret by which a program acts for the caller without a login, sent as
   * `Authorization: Bearer <secret>`. Takes a login with the scope `keys:manage`. */
  readonly issueServiceKey: ServiceKeySecretResult;
  /** Gives a service key a new secret; the old one stays good for `graceMs`, 0 to 30 days. */
  readonly rollServiceKey: ServiceKeySecretResult;
  /** Ends a service key at once, with all its secrets. */
  readonly revokeServiceKey: RevokeServiceKeyResult;
}

export interface MutationSubmitJobArgs {
  readonly input: SubmitJobInput;
  /** Of a sealed job: its key for the first recipients. */
  readonly wraps?: unknown | null | undefined;
}

export interface MutationSubmitJobsArgs {
  readonly specs: readonly Readonly<Record<string, unknown>>[];
  /** The hashes that you computed, in the same order; a job whose hash differs is refused. */
  readonly hashes?: readonly string[] | null | undefined;
  /** Of sealed jobs: their keys for the first recipients, in the same order; null for open jobs. */
  readonly wraps?: readonly (unknown | null)[] | null | undefined;
  /** Of what these jobs are a part; if it is left out, several in one request are a batch. */
  readonly batch?: BatchInput | null | undefined;
}

export interface MutationWrapKeysArgs {
  readonly hash: string;
  readonly wraps: unknown;
}

export interface MutationCancelJobArgs {
  readonly input: CancelJobInput;
}

export interface MutationRegisterNodeArgs {
  readonly input: RegisterNodeInput;
}

export interface MutationDrainNodeArgs {
  readonly id: string;
  /** From when; now if left out. Until then it gets no task that may last so long. */
  readonly at?: number | null | undefined;
}

export interface MutationResumeNodeArgs {
  readonly id: string;
}

export interface MutationMintNatsCredentialsArgs {
  readonly nodeId: string;
}

export interface MutationRegisterIdentityArgs {
  readonly record: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

export interface MutationStateIdentityArgs {
  readonly statement: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

export interface MutationRequestChallengeArgs {
  readonly id: string;
  /** What the login is for, such as `jobs:submit`; 1 to 32 of them. */
  readonly scopes: readonly string[];
}

export interface MutationLoginArgs {
  /** The challenge as it was given. */
  readonly challenge: unknown;
  /** Of the identity's root key. */
  readonly signature: string;
}

export interface MutationIssueServiceKeyArgs {
  /** What it is good for: some of what the login is good for, but never `keys:manage`. */
  readonly scopes: readonly string[];
  /** When it ends, within 400 days. */
  readonly expiresAt: number;
  /** For people, 1 to 64 characters. */
  readonly label: string;
}

export interface MutationRollServiceKeyArgs {
  readonly keyId: string;
  readonly graceMs: number;
}

export interface MutationRevokeServiceKeyArgs {
  readonly keyId: string;
}

/** Everything that can be listened to, over WebSocket (`graphql-transport-ws`). */
export interface Subscription {
  /** Every event of one job, from its beginning or after a position. Ends with the job. */
  readonly jobEvents: EventBatch;
  /** Events as they are written, in order, each exactly once. To go on after a dropped connection,
   * give the `position` of the last batch as `after`. Without `after` you hear what is new, and first
   * of all an empty batch that says from where. */
  readonly events: EventBatch;
  /** Jobs that ended, in order, each end exactly once: the cheap way to wait for thousands of them. It
   * also tells of completed jobs that are taken back, and of those that cannot be any more. Resumes as
   * `events` does. */
  readonly jobEnded: EndedJobBatch;
  /** Sealed jobs of a client that wait for `wrapKeys`, in order, each exactly once for each time that
   * they wait. Resumes as `events` does. */
  readonly keysAwaited: KeysAwaitedBatch;
}

export interface SubscriptionJobEventsArgs {
  readonly hash: string;
  readonly after?: string | null | undefined;
}

export interface SubscriptionEventsArgs {
  /** Deliver what comes after this position; `-1` for everything there ever was. */
  readonly after?: string | null | undefined;
  /** Only events of this client's jobs. */
  readonly client?: string | null | undefined;
  /** Only these event types, such as `JobCompleted`. */
  readonly types?: readonly string[] | null | undefined;
  /** At most so many events in a batch, 1 to 1000. */
  readonly batchMax?: number | undefined;
}

export interface SubscriptionJobEndedArgs {
  /** Only this client's jobs. */
  readonly client?: string | null | undefined;
  readonly after?: string | null | undefined;
  /** At most so many jobs in a batch, 1 to 1000. */
  readonly batchMax?: number | undefined;
}

export interface SubscriptionKeysAwaitedArgs {
  readonly client: string;
  readonly after?: string | null | undefined;
}

/** How sure a client wants to be: `docs/verification.md` says what each one takes. */
export type AssuranceClass = "STANDARD" | "HIGH";

/** What a job would cost and how it would be checked, or why it would be refused. */
export type QuoteResult =
  | ({ readonly __typename: "JobQuote" } & JobQuote)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** What a job would cost, how long it would wait and how it would be checked. The escrow is certain; the
 * rest is an estimate from what is known now, and supposes that all nodes are honest. */
export interface JobQuote {
  /** What it would run. */
  readonly app: string;
  /** Null for a plain quorum. */
  readonly assurance: AssuranceClass | null;
  /** Of the policy that the quote was made under. */
  readonly policyVersion: number;
  /** For each accepted result. */
  readonly price: string;
  /** The most that it can cost: so much is set aside when it is submitted, and the rest comes back. */
  readonly escrow: string;
  /** What it costs as a rule. */
  readonly expected: string;
  /** Results that are computed and paid, on average; audits are among them. */
  readonly executions: number;
  /** Until the output is there; null while no live node is known to have computed the app. */
  readonly waitMs: number | null;
  /** Nodes that could be given it. */
  readonly eligible: EligibleNodes;
  /** Nodes that decide where results differ, and compute audits. */
  readonly arbiters: EligibleNodes;
  /** How results are checked. */
  readonly plan: VerificationPlan;
}

/** Nodes that offer an app. */
export interface EligibleNodes {
  /** Registered ones. */
  readonly nodes: number;
  /** Of these, heard of just now. */
  readonly live: number;
  /** Owners of them. */
  readonly owners: number;
  /** Of the nodes, those whose result is enough alone for the assurance; 0 without one. */
  readonly trusted: number;
  /** The classes in which they compute it, those with the most nodes first, at most 100. */
  readonly classes: readonly EligibleClass[];
}

/** Nodes of one execution class. */
export interface EligibleClass {
  /** Engine, version, provider, instruction set, threads, optimisation. */
  readonly executionClass: string;
  /** Registered ones. */
  readonly nodes: number;
  /** Of these, heard of just now. */
  readonly live: number;
  /** Owners of them. */
  readonly owners: number;
}

/** How the results of a job are checked. */
export interface VerificationPlan {
  /** When two results count as the same. */
  readonly comparator: unknown;
  /** Results are sealed, so that their tags are compared instead. */
  readonly byTag: boolean;
  /** All results must come from one execution class. */
  readonly oneClass: boolean;
  /** How many results must agree; 1 with an assurance. */
  readonly quorum: number;
  /** Replicas that are given out at first, on average. */
  readonly replicasAtStart: number;
  /** How many may be tried. */
  readonly replicasMax: number;
  /** No result is shown before all nodes are bound to theirs. */
  readonly commit: boolean;
  /** With an assurance: a result is accepted when it is right with this probability at least. */
  readonly threshold: number | null;
  /** With an assurance: the share of tasks that arbiters compute again, on average. */
  readonly auditShare: number | null;
  /** With an assurance: so many arbiters must agree before a node is convicted. */
  readonly arbitersToConvict: number | null;
  /** With an assurance: awards are held until the network has accepted so many jobs more … */
  readonly holdJobs: number | null;
  /** … or for so long. */
  readonly holdMs: number | null;
  /** The same in sentences, for people. */
  readonly text: readonly string[];
}

/** The parameters by which the network dispatches, verifies, scores and prices: `docs/policy.md`. */
export interface Policy {
  /** Rises by one with each policy that is adopted; what comes with CNCT is 1. */
  readonly version: number;
  /** Null for what comes with CNCT. */
  readonly adoptedAt: number | null;
  /** All of them, in the form of a file for `cnct policy adopt`. */
  readonly parameters: unknown;
}

/** A rule said no. Nothing was changed. */
export interface Refusal {
  /** Stable and machine-readable; `docs/errors.md` says what to do about each. */
  readonly code: string;
  /** For people: names the thing, what was expected and what was there. */
  readonly message: string;
}

/** The refusal of one job among many. */
export interface RefusalOfOne {
  /** Its place in the request, from 0. */
  readonly index: number;
  /** As in `Refusal`. */
  readonly code: string;
  /** As in `Refusal`. */
  readonly message: string;
}

/** Where a page of a connection lies. */
export interface PageInfo {
  /** Whether more follows. */
  readonly hasNextPage: boolean;
  /** Give this as `after` to get the next page; null for an empty page. */
  readonly endCursor: string | null;
}

/** How far a job is. */
export type JobStatus = "OPEN" | "COMPLETED" | "FAILED" | "REJECTED" | "CANCELLED";

/** Work that a client pays for, computed by replicas on distinct nodes until enough results agree. */
export interface Job {
  /** Its name: SHA-256 over the canonical spec, the same everywhere. */
  readonly hash: string;
  /** How far it is. */
  readonly status: JobStatus;
  /** Why it ended without an output, such as `no-quorum`, `deadline-passed`, `insufficient-funds` or a code of the app; null otherwise. */
  readonly reason: string | null;
  /** Who pays. */
  readonly client: string;
  /** Name of the app in the catalogue. */
  readonly app: string;
  /** Parameters of the app, a JSON object. */
  readonly params: unknown;
  /** Whether inputs and outputs are sealed: only its client and the nodes that compute it can read them. */
  readonly sealed: boolean;
  /** Whether no node is left that could read it, so that it waits for its client's `wrapKeys`. */
  readonly awaitingKeys: boolean;
  /** Ids of the encryption keys that it is wrapped for; empty for an open job. */
  readonly recipients: readonly string[];
  /** Its content key for the recipient with this key; null if it is not wrapped for that. */
  readonly wrap: Wrap | null;
  /** What it reads. */
  readonly inputs: readonly NamedBlob[];
  /** When two results count as the same: `kind` and its bounds. */
  readonly comparator: unknown;
  /** How sure its client wants to be; null for a plain quorum. */
  readonly assurance: AssuranceClass | null;
  /** How many results must agree, 1 to 5. */
  readonly quorum: number;
  /** How many replicas may be tried, `quorum` to 9. */
  readonly replicasMax: number;
  /** Paid for each accepted result. */
  readonly price: string;
  /** The most it can cost: the price times `replicasMax`, and with an assurance three times more, for
   * arbiters. So much is put in escrow. */
  readonly budget: string;
  /** Only nodes whose execution class begins so; empty for any. */
  readonly engine: string;
  /** How long one attempt may take on a node. */
  readonly wallMs: number;
  /** How long after submission the job fails if it has not ended. */
  readonly deadlineMs: number;
  /** 1 (low) to 5 (high). */
  readonly priority: number;
  /** Makes equal work two jobs. */
  readonly nonce: string;
  /** The spec as it was hashed. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** When it was submitted. */
  readonly submittedAt: number;
  /** When it fails if it has not ended. */
  readonly deadlineAt: number;
  /** Null while it is open. */
  readonly endedAt: number | null;
  /** Whether it has ended for good. A job with an assurance that no arbiter computed may be opened again
   * while its awards are held. */
  readonly final: boolean;
  /** Where in the log it was opened again last, after it had completed; null if it never was. */
  readonly reopenedAt: string | null;
  /** The accepted output; null unless completed. Its bytes are at `/blobs/<digest>`. */
  readonly output: BlobRef | null;
  /** Every attempt of every replica, in the order of assignment. */
  readonly tasks: readonly Task[];
  /** What the last comparison without a quorum found; null if results always agreed. */
  readonly disagreement: Disagreement | null;
  /** What was set aside for it; null until it is funded. */
  readonly escrow: Escrow | null;
  /** What accepted results earned. */
  readonly awards: readonly Award[];
  /** How its results were checked: how they were compared, which audits were drawn, what more was wanted
   * and why, and how sure the result is; `docs/verification.md`. */
  readonly verification: JobVerification;
  /** Everything that happened to it, oldest first, from its stream in the log. */
  readonly history: readonly Event[];
  /** The last event of this job that is seen here. */
  readonly position: string;
}

export interface JobWrapArgs {
  readonly keyId: string;
}

/** Results that did not agree. */
export interface Disagreement {
  /** How they were compared. */
  readonly comparator: string;
  /** Replica numbers, those that agree together. */
  readonly groups: readonly (readonly number[])[];
  /** The greatest distance between two groups, in the comparator's measure. */
  readonly distance: number;
  /** In words. */
  readonly reason: string;
}

/** Points set aside for a job. */
export interface Escrow {
  /** What the client paid in. */
  readonly funded: string;
  /** What came back; null while the escrow is open. */
  readonly refunded: string | null;
}

/** Points for one accepted result. */
export interface Award {
  /** Its own name; at most one for each job, replica and policy. */
  readonly id: string;
  /** Which replica it was. */
  readonly replica: number;
  /** Who earned it. */
  readonly nodeId: string;
  /** How much. */
  readonly amount: string;
  /** By when it settles at the latest; null for what was paid at once. */
  readonly heldUntil: number | null;
  /** Whether it was taken back because its node was convicted. */
  readonly voided: boolean;
  /** Whether its node has it, or may yet lose it. */
  readonly state: AwardState;
}

/** How far an award is. */
export type AwardState = "PAID" | "HELD" | "SETTLED" | "VOIDED";

/** How the results of a job were checked, as the log tells it. */
export interface JobVerification {
  /** How results are compared: the kind of the comparator, `tag` for a sealed job. */
  readonly comparator: string;
  /** Its parameters by name, also those that the job left out; null where it has none. */
  readonly bounds: unknown | null;
  /** How sure the result is, 0 to 1; null without an assurance, and while the job is not completed. */
  readonly credibility: number | null;
  /** How sure it had to be; null as above. */
  readonly threshold: number | null;
  /** Version of the policy by which that was worked out; null as above. */
  readonly policyVersion: number | null;
  /** Whether an arbiter's result is among those accepted; null as above. */
  readonly audited: boolean | null;
  /** Every verdict, in order; a job that was opened again has several for one task. */
  readonly verdicts: readonly TaskVerdict[];
  /** The lottery of audits, one for each result. */
  readonly draws: readonly AuditDraw[];
  /** When more results were wanted than before, and why. */
  readonly wishes: readonly ResultsWanted[];
  /** How often it was taken back after it had completed. */
  readonly reopenings: readonly Reopening[];
}

/** What was found about one result. */
export interface TaskVerdict {
  /** When. */
  readonly at: number;
  /** Which replica. */
  readonly replica: number;
  /** Which attempt of it. */
  readonly attempt: number;
  /** Whose result. */
  readonly nodeId: string;
  /** Whether it computed again for the network what others computed. */
  readonly arbiter: boolean;
  /** Whether it was believed. */
  readonly accepted: boolean;
  /** How it was compared. */
  readonly comparator: string;
  /** With which parameters; null where the comparator has none. */
  readonly bounds: unknown | null;
  /** Distance to the other results in the comparator's measure. */
  readonly distance: number;
  /** Why it was rejected; null if it was accepted. */
  readonly reason: string | null;
  /** Whether an arbiter computed the same, so that the node has survived an audit. */
  readonly audited: boolean;
  /** Whether it was proven wrong, so that the node is expelled. */
  readonly convicted: boolean;
  /** Audits that the node had survived before, from which its credibility follows; null of arbiters and without an assurance. */
  readonly survived: number | null;
}

/** The lottery for one result: whether an arbiter computes it once more. */
export interface AuditDraw {
  /** When it was drawn. */
  readonly at: number;
  /** Which replica. */
  readonly replica: number;
  /** Which attempt of it. */
  readonly attempt: number;
  /** Whose result. */
  readonly nodeId: string;
  /** App and engine that the audit says something about. */
  readonly runtime: string;
  /** Audits that the node had survived in this runtime. */
  readonly survived: number;
  /** What a conviction would have taken from the node. */
  readonly atRisk: string;
  /** Chance of an audit, 0 to 1. */
  readonly share: number;
  /** Whether it was drawn. */
  readonly audited: boolean;
  /** By what it was drawn: anybody can draw it again. */
  readonly beacon: string;
  /** Position of the first event in the beacon. */
  readonly from: string;
  /** Position of the last event in the beacon. */
  readonly to: string;
  /** Of the policy by which the chance was worked out. */
  readonly policyVersion: number;
}

/** More results were wanted than before. */
export interface ResultsWanted {
  /** When. */
  readonly at: number;
  /** Why: `one-not-enough` (one result of the first node could not be believed), `not-credible` (the
   * results agree, and cannot be believed yet), `audit-drawn` (the lottery drew one), `audited` (an
   * arbiter must have its say), `results-differ`, `reopened`; null where the log does not say. */
  readonly why: string | null;
  /** Results of ordinary nodes that were wanted from then on, with those that were there. */
  readonly wanted: number;
  /** Results of arbiters, likewise. */
  readonly arbitersWanted: number;
  /** Of the best group of results, 0 to 1; null where none were judged. */
  readonly credibility: number | null;
  /** What it would have had to be. */
  readonly threshold: number | null;
  /** Replica numbers, those that agree together; null where all agreed. */
  readonly groups: readonly (readonly number[])[] | null;
  /** The greatest distance between two groups; null where all agreed. */
  readonly distance: number | null;
}

/** A completed job was taken back: what it rested on was a convict's. */
export interface Reopening {
  /** When. */
  readonly at: number;
  /** Whose results count no more. */
  readonly convicts: readonly string[];
}

/** A name, and the bytes that it stands for. */
export interface NamedBlob {
  /** Its name. */
  readonly name: string;
  /** SHA-256 of the bytes. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

/** Bytes by their digest. */
export interface BlobRef {
  /** SHA-256 of the bytes. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Path of the bytes on this gateway, such as `/blobs/9f86d0…`. */
  readonly path: string;
}

/** How far one attempt is. */
export type TaskStatus =
  | "ASSIGNED"
  | "COMMITTED"
  | "RECEIVED"
  | "ACCEPTED"
  | "REJECTED"
  | "FAILED"
  | "EXPIRED"
  | "DROPPED";

/** One attempt of one replica of a job on one node. */
export interface Task {
  /** From 0. */
  readonly replica: number;
  /** From 1; a later attempt fences the earlier ones. */
  readonly attempt: number;
  /** Which node. */
  readonly nodeId: string;
  /** Whether the node computes again for the network what others computed. */
  readonly arbiter: boolean;
  /** How far it is. */
  readonly status: TaskStatus;
  /** Engine and machine class in which the result must be computed. */
  readonly executionClass: string;
  /** When the node was given it. */
  readonly assignedAt: number;
  /** When the lease ends. */
  readonly expiresAt: number;
  /** When the result or the failure came, or the lease ended without; null while the node has it. */
  readonly endedAt: number | null;
  /** As the node says: how long it computed. */
  readonly elapsedMs: number | null;
  /** What the node answered. */
  readonly output: BlobRef | null;
  /** Stands for the output: equal for equal outputs of one job. Null before it, and for nodes that sign nothing. */
  readonly resultTag: string | null;
  /** Code of the failure; null if it did not fail. */
  readonly code: string | null;
  /** How results were compared; null until judged. */
  readonly comparator: string | null;
  /** Distance to the other results in the comparator's measure; null until judged. */
  readonly distance: number | null;
  /** Why the result was rejected. */
  readonly reason: string | null;
  /** Who signed the result, so that anybody can check it offline; null if nobody did, or none is there. */
  readonly receipt: unknown | null;
  /** Why the node got it, as it was recorded; `docs/dispatch.md` says how it is made again. */
  readonly assignment: Assignment | null;
}

/** What the choice of a node was made from. */
export interface Assignment {
  /** Where it stands in the log. */
  readonly position: string;
  /** Position of the last event that the decision knew; null if it was made by the first rules. */
  readonly asOf: string | null;
  /** Version of the rules by which nodes are ranked. */
  readonly rules: number;
  /** Version of the policy whose parameters were used; null if it was made by the first rules. */
  readonly policy: number | null;
  /** Of the draws, 0 to 2^32 - 1. */
  readonly seed: number;
  /** How many nodes were looked at. */
  readonly candidates: number;
  /** Whether only new nodes were looked for. */
  readonly explores: boolean;
  /** Of the chosen node, 0 to 1. */
  readonly score: number;
  /** The nodes that were ranked, in the order of the draw; none if it was made by the first rules. */
  readonly ranked: readonly RankedNode[];
  /** Binds all of it, with the terms to their last bit; null if it was made by the first rules. */
  readonly digest: string | null;
}

/** A node that was weighed for a task. */
export interface RankedNode {
  /** Which node. */
  readonly nodeId: string;
  /** In which it would have computed. */
  readonly executionClass: string;
  /** 0 to 1. */
  readonly standing: number;
  /** Tasks that it had by the log. */
  readonly held: number;
  /** Tasks on their way to it. */
  readonly reserved: number;
  /** Tasks that it runs at once. */
  readonly slots: number;
  /** Its mean time to answer this app; null if it never did. */
  readonly turnaroundMs: number | null;
}

/** A page of jobs. */
export interface JobConnection {
  /** Each with its cursor. */
  readonly edges: readonly JobEdge[];
  /** The jobs alone, for those who need no cursor of each. */
  readonly nodes: readonly Job[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** A job and its place in the list. */
export interface JobEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: Job;
}

/** Jobs that match every condition given. */
export interface JobFilter {
  /** Whose jobs. */
  readonly client?: string | null | undefined;
  /** Name of the app. */
  readonly app?: string | null | undefined;
  /** How far it is. */
  readonly status?: JobStatus | null | undefined;
  /** Jobs that were opened again after this position; `-1` for all that ever were. */
  readonly reopenedAfter?: string | null | undefined;
}

/** A spec with typed fields. */
export interface SubmitJobInput {
  /** Who pays, such as `client:ada`. */
  readonly client: string;
  /** Name of an app in the catalogue, such as `ocr`. */
  readonly app: string;
  /** Parameters that the app knows, a JSON object. */
  readonly params?: unknown | null | undefined;
  /** Each input that the app needs; the bytes must have been stored before. */
  readonly inputs?: readonly NamedBlobInput[] | null | undefined;
  /** When two results count as the same; the app's own if left out. */
  readonly comparator?: ComparatorInput | null | undefined;
  /** How many results must agree, 1 to 5; 2 if left out, and 1 with an assurance. */
  readonly quorum?: number | null | undefined;
  /** How many replicas may be tried, `quorum` to 9; two more than the quorum if left out, with `STANDARD`
   * 5 and with `HIGH` 9. */
  readonly replicasMax?: number | null | undefined;
  /** How sure you want to be; a plain quorum if left out. */
  readonly assurance?: AssuranceClass | null | undefined;
  /** Paid for each accepted result; the app's price if left out. */
  readonly price?: string | null | undefined;
  /** Only nodes whose execution class begins so, such as `ort-web`. */
  readonly engine?: string | null | undefined;
  /** Only nodes that surely compute so many WebAssembly instructions a second, as measured, 1 to 10^12; for `wasm`. */
  readonly minSpeed?: number | null | undefined;
  /** How long one attempt may take, 100 ms to 1 hour. */
  readonly wallMs?: number | null | undefined;
  /** How long after submission the job fails, 1 s to 30 days. */
  readonly deadlineMs?: number | null | undefined;
  /** 1 (low) to 5 (high). */
  readonly priority?: number | null | undefined;
  /** Makes equal work two jobs if you want so; at most 64 characters. */
  readonly nonce?: string | null | undefined;
  /** The inputs are sealed bodies (`docs/envelope.md`), and the output will be one. */
  readonly sealed?: boolean | null | undefined;
  /** No result is shown before all replicas are bound to theirs, so that no node can copy another's. */
  readonly commit?: boolean | null | undefined;
  /** The hash that you computed; the job is refused with `hash-mismatch` if it is another one here. */
  readonly hash?: string | null | undefined;
}

/** A name, and the bytes that it stands for. */
export interface NamedBlobInput {
  /** Its name. */
  readonly name: string;
  /** SHA-256 of the bytes. */
  readonly digest: string;
  /** In bytes, at most 64 MiB. */
  readonly size: number;
}

/** How results are compared. */
export type ComparatorKind = "exact" | "tolerance" | "text" | "iou" | "items";

/** When two results count as the same. Only the bounds of its kind may be given. */
export interface ComparatorInput {
  /** How. */
  readonly kind: ComparatorKind;
  /** For `tolerance`: absolute, 0 to 1. */
  readonly atol?: number | null | undefined;
  /** For `tolerance`: relative, 0 to 0.1. */
  readonly rtol?: number | null | undefined;
  /** For `text`: the share of characters that may differ; for `items`: of word pairs of one text; 0 to 0.5. */
  readonly maxDistance?: number | null | undefined;
  /** For `items`: the share of items that may differ, 0 to 0.5. */
  readonly maxDifferent?: number | null | undefined;
  /** For `iou`: the least intersection over union, 0.1 to 1. */
  readonly threshold?: number | null | undefined;
}

/** Nodes that a sealed job can be wrapped for. */
export interface CandidateSet {
  /** One for each key, those that suit best first. */
  readonly nodes: readonly CandidateNode[];
}

/** A node that a sealed job can be wrapped for. */
export interface CandidateNode {
  /** Which node. */
  readonly nodeId: string;
  /** The identity that owns it. */
  readonly owner: string;
  /** The owner's X25519 key, the newest one in use. */
  readonly encryptionKey: string;
  /** What the key is named by in wraps. */
  readonly keyId: string;
  /** In which it computes the app. */
  readonly executionClass: string;
  /** It decides where results differ, and computes audits; it gets no other task of the job. */
  readonly arbiter: boolean;
}

/** The content key of a sealed job for one recipient. */
export interface Wrap {
  /** Which key it is for. */
  readonly keyId: string;
  /** The sender's HPKE context with this recipient. */
  readonly enc: string;
  /** Number of the message in the context. */
  readonly seq: number;
  /** The sealed key. */
  readonly wrapped: string;
}

/** What `wrapKeys` answers. */
export type WrapKeysResult =
  | ({ readonly __typename: "WrappedKeys" } & WrappedKeys)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The job is wrapped for more. */
export interface WrappedKeys {
  /** The job hash. */
  readonly hash: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** What `submitJob` answers. */
export type SubmitJobResult =
  | ({ readonly __typename: "SubmittedJob" } & SubmittedJob)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The job is in the log. */
export interface SubmittedJob {
  /** The job hash. */
  readonly hash: string;
  /** False if this very job had been submitted before. */
  readonly created: boolean;
  /** Where it stands in the log. */
  readonly position: string;
}

/** What is submitted together, in however many requests. When few of its jobs are left, those whose nodes
 * take far longer than the others' are given to a second node as well. */
export interface BatchInput {
  /** Names it among the batches of its client: 1 to 64 of a-z, A-Z, 0-9, - and _. */
  readonly id: string;
  /** How many jobs it has, also those that are yet to come: 1 to 10000000. */
  readonly size: number;
}

/** What `submitJobs` answers. */
export type SubmitJobsResult =
  | ({ readonly __typename: "SubmittedJobs" } & SubmittedJobs)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** What became of each job of a batch. */
export interface SubmittedJobs {
  /** In the order of the request; null where a job was refused. */
  readonly hashes: readonly (string | null)[];
  /** How many of them are new; the others had been submitted before. */
  readonly created: number;
  /** Whether each is new, in the order of the request; false where a job was refused. */
  readonly isNew: readonly boolean[];
  /** Those that were refused, in order. */
  readonly refusals: readonly RefusalOfOne[];
  /** Where the last of them stands in the log. */
  readonly position: string;
}

/** Which job to cancel. */
export interface CancelJobInput {
  /** The job hash. */
  readonly hash: string;
  /** Whose job it is. */
  readonly client: string;
}

/** What `cancelJob` answers. */
export type CancelJobResult =
  | ({ readonly __typename: "CancelledJob" } & CancelledJob)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The job is cancelled. */
export interface CancelledJob {
  /** The job hash. */
  readonly hash: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** Whether a node may be given work. */
export type NodeStatus = "ACTIVE" | "SUSPENDED" | "EXPELLED";

/** A registered machine that works. */
export interface Node {
  /** Its name. */
  readonly id: string;
  /** Who owns it. */
  readonly owner: string;
  /** The identity that owns it; null if the owner is none. */
  readonly identity: Identity | null;
  /** How far it is. */
  readonly status: NodeStatus;
  /** From when its owner told it to take no tasks (`drainNode`); null if it was not told. */
  readonly drainFrom: number | null;
  /** Why it is suspended; null otherwise. */
  readonly reason: string | null;
  /** What it says that it can do. */
  readonly capabilities: Capabilities;
  /** When it first registered. */
  readonly registeredAt: number;
  /** When capabilities or status last changed. */
  readonly changedAt: number;
  /** Whether it was heard of in the last seconds. */
  readonly live: boolean;
  /** When it was last heard of; null if never since this gateway started. */
  readonly lastSeen: number | null;
  /** Tasks that it holds now; null if it is not live. */
  readonly held: number | null;
  /** How fast it computes, as known-answer tasks showed it; empty as long as none did. */
  readonly speeds: readonly MeasuredSpeed[];
  /** How far it can be relied on. */
  readonly reputation: Reputation;
  /** Its earnings; null if it never earned. */
  readonly account: Account | null;
}

/** How fast a node computes in one runtime, measured by known-answer tasks that look like any other. */
export interface MeasuredSpeed {
  /** Name of the app. */
  readonly app: string;
  /** Engine and machine class. */
  readonly executionClass: string;
  /** Measurements so far; the last 16 count most. */
  readonly samples: number;
  /** WebAssembly instructions in a second. */
  readonly mean: number;
  /** Standard deviation of single measurements. */
  readonly deviation: number;
  /** What the mean surely is at least, two standard errors below it; null with fewer than 3 measurements. */
  readonly atLeast: number | null;
  /** When it was measured last. */
  readonly measuredAt: number;
  /** The task that showed it last. */
  readonly jobHash: string;
}

/** What a node says that it can do. */
export interface Capabilities {
  /** Each app with the execution class in which the node computes it. */
  readonly apps: readonly AppOffer[];
  /** Tasks that run at once. */
  readonly slots: number;
  /** Tasks that may wait on the node beyond those that run. */
  readonly backlog: number;
  /** Processor cores. */
  readonly cpus: number;
  /** Memory in MiB. */
  readonly memoryMb: number;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** Of the worker program. */
  readonly version: string;
}

/** An app and the execution class in which a node computes it. */
export interface AppOffer {
  /** Name of the app. */
  readonly app: string;
  /** Engine and machine class, such as `ort-node@1.30.0/linux-x64`. */
  readonly executionClass: string;
}

/** How far a node can be relied on: a pure function of the events in the log. It steers which node gets work; it never accepts a result. */
export interface Reputation {
  /** Tasks that it answered, of those that it was given. */
  readonly reliability: Score;
  /** Answers that were accepted, of those that were judged. */
  readonly correctness: Score;
  /** What dispatch ranks by, 0 to 1: the lower ends of both scores multiplied; 0 for a node that is surely below a floor. */
  readonly standing: number;
  /** Mean time from an assignment to its answer, by instants of events; null before the first that was measured. */
  readonly turnaroundMs: number | null;
  /** Tasks given to it. */
  readonly assigned: number;
  /** Results received from it in time. */
  readonly answered: number;
  /** Tasks that expired or failed for its own fault. */
  readonly broken: number;
  /** Answers that were accepted. */
  readonly accepted: number;
  /** Answers that were rejected. */
  readonly rejected: number;
  /** Tasks that came to nothing because it was silent, or had started anew. */
  readonly silent: number;
  /** Tasks that it gave back when it was about to stop: they count for nothing. */
  readonly drained: number;
  /** How far a new node has come. */
  readonly vetting: Vetting;
  /** What will cost it work, or does; none if all is well. */
  readonly warnings: readonly ReputationWarning[];
  /** How long it takes to answer, by app. */
  readonly turnarounds: readonly Turnaround[];
  /** The event that the scores rest on last; null for a node that never had a task. */
  readonly position: string | null;
  /** Why its scores changed, newest first. The last 128 changes are kept; the log has all. */
  readonly history: ScoreChangeConnection;
}

export interface ReputationHistoryArgs {
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
}

/** How far a new node has come. Both counts only rise. */
export interface Vetting {
  /** When it was through; null while it lasts. */
  readonly endedAt: number | null;
  /** Accepted results, as far as they count here. */
  readonly accepted: number;
  /** So many are wanted, */
  readonly acceptedWanted: number;
  /** On so many days (UTC) one was accepted, */
  readonly days: number;
  /** And so many are wanted. */
  readonly daysWanted: number;
}

/** Something that costs a node work, said before it does. */
export interface ReputationWarning {
  /** Such as `reliability-near-floor`: `docs/reputation.md`. */
  readonly code: string;
  /** How it stands, what comes next, and how it ends. */
  readonly message: string;
  /** When it began. */
  readonly since: number;
  /** Where the event that it began with stands in the log. */
  readonly position: string;
  /** The event that it began with. */
  readonly event: ReputationCause;
}

/** The event of a job that a score changed by. */
export interface ReputationCause {
  /** Such as `ResultRejected`. */
  readonly type: string;
  /** The job hash. */
  readonly jobHash: string;
  /** From 0. */
  readonly replica: number;
}

/** How long a node takes for an app, from an assignment to its answer, by the instants of events. */
export interface Turnaround {
  /** Name of the app. */
  readonly app: string;
  /** Answers that it rests on; old ones count in part. */
  readonly weight: number;
  /** Mean. */
  readonly meanMs: number;
  /** Standard deviation. */
  readonly deviationMs: number;
}

/** Which of the two scores. */
export type ScoreName = "RELIABILITY" | "CORRECTNESS";

/** A change of a score, and the event behind it. */
export interface ScoreChange {
  /** When it was. */
  readonly at: number;
  /** Where the event stands in the log. */
  readonly position: string;
  /** The event. */
  readonly event: ReputationCause;
  /** Which score. */
  readonly score: ScoreName;
  /** Lower end of its 95 % interval before: of the line before for a rise, which gathers many events. */
  readonly old: number;
  /** Lower end of its 95 % interval after it. */
  readonly new: number;
  /** Why, as a sentence. */
  readonly reason: string;
}

/** A page of changes. */
export interface ScoreChangeConnection {
  /** Each with its cursor. */
  readonly edges: readonly ScoreChangeEdge[];
  /** The rows alone, for those who need no cursors. */
  readonly nodes: readonly ScoreChange[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** A change and its place in the list. */
export interface ScoreChangeEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: ScoreChange;
}

/** How a client treats those who work for it, from its last 1,000 jobs. */
export interface Requester {
  /** The account. */
  readonly id: string;
  /** Jobs looked at; those that are open are not judged. */
  readonly jobs: number;
  /** Ended with an output. */
  readonly completed: number;
  /** Failed, since their input was at fault. */
  readonly failedByInput: number;
  /** Failed for other reasons, which say nothing against the client. */
  readonly failedOtherwise: number;
  /** Called off before any node had a task. */
  readonly cancelledUnstarted: number;
  /** Called off while nodes worked or had answered. */
  readonly cancelledAfterWork: number;
  /** Rejected, since there were no points for them. */
  readonly unfunded: number;
  /** Tasks whose nodes worked for nothing, since the job was called off. */
  readonly tasksInVain: number;
  /** Completed jobs, of those that were completed or ended by the client's doing. */
  readonly fairness: Score;
}

/** An estimate with its certainty. */
export interface Score {
  /** Best estimate, 0 to 1; 0.5 for a new node. */
  readonly mean: number;
  /** Lower end of the 95 % interval, 0 to 1; 0 for a new node. */
  readonly lower: number;
  /** Upper end of the 95 % interval, 0 to 1; 1 for a new node. */
  readonly upper: number;
  /** How many outcomes it rests on; old ones count in part. */
  readonly weight: number;
}

/** A page of nodes. */
export interface NodeConnection {
  /** Each with its cursor. */
  readonly edges: readonly NodeEdge[];
  /** The rows alone, for those who need no cursors. */
  readonly nodes: readonly Node[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** A node and its place in the list. */
export interface NodeEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: Node;
}

/** Nodes that match every condition given. */
export interface NodeFilter {
  /** Offers this app. */
  readonly app?: string | null | undefined;
  /** Offers it (or any app, if none is given) in an execution class that begins so. */
  readonly executionClass?: string | null | undefined;
  /** Whether it was heard of in the last seconds. */
  readonly live?: boolean | null | undefined;
  /** How far it is. */
  readonly status?: NodeStatus | null | undefined;
  /** Who owns it. */
  readonly owner?: string | null | undefined;
  /** Has at least so much memory, MiB. */
  readonly memoryMbMin?: number | null | undefined;
  /** Runs at least so many tasks at once. */
  readonly slotsMin?: number | null | undefined;
  /** Least lower bound of its reliability, 0 to 1. */
  readonly reliabilityMin?: number | null | undefined;
  /** Least lower bound of its correctness, 0 to 1. */
  readonly correctnessMin?: number | null | undefined;
}

/** A node and what it can do. */
export interface RegisterNodeInput {
  /** Its name. */
  readonly id: string;
  /** Who owns it. A gateway with identities takes the caller's id, whatever stands here. */
  readonly owner?: string | null | undefined;
  /** What it can do. */
  readonly capabilities: CapabilitiesInput;
}

/** What a node says that it can do. */
export interface CapabilitiesInput {
  /** 1 to 256 of them. */
  readonly apps: readonly AppOfferInput[];
  /** 1 to 1024. */
  readonly slots: number;
  /** 0 to 10000. */
  readonly backlog: number;
  /** Processor cores. */
  readonly cpus: number;
  /** Memory in MiB. */
  readonly memoryMb: number;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** Of the worker program. */
  readonly version: string;
}

/** An app and the execution class in which a node computes it. */
export interface AppOfferInput {
  /** Name of the app. */
  readonly app: string;
  /** Engine and machine class, such as `ort-node@1.30.0/linux-x64`. */
  readonly executionClass: string;
}

/** A node that was told to stop taking tasks, or to go on, or why not. */
export type DrainNodeResult =
  | ({ readonly __typename: "DrainedNode" } & DrainedNode)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** What a node was told. */
export interface DrainedNode {
  /** Which node. */
  readonly id: string;
  /** From when it takes no task; null if it takes tasks again. */
  readonly drainFrom: number | null;
  /** Give this as `atLeast` to see it. */
  readonly position: string;
}

/** What `registerNode` answers. */
export type RegisterNodeResult =
  | ({ readonly __typename: "RegisteredNode" } & RegisteredNode)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The node is known; this is what its worker needs. */
export interface RegisteredNode {
  /** Its name. */
  readonly id: string;
  /** Where it stands in the log. */
  readonly position: string;
  /** Where the worker connects, such as `nats://127.0.0.1:4222`. */
  readonly natsUrl: string;
  /** JetStream stream that holds the tasks. */
  readonly tasksStream: string;
  /** The node's own durable consumer of it: the node's id. */
  readonly consumer: string;
  /** Subject on which its tasks arrive. */
  readonly taskSubject: string;
  /** JetStream stream that takes the results. */
  readonly resultsStream: string;
  /** Subject on which it states results. */
  readonly resultSubject: string;
  /** Subject on which it says that it lives. */
  readonly heartbeatSubject: string;
}

/** What `mintNatsCredentials` answers. */
export type MintNatsCredentialsResult =
  | ({ readonly __typename: "NatsCredentials" } & NatsCredentials)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** What a node shows to NATS, together with a signature of its owner's transport key. */
export interface NatsCredentials {
  /** The statement of what it may do, as NATS wants it. */
  readonly jwt: string;
  /** After this it is worth nothing. */
  readonly expiresAt: number;
  /** Where the worker connects, such as `tls://gateway.example:4222`. */
  readonly natsUrl: string;
  /** Whom to trust for NATS' certificate; null for public authorities, or where NATS has none. */
  readonly caPem: string | null;
}

/** Whether an identity counts. */
export type IdentityStatus = "ACTIVE" | "REVOKED";

/** What an identity wants to be. */
export type IdentityRole = "client" | "validator" | "worker";

/** Who somebody is, by keys alone. */
export interface Identity {
  /** Its name: the hash of the record that it began with. */
  readonly id: string;
  /** Whether it counts. */
  readonly status: IdentityStatus;
  /** What it wants to be. */
  readonly roles: readonly IdentityRole[];
  /** From which it pays for its jobs. */
  readonly account: string;
  /** The Ed25519 key that signs for it now. */
  readonly rootKey: string;
  /** Names the root key that comes next. */
  readonly nextRootKeyHash: string;
  /** For which payloads are sealed to it, oldest first. */
  readonly encryptionKeys: readonly EncryptionKey[];
  /** Ids of encryption keys that it had before. */
  readonly retiredKeys: readonly string[];
  /** By which NATS knows its nodes; null unless it is a worker. */
  readonly natsKey: string | null;
  /** The number of its last statement; 0 after the registration. The next one has one more. */
  readonly sequence: number;
  /** Everything that it said, oldest first, each with its signature, from its stream in the log. */
  readonly history: readonly Event[];
}

/** An X25519 key. */
export interface EncryptionKey {
  /** What wraps name it by. */
  readonly id: string;
  /** The public key. */
  readonly key: string;
}

/** What `registerIdentity` answers. */
export type RegisterIdentityResult =
  | ({ readonly __typename: "RegisteredIdentity" } & RegisteredIdentity)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The identity is in the log. */
export interface RegisteredIdentity {
  /** Its name. */
  readonly id: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** What `stateIdentity` answers. */
export type StateIdentityResult =
  | ({ readonly __typename: "StatedIdentity" } & StatedIdentity)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The statement is in the log. */
export interface StatedIdentity {
  /** Whose. */
  readonly id: string;
  /** Where it stands in the log. */
  readonly position: string;
  /** Its number. */
  readonly sequence: number;
}

/** What `requestChallenge` answers. */
export type RequestChallengeResult =
  | ({ readonly __typename: "LoginChallenge" } & LoginChallenge)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** What the identity's root key signs to log in. */
export interface LoginChallenge {
  /** Sign it as `docs/access.md` says, and give it back as it is. */
  readonly challenge: unknown;
  /** After this it is worth nothing. */
  readonly expiresAt: number;
}

/** What `login` answers. */
export type LoginResult =
  | ({ readonly __typename: "AccessToken" } & AccessToken)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** Lets its owner act until it expires. Sent as `Authorization: DPoP <token>`, each time with a proof. */
export interface AccessToken {
  /** Nobody but the gateway needs to look into it. */
  readonly token: string;
  /** After this, log in again. */
  readonly expiresAt: number;
  /** What it is good for. */
  readonly scopes: readonly string[];
}

/** A secret by which a program acts for an identity. */
export interface ServiceKey {
  /** Its name. */
  readonly keyId: string;
  /** For people. */
  readonly label: string;
  /** What it is good for. */
  readonly scopes: readonly string[];
  /** When it was issued. */
  readonly issuedAt: number;
  /** When it ends by itself. */
  readonly expiresAt: number;
  /** Until when the secret before the last roll is good; null if it never was rolled. */
  readonly graceUntil: number | null;
  /** When it was revoked; null if it was not. */
  readonly revokedAt: number | null;
  /** When this gateway last saw it used, to the minute after a restart; null for never. */
  readonly lastUsedAt: number | null;
}

/** What `issueServiceKey` and `rollServiceKey` answer. */
export type ServiceKeySecretResult =
  | ({ readonly __typename: "ServiceKeySecret" } & ServiceKeySecret)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** A secret. It is shown this once: the network has its hash alone. */
export interface ServiceKeySecret {
  /** Names the key in lists. */
  readonly keyId: string;
  /** Keep it where only the program reads it. */
  readonly secret: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** What `revokeServiceKey` answers. */
export type RevokeServiceKeyResult =
  | ({ readonly __typename: "RevokedServiceKey" } & RevokedServiceKey)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** The key is worth nothing any more. */
export interface RevokedServiceKey {
  /** Its name. */
  readonly keyId: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** An account of the ledger. */
export interface Account {
  /** Its name. */
  readonly id: string;
  /** May be below zero for `issuance` alone. Of a node: what it can spend. */
  readonly balance: string;
  /** Of a node: awards whose hold window is open; null for other accounts. */
  readonly pending: string | null;
  /** By when all that is pending has settled at the latest; null if nothing is. */
  readonly settlesBy: number | null;
  /** Of a node: what it loses if it is convicted; null for other accounts. */
  readonly bond: string | null;
  /** How many movements touched it. */
  readonly entryCount: number;
  /** What moved, newest first. */
  readonly entries: EntryConnection;
}

export interface AccountEntriesArgs {
  readonly first?: number | undefined;
  readonly after?: string | null | undefined;
}

/** One movement of points, as this account sees it. */
export interface Entry {
  /** Where it stands in the log. */
  readonly position: string;
  /** When it happened. */
  readonly at: number;
  /** The event in the ledger: `PointsIssued`, `JobFunded`, `PointsAwarded`, `JobRefunded`,
   * `AwardsSettled`, `AwardsVoided`, `BondSlashed` or `BondReturned`. */
  readonly type: string;
  /** What came in; negative for what went out. */
  readonly amount: string;
  /** Where it came from or went to. */
  readonly counterparties: readonly string[];
  /** The job that it was for; null if for none, or for several. */
  readonly jobHash: string | null;
}

/** A page of an account's statement. */
export interface EntryConnection {
  /** Each with its cursor. */
  readonly edges: readonly EntryEdge[];
  /** The rows alone, for those who need no cursors. */
  readonly nodes: readonly Entry[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** An entry and its place in the list. */
export interface EntryEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: Entry;
}

/** A page of accounts. */
export interface AccountConnection {
  /** Each with its cursor. */
  readonly edges: readonly AccountEdge[];
  /** The rows alone, for those who need no cursors. */
  readonly nodes: readonly Account[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** An account and its place in the list. */
export interface AccountEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: Account;
}

/** Whose account it is. */
export type AccountKind =
  | "CLIENT"
  | "NODE"
  | "PENDING"
  | "BOND"
  | "ESCROW"
  | "ISSUANCE"
  | "SLASH_SINK";

/** Accounts that match every condition given. */
export interface AccountFilter {
  /** Only accounts of this kind. */
  readonly kind?: AccountKind | null | undefined;
}

/** Content-addressed bytes that the network keeps. */
export interface Blob {
  /** SHA-256 of the bytes. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** As whoever stored it said, such as `image/png`. */
  readonly mediaType: string;
  /** Where copies are. */
  readonly places: readonly BlobPlace[];
  /** When the last copy may be dropped; null for never. */
  readonly expiresAt: number | null;
  /** When it was first stored. */
  readonly storedAt: number;
  /** Path of the bytes on this gateway. */
  readonly path: string;
}

/** A copy of a blob. */
export interface BlobPlace {
  /** Which blob store holds the copy. */
  readonly place: string;
  /** After this the copy may be dropped; null for never. */
  readonly expiresAt: number | null;
}

/** A page of blobs. */
export interface BlobConnection {
  /** Each with its cursor. */
  readonly edges: readonly BlobEdge[];
  /** The rows alone, for those who need no cursors. */
  readonly nodes: readonly Blob[];
  /** Whether there is more. */
  readonly pageInfo: PageInfo;
}

/** A blob and its place in the list. */
export interface BlobEdge {
  /** Give it as `after` to go on behind this one. */
  readonly cursor: string;
  /** The row. */
  readonly node: Blob;
}

/** Something a job can run. */
export interface App {
  /** Its name. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What it reads. */
  readonly inputs: readonly AppInput[];
  /** Names of the parameters that it knows. */
  readonly params: readonly string[];
  /** Media type of its output. */
  readonly outputMediaType: string;
  /** Used when a job names none. */
  readonly comparator: unknown;
  /** What one accepted result costs if the job does not say. */
  readonly price: string;
  /** What is put in escrow for one job: the price times `replicasMax` (two more than the quorum if left out). */
  readonly quote: Quote;
  /** How long one attempt may take by default. */
  readonly wallMs: number;
  /** What one attempt needs. */
  readonly memoryMb: number;
  /** The weights that it computes with. */
  readonly models: readonly ModelFile[];
  /** Which nodes offer it, by execution class. */
  readonly offers: readonly ExecutionClassOffer[];
}

export interface AppQuoteArgs {
  readonly quorum?: number | undefined;
  readonly replicasMax?: number | null | undefined;
  readonly price?: string | null | undefined;
}

/** Something an app reads. */
export interface AppInput {
  /** `*` stands for any number of inputs that the job names. */
  readonly name: string;
  /** Media types that it can read. */
  readonly mediaTypes: readonly string[];
  /** Whether any number of inputs may be given here. */
  readonly many: boolean;
}

/** What a job would cost, in micro-points. */
export interface Quote {
  /** If the first `quorum` results agree. */
  readonly expected: string;
  /** If every replica is accepted; so much is put in escrow, and the rest comes back. */
  readonly escrow: string;
}

/** A file of weights. */
export interface ModelFile {
  /** What it is for, unique within the app. */
  readonly role: string;
  /** Where the weights come from. */
  readonly origin: string;
  /** SPDX expression. */
  readonly licence: string;
  /** Of the file. */
  readonly sha256: string;
}

/** Nodes that offer an app in one execution class. */
export interface ExecutionClassOffer {
  /** Engine and machine class, such as `ort-node@1.30.0/linux-x64`. */
  readonly executionClass: string;
  /** Active nodes that offer the app so. */
  readonly nodes: number;
  /** Those of them that are live. */
  readonly live: number;
  /** Tasks that the live ones can run at once. */
  readonly slots: number;
}

/** Who may change something on a gateway. */
export type AccessMode = "OPEN" | "IDENTITIES";

/** The network as this gateway sees it. */
export interface Network {
  /** Who may change something here. */
  readonly access: AccessMode;
  /** Version of this gateway. */
  readonly version: string;
  /** Where workers connect to NATS. */
  readonly natsUrl: string;
  /** The last event in the log. */
  readonly head: string;
  /** The last event that queries see here. */
  readonly position: string;
  /** Events that queries see here. */
  readonly events: number;
  /** Jobs by status. */
  readonly jobs: JobTotals;
  /** Nodes by status. */
  readonly nodes: NodeTotals;
  /** What moved so far. */
  readonly points: PointTotals;
  /** What this gateway stores. */
  readonly blobs: BlobTotals;
  /** What this gateway takes at most. */
  readonly limits: Limits;
}

/** Jobs by status. */
export interface JobTotals {
  /** Submitted and not ended. */
  readonly open: number;
  /** Ended with an output. */
  readonly completed: number;
  /** Ended without an output. */
  readonly failed: number;
  /** Answers that were rejected. */
  readonly rejected: number;
  /** Called off. */
  readonly cancelled: number;
}

/** Nodes by status. */
export interface NodeTotals {
  /** All that ever registered. */
  readonly registered: number;
  /** Given no work now. */
  readonly suspended: number;
  /** Heard of in the last seconds. */
  readonly live: number;
}

/** What moved so far, in micro-points. */
export interface PointTotals {
  /** Created. */
  readonly issued: string;
  /** Set aside for jobs. */
  readonly funded: string;
  /** Awarded to nodes: paid, held, or voided later. */
  readonly awarded: string;
  /** Given back to clients. */
  readonly refunded: string;
  /** Awards taken back from convicted nodes. */
  readonly voided: string;
  /** Bonds taken from convicted nodes. */
  readonly slashed: string;
  /** The sum of all accounts: 0, or the books are wrong. */
  readonly sum: string;
}

/** Blobs that this gateway stores itself. */
export interface BlobTotals {
  /** How many. */
  readonly count: number;
  /** How many bytes. */
  readonly bytes: number;
}

/** What this gateway takes at most; `docs/limits.md` says why, and how to stay below. */
export interface Limits {
  /** Of one blob. */
  readonly blobBytes: number;
  /** Of one request to `/graphql`. */
  readonly bodyBytes: number;
  /** Levels of arrays and objects in its JSON. */
  readonly bodyDepth: number;
  /** Names in all of its objects. */
  readonly bodyNames: number;
  /** Values in all of its arrays and objects. */
  readonly bodyValues: number;
  /** How long its body may take to arrive. */
  readonly bodyMs: number;
  /** Of one request to `/graphql` that only reads, and of a message over WebSocket. */
  readonly readBytes: number;
  /** Jobs in one `submitJobs`. */
  readonly jobsPerSubmit: number;
  /** Characters of a query. */
  readonly queryCharacters: number;
  /** Words and signs of a query. */
  readonly queryTokens: number;
  /** How deep its brackets may stand in one another. */
  readonly queryBrackets: number;
  /** Depth of a query. */
  readonly queryDepth: number;
  /** Fields of a query, its fragments written out. */
  readonly queryFields: number;
  /** Aliases in a query. */
  readonly queryAliases: number;
  /** Directives in a query. */
  readonly queryDirectives: number;
  /** Fragments in a query. */
  readonly queryFragments: number;
  /** Operations in one text. */
  readonly queryOperations: number;
  /** How often one field or fragment may be written in a query. */
  readonly queryRepeats: number;
  /** Points that one query may cost: about one for each object that it could answer. */
  readonly queryCost: number;
  /** Subscriptions on one connection. */
  readonly subscriptionsPerConnection: number;
  /** Subscriptions of one caller. */
  readonly subscriptionsPerCaller: number;
  /** WebSocket connections of one caller. */
  readonly connectionsPerCaller: number;
  /** `first` of a connection. */
  readonly pageSize: number;
  /** How long `atLeast` waits. */
  readonly waitMs: number;
}

/** A fact in the log. */
export interface Event {
  /** Its own name, a UUID. */
  readonly id: string;
  /** Where it stands in the log. */
  readonly position: string;
  /** The stream it belongs to. */
  readonly stream: string;
  /** Its place in the stream, from 0. */
  readonly revision: string;
  /** Such as `JobCompleted`. */
  readonly type: string;
  /** When the command behind it was given. */
  readonly at: number;
  /** The event itself. */
  readonly data: unknown;
}

/** Events in order. A batch may be empty: it then only says how far the log was looked at. */
export interface EventBatch {
  /** Give this as `after` to go on from here: nothing up to it will come again. */
  readonly position: string;
  /** In order. */
  readonly events: readonly Event[];
}

/** A job that ended. */
export interface EndedJob {
  /** The job hash. */
  readonly hash: string;
  /** How far it is. */
  readonly status: JobStatus;
  /** Why it ended without an output. */
  readonly reason: string | null;
  /** Null unless completed. */
  readonly outputDigest: string | null;
  /** In bytes; null unless completed. */
  readonly outputSize: number | null;
  /** Where it stands in the log. */
  readonly position: string;
  /** Null unless it was sealed and is completed. */
  readonly sealed: SealedOutput | null;
  /** Whether this end stands. A job with an assurance that no arbiter computed may be opened again while
   * its awards are held. */
  readonly final: boolean;
}

/** A completed job that was taken back: it is open again, and ends once more. */
export interface ReopenedJob {
  /** The job hash. */
  readonly hash: string;
  /** Whose results count no more. */
  readonly convicts: readonly string[];
  /** When it fails if it has not ended. */
  readonly deadlineAt: number;
  /** Where it stands in the log. */
  readonly position: string;
}

/** What opens the output of a sealed job, beside its key. */
export interface SealedOutput {
  /** Whose sealing the output is: which replica. */
  readonly replica: number;
  /** Which attempt of it. */
  readonly attempt: number;
  /** What the output must answer to when it is opened. */
  readonly resultTag: string;
}

/** Sealed jobs that wait for their client's `wrapKeys`. */
export interface KeysAwaitedBatch {
  /** Give this as `after` to go on from here. */
  readonly position: string;
  /** In order. */
  readonly jobs: readonly AwaitingJob[];
}

/** A sealed job that no node that is left can read. */
export interface AwaitingJob {
  /** The job hash. */
  readonly hash: string;
  /** Where it stands in the log. */
  readonly position: string;
}

/** Jobs that ended, in order. */
export interface EndedJobBatch {
  /** Give this as `after` to go on from here. */
  readonly position: string;
  /** In order. */
  readonly jobs: readonly EndedJob[];
  /** Jobs that were opened again, in order; `position` says before or after which ends. */
  readonly reopened: readonly ReopenedJob[];
  /** Jobs of which an award was settled: they are not opened again. */
  readonly settled: readonly string[];
}

export interface QueryFields<S extends Sources, C> {
  readonly job: Field<unknown, QueryJobArgs, S["Job"] | null | undefined, C>;
  readonly jobs: Field<unknown, QueryJobsArgs, S["JobConnection"], C>;
  readonly node: Field<unknown, QueryNodeArgs, S["Node"] | null | undefined, C>;
  readonly nodes: Field<unknown, QueryNodesArgs, S["NodeConnection"], C>;
  readonly requester: Field<unknown, QueryRequesterArgs, S["Requester"] | null | undefined, C>;
  readonly account: Field<unknown, QueryAccountArgs, S["Account"] | null | undefined, C>;
  readonly accounts: Field<unknown, QueryAccountsArgs, S["AccountConnection"], C>;
  readonly blob: Field<unknown, QueryBlobArgs, S["Blob"] | null | undefined, C>;
  readonly blobs: Field<unknown, QueryBlobsArgs, S["BlobConnection"], C>;
  readonly apps: Field<unknown, QueryAppsArgs, readonly S["App"][], C>;
  readonly app: Field<unknown, QueryAppArgs, S["App"] | null | undefined, C>;
  readonly identity: Field<unknown, QueryIdentityArgs, S["Identity"] | null | undefined, C>;
  readonly serviceKeys: Field<unknown, NoArgs, readonly S["ServiceKey"][], C>;
  readonly candidates: Field<unknown, QueryCandidatesArgs, S["CandidateSet"], C>;
  readonly network: Field<unknown, QueryNetworkArgs, S["Network"], C>;
  readonly quote: Field<
    unknown,
    QueryQuoteArgs,
    | ({ readonly __typename: "JobQuote" } & S["JobQuote"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly policy: Field<unknown, QueryPolicyArgs, S["Policy"], C>;
}

export interface MutationFields<S extends Sources, C> {
  readonly submitJob: Field<
    unknown,
    MutationSubmitJobArgs,
    | ({ readonly __typename: "SubmittedJob" } & S["SubmittedJob"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly submitJobs: Field<
    unknown,
    MutationSubmitJobsArgs,
    | ({ readonly __typename: "SubmittedJobs" } & S["SubmittedJobs"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly wrapKeys: Field<
    unknown,
    MutationWrapKeysArgs,
    | ({ readonly __typename: "WrappedKeys" } & S["WrappedKeys"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly cancelJob: Field<
    unknown,
    MutationCancelJobArgs,
    | ({ readonly __typename: "CancelledJob" } & S["CancelledJob"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly registerNode: Field<
    unknown,
    MutationRegisterNodeArgs,
    | ({ readonly __typename: "RegisteredNode" } & S["RegisteredNode"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly drainNode: Field<
    unknown,
    MutationDrainNodeArgs,
    | ({ readonly __typename: "DrainedNode" } & S["DrainedNode"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly resumeNode: Field<
    unknown,
    MutationResumeNodeArgs,
    | ({ readonly __typename: "DrainedNode" } & S["DrainedNode"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly mintNatsCredentials: Field<
    unknown,
    MutationMintNatsCredentialsArgs,
    | ({ readonly __typename: "NatsCredentials" } & S["NatsCredentials"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly registerIdentity: Field<
    unknown,
    MutationRegisterIdentityArgs,
    | ({ readonly __typename: "RegisteredIdentity" } & S["RegisteredIdentity"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly stateIdentity: Field<
    unknown,
    MutationStateIdentityArgs,
    | ({ readonly __typename: "StatedIdentity" } & S["StatedIdentity"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly requestChallenge: Field<
    unknown,
    MutationRequestChallengeArgs,
    | ({ readonly __typename: "LoginChallenge" } & S["LoginChallenge"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly login: Field<
    unknown,
    MutationLoginArgs,
    | ({ readonly __typename: "AccessToken" } & S["AccessToken"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly issueServiceKey: Field<
    unknown,
    MutationIssueServiceKeyArgs,
    | ({ readonly __typename: "ServiceKeySecret" } & S["ServiceKeySecret"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly rollServiceKey: Field<
    unknown,
    MutationRollServiceKeyArgs,
    | ({ readonly __typename: "ServiceKeySecret" } & S["ServiceKeySecret"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
  readonly revokeServiceKey: Field<
    unknown,
    MutationRevokeServiceKeyArgs,
    | ({ readonly __typename: "RevokedServiceKey" } & S["RevokedServiceKey"])
    | ({ readonly __typename: "Refusal" } & S["Refusal"]),
    C
  >;
}

export interface SubscriptionFields<S extends Sources, C> {
  readonly jobEvents: Listening<
    SubscriptionJobEventsArgs,
    { readonly jobEvents: S["EventBatch"] },
    C
  >;
  readonly events: Listening<SubscriptionEventsArgs, { readonly events: S["EventBatch"] }, C>;
  readonly jobEnded: Listening<
    SubscriptionJobEndedArgs,
    { readonly jobEnded: S["EndedJobBatch"] },
    C
  >;
  readonly keysAwaited: Listening<
    SubscriptionKeysAwaitedArgs,
    { readonly keysAwaited: S["KeysAwaitedBatch"] },
    C
  >;
}

export interface JobQuoteFields<S extends Sources, C> {
  readonly app: Field<S["JobQuote"], NoArgs, string, C>;
  readonly assurance: Field<S["JobQuote"], NoArgs, AssuranceClass | null | undefined, C>;
  readonly policyVersion: Field<S["JobQuote"], NoArgs, number, C>;
  readonly price: Field<S["JobQuote"], NoArgs, string | bigint, C>;
  readonly escrow: Field<S["JobQuote"], NoArgs, string | bigint, C>;
  readonly expected: Field<S["JobQuote"], NoArgs, string | bigint, C>;
  readonly executions: Field<S["JobQuote"], NoArgs, number, C>;
  readonly waitMs: Field<S["JobQuote"], NoArgs, number | null | undefined, C>;
  readonly eligible: Field<S["JobQuote"], NoArgs, S["EligibleNodes"], C>;
  readonly arbiters: Field<S["JobQuote"], NoArgs, S["EligibleNodes"], C>;
  readonly plan: Field<S["JobQuote"], NoArgs, S["VerificationPlan"], C>;
}

export interface EligibleNodesFields<S extends Sources, C> {
  readonly nodes: Field<S["EligibleNodes"], NoArgs, number, C>;
  readonly live: Field<S["EligibleNodes"], NoArgs, number, C>;
  readonly owners: Field<S["EligibleNodes"], NoArgs, number, C>;
  readonly trusted: Field<S["EligibleNodes"], NoArgs, number, C>;
  readonly classes: Field<S["EligibleNodes"], NoArgs, readonly S["EligibleClass"][], C>;
}

export interface EligibleClassFields<S extends Sources, C> {
  readonly executionClass: Field<S["EligibleClass"], NoArgs, string, C>;
  readonly nodes: Field<S["EligibleClass"], NoArgs, number, C>;
  readonly live: Field<S["EligibleClass"], NoArgs, number, C>;
  readonly owners: Field<S["EligibleClass"], NoArgs, number, C>;
}

export interface VerificationPlanFields<S extends Sources, C> {
  readonly comparator: Field<S["VerificationPlan"], NoArgs, unknown, C>;
  readonly byTag: Field<S["VerificationPlan"], NoArgs, boolean, C>;
  readonly oneClass: Field<S["VerificationPlan"], NoArgs, boolean, C>;
  readonly quorum: Field<S["VerificationPlan"], NoArgs, number, C>;
  readonly replicasAtStart: Field<S["VerificationPlan"], NoArgs, number, C>;
  readonly replicasMax: Field<S["VerificationPlan"], NoArgs, number, C>;
  readonly commit: Field<S["VerificationPlan"], NoArgs, boolean, C>;
  readonly threshold: Field<S["VerificationPlan"], NoArgs, number | null | undefined, C>;
  readonly auditShare: Field<S["VerificationPlan"], NoArgs, number | null | undefined, C>;
  readonly arbitersToConvict: Field<S["VerificationPlan"], NoArgs, number | null | undefined, C>;
  readonly holdJobs: Field<S["VerificationPlan"], NoArgs, number | null | undefined, C>;
  readonly holdMs: Field<S["VerificationPlan"], NoArgs, number | null | undefined, C>;
  readonly text: Field<S["VerificationPlan"], NoArgs, readonly string[], C>;
}

export interface PolicyFields<S extends Sources, C> {
  readonly version: Field<S["Policy"], NoArgs, number, C>;
  readonly adoptedAt: Field<S["Policy"], NoArgs, number | null | undefined, C>;
  readonly parameters: Field<S["Policy"], NoArgs, unknown, C>;
}

export interface RefusalFields<S extends Sources, C> {
  readonly code: Field<S["Refusal"], NoArgs, string, C>;
  readonly message: Field<S["Refusal"], NoArgs, string, C>;
}

export interface RefusalOfOneFields<S extends Sources, C> {
  readonly index: Field<S["RefusalOfOne"], NoArgs, number, C>;
  readonly code: Field<S["RefusalOfOne"], NoArgs, string, C>;
  readonly message: Field<S["RefusalOfOne"], NoArgs, string, C>;
}

export interface PageInfoFields<S extends Sources, C> {
  readonly hasNextPage: Field<S["PageInfo"], NoArgs, boolean, C>;
  readonly endCursor: Field<S["PageInfo"], NoArgs, string | null | undefined, C>;
}

export interface JobFields<S extends Sources, C> {
  readonly hash: Field<S["Job"], NoArgs, string, C>;
  readonly status: Field<S["Job"], NoArgs, JobStatus, C>;
  readonly reason: Field<S["Job"], NoArgs, string | null | undefined, C>;
  readonly client: Field<S["Job"], NoArgs, string, C>;
  readonly app: Field<S["Job"], NoArgs, string, C>;
  readonly params: Field<S["Job"], NoArgs, unknown, C>;
  readonly sealed: Field<S["Job"], NoArgs, boolean, C>;
  readonly awaitingKeys: Field<S["Job"], NoArgs, boolean, C>;
  readonly recipients: Field<S["Job"], NoArgs, readonly string[], C>;
  readonly wrap: Field<S["Job"], JobWrapArgs, S["Wrap"] | null | undefined, C>;
  readonly inputs: Field<S["Job"], NoArgs, readonly S["NamedBlob"][], C>;
  readonly comparator: Field<S["Job"], NoArgs, unknown, C>;
  readonly assurance: Field<S["Job"], NoArgs, AssuranceClass | null | undefined, C>;
  readonly quorum: Field<S["Job"], NoArgs, number, C>;
  readonly replicasMax: Field<S["Job"], NoArgs, number, C>;
  readonly price: Field<S["Job"], NoArgs, string | bigint, C>;
  readonly budget: Field<S["Job"], NoArgs, string | bigint, C>;
  readonly engine: Field<S["Job"], NoArgs, string, C>;
  readonly wallMs: Field<S["Job"], NoArgs, number, C>;
  readonly deadlineMs: Field<S["Job"], NoArgs, number, C>;
  readonly priority: Field<S["Job"], NoArgs, number, C>;
  readonly nonce: Field<S["Job"], NoArgs, string, C>;
  readonly spec: Field<S["Job"], NoArgs, object, C>;
  readonly submittedAt: Field<S["Job"], NoArgs, number, C>;
  readonly deadlineAt: Field<S["Job"], NoArgs, number, C>;
  readonly endedAt: Field<S["Job"], NoArgs, number | null | undefined, C>;
  readonly final: Field<S["Job"], NoArgs, boolean, C>;
  readonly reopenedAt: Field<S["Job"], NoArgs, string | bigint | null | undefined, C>;
  readonly output: Field<S["Job"], NoArgs, S["BlobRef"] | null | undefined, C>;
  readonly tasks: Field<S["Job"], NoArgs, readonly S["Task"][], C>;
  readonly disagreement: Field<S["Job"], NoArgs, S["Disagreement"] | null | undefined, C>;
  readonly escrow: Field<S["Job"], NoArgs, S["Escrow"] | null | undefined, C>;
  readonly awards: Field<S["Job"], NoArgs, readonly S["Award"][], C>;
  readonly verification: Field<S["Job"], NoArgs, S["JobVerification"], C>;
  readonly history: Field<S["Job"], NoArgs, readonly S["Event"][], C>;
  readonly position: Field<S["Job"], NoArgs, string | bigint, C>;
}

export interface DisagreementFields<S extends Sources, C> {
  readonly comparator: Field<S["Disagreement"], NoArgs, string, C>;
  readonly groups: Field<S["Disagreement"], NoArgs, readonly (readonly number[])[], C>;
  readonly distance: Field<S["Disagreement"], NoArgs, number, C>;
  readonly reason: Field<S["Disagreement"], NoArgs, string, C>;
}

export interface EscrowFields<S extends Sources, C> {
  readonly funded: Field<S["Escrow"], NoArgs, string | bigint, C>;
  readonly refunded: Field<S["Escrow"], NoArgs, string | bigint | null | undefined, C>;
}

export interface AwardFields<S extends Sources, C> {
  readonly id: Field<S["Award"], NoArgs, string, C>;
  readonly replica: Field<S["Award"], NoArgs, number, C>;
  readonly nodeId: Field<S["Award"], NoArgs, string, C>;
  readonly amount: Field<S["Award"], NoArgs, string | bigint, C>;
  readonly heldUntil: Field<S["Award"], NoArgs, number | null | undefined, C>;
  readonly voided: Field<S["Award"], NoArgs, boolean, C>;
  readonly state: Field<S["Award"], NoArgs, AwardState, C>;
}

export interface JobVerificationFields<S extends Sources, C> {
  readonly comparator: Field<S["JobVerification"], NoArgs, string, C>;
  readonly bounds: Field<S["JobVerification"], NoArgs, unknown | null | undefined, C>;
  readonly credibility: Field<S["JobVerification"], NoArgs, number | null | undefined, C>;
  readonly threshold: Field<S["JobVerification"], NoArgs, number | null | undefined, C>;
  readonly policyVersion: Field<S["JobVerification"], NoArgs, number | null | undefined, C>;
  readonly audited: Field<S["JobVerification"], NoArgs, boolean | null | undefined, C>;
  readonly verdicts: Field<S["JobVerification"], NoArgs, readonly S["TaskVerdict"][], C>;
  readonly draws: Field<S["JobVerification"], NoArgs, readonly S["AuditDraw"][], C>;
  readonly wishes: Field<S["JobVerification"], NoArgs, readonly S["ResultsWanted"][], C>;
  readonly reopenings: Field<S["JobVerification"], NoArgs, readonly S["Reopening"][], C>;
}

export interface TaskVerdictFields<S extends Sources, C> {
  readonly at: Field<S["TaskVerdict"], NoArgs, number, C>;
  readonly replica: Field<S["TaskVerdict"], NoArgs, number, C>;
  readonly attempt: Field<S["TaskVerdict"], NoArgs, number, C>;
  readonly nodeId: Field<S["TaskVerdict"], NoArgs, string, C>;
  readonly arbiter: Field<S["TaskVerdict"], NoArgs, boolean, C>;
  readonly accepted: Field<S["TaskVerdict"], NoArgs, boolean, C>;
  readonly comparator: Field<S["TaskVerdict"], NoArgs, string, C>;
  readonly bounds: Field<S["TaskVerdict"], NoArgs, unknown | null | undefined, C>;
  readonly distance: Field<S["TaskVerdict"], NoArgs, number, C>;
  readonly reason: Field<S["TaskVerdict"], NoArgs, string | null | undefined, C>;
  readonly audited: Field<S["TaskVerdict"], NoArgs, boolean, C>;
  readonly convicted: Field<S["TaskVerdict"], NoArgs, boolean, C>;
  readonly survived: Field<S["TaskVerdict"], NoArgs, number | null | undefined, C>;
}

export interface AuditDrawFields<S extends Sources, C> {
  readonly at: Field<S["AuditDraw"], NoArgs, number, C>;
  readonly replica: Field<S["AuditDraw"], NoArgs, number, C>;
  readonly attempt: Field<S["AuditDraw"], NoArgs, number, C>;
  readonly nodeId: Field<S["AuditDraw"], NoArgs, string, C>;
  readonly runtime: Field<S["AuditDraw"], NoArgs, string, C>;
  readonly survived: Field<S["AuditDraw"], NoArgs, number, C>;
  readonly atRisk: Field<S["AuditDraw"], NoArgs, string | bigint, C>;
  readonly share: Field<S["AuditDraw"], NoArgs, number, C>;
  readonly audited: Field<S["AuditDraw"], NoArgs, boolean, C>;
  readonly beacon: Field<S["AuditDraw"], NoArgs, string, C>;
  readonly from: Field<S["AuditDraw"], NoArgs, string | bigint, C>;
  readonly to: Field<S["AuditDraw"], NoArgs, string | bigint, C>;
  readonly policyVersion: Field<S["AuditDraw"], NoArgs, number, C>;
}

export interface ResultsWantedFields<S extends Sources, C> {
  readonly at: Field<S["ResultsWanted"], NoArgs, number, C>;
  readonly why: Field<S["ResultsWanted"], NoArgs, string | null | undefined, C>;
  readonly wanted: Field<S["ResultsWanted"], NoArgs, number, C>;
  readonly arbitersWanted: Field<S["ResultsWanted"], NoArgs, number, C>;
  readonly credibility: Field<S["ResultsWanted"], NoArgs, number | null | undefined, C>;
  readonly threshold: Field<S["ResultsWanted"], NoArgs, number | null | undefined, C>;
  readonly groups: Field<
    S["ResultsWanted"],
    NoArgs,
    readonly (readonly number[])[] | null | undefined,
    C
  >;
  readonly distance: Field<S["ResultsWanted"], NoArgs, number | null | undefined, C>;
}

export interface ReopeningFields<S extends Sources, C> {
  readonly at: Field<S["Reopening"], NoArgs, number, C>;
  readonly convicts: Field<S["Reopening"], NoArgs, readonly string[], C>;
}

export interface NamedBlobFields<S extends Sources, C> {
  readonly name: Field<S["NamedBlob"], NoArgs, string, C>;
  readonly digest: Field<S["NamedBlob"], NoArgs, string, C>;
  readonly size: Field<S["NamedBlob"], NoArgs, number, C>;
}

export interface BlobRefFields<S extends Sources, C> {
  readonly digest: Field<S["BlobRef"], NoArgs, string, C>;
  readonly size: Field<S["BlobRef"], NoArgs, number, C>;
  readonly path: Field<S["BlobRef"], NoArgs, string, C>;
}

export interface TaskFields<S extends Sources, C> {
  readonly replica: Field<S["Task"], NoArgs, number, C>;
  readonly attempt: Field<S["Task"], NoArgs, number, C>;
  readonly nodeId: Field<S["Task"], NoArgs, string, C>;
  readonly arbiter: Field<S["Task"], NoArgs, boolean, C>;
  readonly status: Field<S["Task"], NoArgs, TaskStatus, C>;
  readonly executionClass: Field<S["Task"], NoArgs, string, C>;
  readonly assignedAt: Field<S["Task"], NoArgs, number, C>;
  readonly expiresAt: Field<S["Task"], NoArgs, number, C>;
  readonly endedAt: Field<S["Task"], NoArgs, number | null | undefined, C>;
  readonly elapsedMs: Field<S["Task"], NoArgs, number | null | undefined, C>;
  readonly output: Field<S["Task"], NoArgs, S["BlobRef"] | null | undefined, C>;
  readonly resultTag: Field<S["Task"], NoArgs, string | null | undefined, C>;
  readonly code: Field<S["Task"], NoArgs, string | null | undefined, C>;
  readonly comparator: Field<S["Task"], NoArgs, string | null | undefined, C>;
  readonly distance: Field<S["Task"], NoArgs, number | null | undefined, C>;
  readonly reason: Field<S["Task"], NoArgs, string | null | undefined, C>;
  readonly receipt: Field<S["Task"], NoArgs, unknown | null | undefined, C>;
  readonly assignment: Field<S["Task"], NoArgs, S["Assignment"] | null | undefined, C>;
}

export interface AssignmentFields<S extends Sources, C> {
  readonly position: Field<S["Assignment"], NoArgs, string | bigint, C>;
  readonly asOf: Field<S["Assignment"], NoArgs, string | bigint | null | undefined, C>;
  readonly rules: Field<S["Assignment"], NoArgs, number, C>;
  readonly policy: Field<S["Assignment"], NoArgs, number | null | undefined, C>;
  readonly seed: Field<S["Assignment"], NoArgs, number, C>;
  readonly candidates: Field<S["Assignment"], NoArgs, number, C>;
  readonly explores: Field<S["Assignment"], NoArgs, boolean, C>;
  readonly score: Field<S["Assignment"], NoArgs, number, C>;
  readonly ranked: Field<S["Assignment"], NoArgs, readonly S["RankedNode"][], C>;
  readonly digest: Field<S["Assignment"], NoArgs, string | null | undefined, C>;
}

export interface RankedNodeFields<S extends Sources, C> {
  readonly nodeId: Field<S["RankedNode"], NoArgs, string, C>;
  readonly executionClass: Field<S["RankedNode"], NoArgs, string, C>;
  readonly standing: Field<S["RankedNode"], NoArgs, number, C>;
  readonly held: Field<S["RankedNode"], NoArgs, number, C>;
  readonly reserved: Field<S["RankedNode"], NoArgs, number, C>;
  readonly slots: Field<S["RankedNode"], NoArgs, number, C>;
  readonly turnaroundMs: Field<S["RankedNode"], NoArgs, number | null | undefined, C>;
}

export interface JobConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["JobConnection"], NoArgs, readonly S["JobEdge"][], C>;
  readonly nodes: Field<S["JobConnection"], NoArgs, readonly S["Job"][], C>;
  readonly pageInfo: Field<S["JobConnection"], NoArgs, S["PageInfo"], C>;
}

export interface JobEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["JobEdge"], NoArgs, string, C>;
  readonly node: Field<S["JobEdge"], NoArgs, S["Job"], C>;
}

export interface CandidateSetFields<S extends Sources, C> {
  readonly nodes: Field<S["CandidateSet"], NoArgs, readonly S["CandidateNode"][], C>;
}

export interface CandidateNodeFields<S extends Sources, C> {
  readonly nodeId: Field<S["CandidateNode"], NoArgs, string, C>;
  readonly owner: Field<S["CandidateNode"], NoArgs, string, C>;
  readonly encryptionKey: Field<S["CandidateNode"], NoArgs, string, C>;
  readonly keyId: Field<S["CandidateNode"], NoArgs, string, C>;
  readonly executionClass: Field<S["CandidateNode"], NoArgs, string, C>;
  readonly arbiter: Field<S["CandidateNode"], NoArgs, boolean, C>;
}

export interface WrapFields<S extends Sources, C> {
  readonly keyId: Field<S["Wrap"], NoArgs, string, C>;
  readonly enc: Field<S["Wrap"], NoArgs, string, C>;
  readonly seq: Field<S["Wrap"], NoArgs, number, C>;
  readonly wrapped: Field<S["Wrap"], NoArgs, string, C>;
}

export interface WrappedKeysFields<S extends Sources, C> {
  readonly hash: Field<S["WrappedKeys"], NoArgs, string, C>;
  readonly position: Field<S["WrappedKeys"], NoArgs, string | bigint, C>;
}

export interface SubmittedJobFields<S extends Sources, C> {
  readonly hash: Field<S["SubmittedJob"], NoArgs, string, C>;
  readonly created: Field<S["SubmittedJob"], NoArgs, boolean, C>;
  readonly position: Field<S["SubmittedJob"], NoArgs, string | bigint, C>;
}

export interface SubmittedJobsFields<S extends Sources, C> {
  readonly hashes: Field<S["SubmittedJobs"], NoArgs, readonly (string | null | undefined)[], C>;
  readonly created: Field<S["SubmittedJobs"], NoArgs, number, C>;
  readonly isNew: Field<S["SubmittedJobs"], NoArgs, readonly boolean[], C>;
  readonly refusals: Field<S["SubmittedJobs"], NoArgs, readonly S["RefusalOfOne"][], C>;
  readonly position: Field<S["SubmittedJobs"], NoArgs, string | bigint, C>;
}

export interface CancelledJobFields<S extends Sources, C> {
  readonly hash: Field<S["CancelledJob"], NoArgs, string, C>;
  readonly position: Field<S["CancelledJob"], NoArgs, string | bigint, C>;
}

export interface NodeFields<S extends Sources, C> {
  readonly id: Field<S["Node"], NoArgs, string, C>;
  readonly owner: Field<S["Node"], NoArgs, string, C>;
  readonly identity: Field<S["Node"], NoArgs, S["Identity"] | null | undefined, C>;
  readonly status: Field<S["Node"], NoArgs, NodeStatus, C>;
  readonly drainFrom: Field<S["Node"], NoArgs, number | null | undefined, C>;
  readonly reason: Field<S["Node"], NoArgs, string | null | undefined, C>;
  readonly capabilities: Field<S["Node"], NoArgs, S["Capabilities"], C>;
  readonly registeredAt: Field<S["Node"], NoArgs, number, C>;
  readonly changedAt: Field<S["Node"], NoArgs, number, C>;
  readonly live: Field<S["Node"], NoArgs, boolean, C>;
  readonly lastSeen: Field<S["Node"], NoArgs, number | null | undefined, C>;
  readonly held: Field<S["Node"], NoArgs, number | null | undefined, C>;
  readonly speeds: Field<S["Node"], NoArgs, readonly S["MeasuredSpeed"][], C>;
  readonly reputation: Field<S["Node"], NoArgs, S["Reputation"], C>;
  readonly account: Field<S["Node"], NoArgs, S["Account"] | null | undefined, C>;
}

export interface MeasuredSpeedFields<S extends Sources, C> {
  readonly app: Field<S["MeasuredSpeed"], NoArgs, string, C>;
  readonly executionClass: Field<S["MeasuredSpeed"], NoArgs, string, C>;
  readonly samples: Field<S["MeasuredSpeed"], NoArgs, number, C>;
  readonly mean: Field<S["MeasuredSpeed"], NoArgs, number, C>;
  readonly deviation: Field<S["MeasuredSpeed"], NoArgs, number, C>;
  readonly atLeast: Field<S["MeasuredSpeed"], NoArgs, number | null | undefined, C>;
  readonly measuredAt: Field<S["MeasuredSpeed"], NoArgs, number, C>;
  readonly jobHash: Field<S["MeasuredSpeed"], NoArgs, string, C>;
}

export interface CapabilitiesFields<S extends Sources, C> {
  readonly apps: Field<S["Capabilities"], NoArgs, readonly S["AppOffer"][], C>;
  readonly slots: Field<S["Capabilities"], NoArgs, number, C>;
  readonly backlog: Field<S["Capabilities"], NoArgs, number, C>;
  readonly cpus: Field<S["Capabilities"], NoArgs, number, C>;
  readonly memoryMb: Field<S["Capabilities"], NoArgs, number, C>;
  readonly platform: Field<S["Capabilities"], NoArgs, string, C>;
  readonly version: Field<S["Capabilities"], NoArgs, string, C>;
}

export interface AppOfferFields<S extends Sources, C> {
  readonly app: Field<S["AppOffer"], NoArgs, string, C>;
  readonly executionClass: Field<S["AppOffer"], NoArgs, string, C>;
}

export interface ReputationFields<S extends Sources, C> {
  readonly reliability: Field<S["Reputation"], NoArgs, S["Score"], C>;
  readonly correctness: Field<S["Reputation"], NoArgs, S["Score"], C>;
  readonly standing: Field<S["Reputation"], NoArgs, number, C>;
  readonly turnaroundMs: Field<S["Reputation"], NoArgs, number | null | undefined, C>;
  readonly assigned: Field<S["Reputation"], NoArgs, number, C>;
  readonly answered: Field<S["Reputation"], NoArgs, number, C>;
  readonly broken: Field<S["Reputation"], NoArgs, number, C>;
  readonly accepted: Field<S["Reputation"], NoArgs, number, C>;
  readonly rejected: Field<S["Reputation"], NoArgs, number, C>;
  readonly silent: Field<S["Reputation"], NoArgs, number, C>;
  readonly drained: Field<S["Reputation"], NoArgs, number, C>;
  readonly vetting: Field<S["Reputation"], NoArgs, S["Vetting"], C>;
  readonly warnings: Field<S["Reputation"], NoArgs, readonly S["ReputationWarning"][], C>;
  readonly turnarounds: Field<S["Reputation"], NoArgs, readonly S["Turnaround"][], C>;
  readonly position: Field<S["Reputation"], NoArgs, string | bigint | null | undefined, C>;
  readonly history: Field<S["Reputation"], ReputationHistoryArgs, S["ScoreChangeConnection"], C>;
}

export interface VettingFields<S extends Sources, C> {
  readonly endedAt: Field<S["Vetting"], NoArgs, number | null | undefined, C>;
  readonly accepted: Field<S["Vetting"], NoArgs, number, C>;
  readonly acceptedWanted: Field<S["Vetting"], NoArgs, number, C>;
  readonly days: Field<S["Vetting"], NoArgs, number, C>;
  readonly daysWanted: Field<S["Vetting"], NoArgs, number, C>;
}

export interface ReputationWarningFields<S extends Sources, C> {
  readonly code: Field<S["ReputationWarning"], NoArgs, string, C>;
  readonly message: Field<S["ReputationWarning"], NoArgs, string, C>;
  readonly since: Field<S["ReputationWarning"], NoArgs, number, C>;
  readonly position: Field<S["ReputationWarning"], NoArgs, string | bigint, C>;
  readonly event: Field<S["ReputationWarning"], NoArgs, S["ReputationCause"], C>;
}

export interface ReputationCauseFields<S extends Sources, C> {
  readonly type: Field<S["ReputationCause"], NoArgs, string, C>;
  readonly jobHash: Field<S["ReputationCause"], NoArgs, string, C>;
  readonly replica: Field<S["ReputationCause"], NoArgs, number, C>;
}

export interface TurnaroundFields<S extends Sources, C> {
  readonly app: Field<S["Turnaround"], NoArgs, string, C>;
  readonly weight: Field<S["Turnaround"], NoArgs, number, C>;
  readonly meanMs: Field<S["Turnaround"], NoArgs, number, C>;
  readonly deviationMs: Field<S["Turnaround"], NoArgs, number, C>;
}

export interface ScoreChangeFields<S extends Sources, C> {
  readonly at: Field<S["ScoreChange"], NoArgs, number, C>;
  readonly position: Field<S["ScoreChange"], NoArgs, string | bigint, C>;
  readonly event: Field<S["ScoreChange"], NoArgs, S["ReputationCause"], C>;
  readonly score: Field<S["ScoreChange"], NoArgs, ScoreName, C>;
  readonly old: Field<S["ScoreChange"], NoArgs, number, C>;
  readonly new: Field<S["ScoreChange"], NoArgs, number, C>;
  readonly reason: Field<S["ScoreChange"], NoArgs, string, C>;
}

export interface ScoreChangeConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["ScoreChangeConnection"], NoArgs, readonly S["ScoreChangeEdge"][], C>;
  readonly nodes: Field<S["ScoreChangeConnection"], NoArgs, readonly S["ScoreChange"][], C>;
  readonly pageInfo: Field<S["ScoreChangeConnection"], NoArgs, S["PageInfo"], C>;
}

export interface ScoreChangeEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["ScoreChangeEdge"], NoArgs, string, C>;
  readonly node: Field<S["ScoreChangeEdge"], NoArgs, S["ScoreChange"], C>;
}

export interface RequesterFields<S extends Sources, C> {
  readonly id: Field<S["Requester"], NoArgs, string, C>;
  readonly jobs: Field<S["Requester"], NoArgs, number, C>;
  readonly completed: Field<S["Requester"], NoArgs, number, C>;
  readonly failedByInput: Field<S["Requester"], NoArgs, number, C>;
  readonly failedOtherwise: Field<S["Requester"], NoArgs, number, C>;
  readonly cancelledUnstarted: Field<S["Requester"], NoArgs, number, C>;
  readonly cancelledAfterWork: Field<S["Requester"], NoArgs, number, C>;
  readonly unfunded: Field<S["Requester"], NoArgs, number, C>;
  readonly tasksInVain: Field<S["Requester"], NoArgs, number, C>;
  readonly fairness: Field<S["Requester"], NoArgs, S["Score"], C>;
}

export interface ScoreFields<S extends Sources, C> {
  readonly mean: Field<S["Score"], NoArgs, number, C>;
  readonly lower: Field<S["Score"], NoArgs, number, C>;
  readonly upper: Field<S["Score"], NoArgs, number, C>;
  readonly weight: Field<S["Score"], NoArgs, number, C>;
}

export interface NodeConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["NodeConnection"], NoArgs, readonly S["NodeEdge"][], C>;
  readonly nodes: Field<S["NodeConnection"], NoArgs, readonly S["Node"][], C>;
  readonly pageInfo: Field<S["NodeConnection"], NoArgs, S["PageInfo"], C>;
}

export interface NodeEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["NodeEdge"], NoArgs, string, C>;
  readonly node: Field<S["NodeEdge"], NoArgs, S["Node"], C>;
}

export interface DrainedNodeFields<S extends Sources, C> {
  readonly id: Field<S["DrainedNode"], NoArgs, string, C>;
  readonly drainFrom: Field<S["DrainedNode"], NoArgs, number | null | undefined, C>;
  readonly position: Field<S["DrainedNode"], NoArgs, string | bigint, C>;
}

export interface RegisteredNodeFields<S extends Sources, C> {
  readonly id: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly position: Field<S["RegisteredNode"], NoArgs, string | bigint, C>;
  readonly natsUrl: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly tasksStream: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly consumer: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly taskSubject: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly resultsStream: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly resultSubject: Field<S["RegisteredNode"], NoArgs, string, C>;
  readonly heartbeatSubject: Field<S["RegisteredNode"], NoArgs, string, C>;
}

export interface NatsCredentialsFields<S extends Sources, C> {
  readonly jwt: Field<S["NatsCredentials"], NoArgs, string, C>;
  readonly expiresAt: Field<S["NatsCredentials"], NoArgs, number, C>;
  readonly natsUrl: Field<S["NatsCredentials"], NoArgs, string, C>;
  readonly caPem: Field<S["NatsCredentials"], NoArgs, string | null | undefined, C>;
}

export interface IdentityFields<S extends Sources, C> {
  readonly id: Field<S["Identity"], NoArgs, string, C>;
  readonly status: Field<S["Identity"], NoArgs, IdentityStatus, C>;
  readonly roles: Field<S["Identity"], NoArgs, readonly IdentityRole[], C>;
  readonly account: Field<S["Identity"], NoArgs, string, C>;
  readonly rootKey: Field<S["Identity"], NoArgs, string, C>;
  readonly nextRootKeyHash: Field<S["Identity"], NoArgs, string, C>;
  readonly encryptionKeys: Field<S["Identity"], NoArgs, readonly S["EncryptionKey"][], C>;
  readonly retiredKeys: Field<S["Identity"], NoArgs, readonly string[], C>;
  readonly natsKey: Field<S["Identity"], NoArgs, string | null | undefined, C>;
  readonly sequence: Field<S["Identity"], NoArgs, number, C>;
  readonly history: Field<S["Identity"], NoArgs, readonly S["Event"][], C>;
}

export interface EncryptionKeyFields<S extends Sources, C> {
  readonly id: Field<S["EncryptionKey"], NoArgs, string, C>;
  readonly key: Field<S["EncryptionKey"], NoArgs, string, C>;
}

export interface RegisteredIdentityFields<S extends Sources, C> {
  readonly id: Field<S["RegisteredIdentity"], NoArgs, string, C>;
  readonly position: Field<S["RegisteredIdentity"], NoArgs, string | bigint, C>;
}

export interface StatedIdentityFields<S extends Sources, C> {
  readonly id: Field<S["StatedIdentity"], NoArgs, string, C>;
  readonly position: Field<S["StatedIdentity"], NoArgs, string | bigint, C>;
  readonly sequence: Field<S["StatedIdentity"], NoArgs, number, C>;
}

export interface LoginChallengeFields<S extends Sources, C> {
  readonly challenge: Field<S["LoginChallenge"], NoArgs, unknown, C>;
  readonly expiresAt: Field<S["LoginChallenge"], NoArgs, number, C>;
}

export interface AccessTokenFields<S extends Sources, C> {
  readonly token: Field<S["AccessToken"], NoArgs, string, C>;
  readonly expiresAt: Field<S["AccessToken"], NoArgs, number, C>;
  readonly scopes: Field<S["AccessToken"], NoArgs, readonly string[], C>;
}

export interface ServiceKeyFields<S extends Sources, C> {
  readonly keyId: Field<S["ServiceKey"], NoArgs, string, C>;
  readonly label: Field<S["ServiceKey"], NoArgs, string, C>;
  readonly scopes: Field<S["ServiceKey"], NoArgs, readonly string[], C>;
  readonly issuedAt: Field<S["ServiceKey"], NoArgs, number, C>;
  readonly expiresAt: Field<S["ServiceKey"], NoArgs, number, C>;
  readonly graceUntil: Field<S["ServiceKey"], NoArgs, number | null | undefined, C>;
  readonly revokedAt: Field<S["ServiceKey"], NoArgs, number | null | undefined, C>;
  readonly lastUsedAt: Field<S["ServiceKey"], NoArgs, number | null | undefined, C>;
}

export interface ServiceKeySecretFields<S extends Sources, C> {
  readonly keyId: Field<S["ServiceKeySecret"], NoArgs, string, C>;
  readonly secret: Field<S["ServiceKeySecret"], NoArgs, string, C>;
  readonly position: Field<S["ServiceKeySecret"], NoArgs, string | bigint, C>;
}

export interface RevokedServiceKeyFields<S extends Sources, C> {
  readonly keyId: Field<S["RevokedServiceKey"], NoArgs, string, C>;
  readonly position: Field<S["RevokedServiceKey"], NoArgs, string | bigint, C>;
}

export interface AccountFields<S extends Sources, C> {
  readonly id: Field<S["Account"], NoArgs, string, C>;
  readonly balance: Field<S["Account"], NoArgs, string | bigint, C>;
  readonly pending: Field<S["Account"], NoArgs, string | bigint | null | undefined, C>;
  readonly settlesBy: Field<S["Account"], NoArgs, number | null | undefined, C>;
  readonly bond: Field<S["Account"], NoArgs, string | bigint | null | undefined, C>;
  readonly entryCount: Field<S["Account"], NoArgs, number, C>;
  readonly entries: Field<S["Account"], AccountEntriesArgs, S["EntryConnection"], C>;
}

export interface EntryFields<S extends Sources, C> {
  readonly position: Field<S["Entry"], NoArgs, string | bigint, C>;
  readonly at: Field<S["Entry"], NoArgs, number, C>;
  readonly type: Field<S["Entry"], NoArgs, string, C>;
  readonly amount: Field<S["Entry"], NoArgs, string | bigint, C>;
  readonly counterparties: Field<S["Entry"], NoArgs, readonly string[], C>;
  readonly jobHash: Field<S["Entry"], NoArgs, string | null | undefined, C>;
}

export interface EntryConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["EntryConnection"], NoArgs, readonly S["EntryEdge"][], C>;
  readonly nodes: Field<S["EntryConnection"], NoArgs, readonly S["Entry"][], C>;
  readonly pageInfo: Field<S["EntryConnection"], NoArgs, S["PageInfo"], C>;
}

export interface EntryEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["EntryEdge"], NoArgs, string, C>;
  readonly node: Field<S["EntryEdge"], NoArgs, S["Entry"], C>;
}

export interface AccountConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["AccountConnection"], NoArgs, readonly S["AccountEdge"][], C>;
  readonly nodes: Field<S["AccountConnection"], NoArgs, readonly S["Account"][], C>;
  readonly pageInfo: Field<S["AccountConnection"], NoArgs, S["PageInfo"], C>;
}

export interface AccountEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["AccountEdge"], NoArgs, string, C>;
  readonly node: Field<S["AccountEdge"], NoArgs, S["Account"], C>;
}

export interface BlobFields<S extends Sources, C> {
  readonly digest: Field<S["Blob"], NoArgs, string, C>;
  readonly size: Field<S["Blob"], NoArgs, number, C>;
  readonly mediaType: Field<S["Blob"], NoArgs, string, C>;
  readonly places: Field<S["Blob"], NoArgs, readonly S["BlobPlace"][], C>;
  readonly expiresAt: Field<S["Blob"], NoArgs, number | null | undefined, C>;
  readonly storedAt: Field<S["Blob"], NoArgs, number, C>;
  readonly path: Field<S["Blob"], NoArgs, string, C>;
}

export interface BlobPlaceFields<S extends Sources, C> {
  readonly place: Field<S["BlobPlace"], NoArgs, string, C>;
  readonly expiresAt: Field<S["BlobPlace"], NoArgs, number | null | undefined, C>;
}

export interface BlobConnectionFields<S extends Sources, C> {
  readonly edges: Field<S["BlobConnection"], NoArgs, readonly S["BlobEdge"][], C>;
  readonly nodes: Field<S["BlobConnection"], NoArgs, readonly S["Blob"][], C>;
  readonly pageInfo: Field<S["BlobConnection"], NoArgs, S["PageInfo"], C>;
}

export interface BlobEdgeFields<S extends Sources, C> {
  readonly cursor: Field<S["BlobEdge"], NoArgs, string, C>;
  readonly node: Field<S["BlobEdge"], NoArgs, S["Blob"], C>;
}

export interface AppFields<S extends Sources, C> {
  readonly name: Field<S["App"], NoArgs, string, C>;
  readonly title: Field<S["App"], NoArgs, string, C>;
  readonly inputs: Field<S["App"], NoArgs, readonly S["AppInput"][], C>;
  readonly params: Field<S["App"], NoArgs, readonly string[], C>;
  readonly outputMediaType: Field<S["App"], NoArgs, string, C>;
  readonly comparator: Field<S["App"], NoArgs, unknown, C>;
  readonly price: Field<S["App"], NoArgs, string | bigint, C>;
  readonly quote: Field<S["App"], AppQuoteArgs, S["Quote"], C>;
  readonly wallMs: Field<S["App"], NoArgs, number, C>;
  readonly memoryMb: Field<S["App"], NoArgs, number, C>;
  readonly models: Field<S["App"], NoArgs, readonly S["ModelFile"][], C>;
  readonly offers: Field<S["App"], NoArgs, readonly S["ExecutionClassOffer"][], C>;
}

export interface AppInputFields<S extends Sources, C> {
  readonly name: Field<S["AppInput"], NoArgs, string, C>;
  readonly mediaTypes: Field<S["AppInput"], NoArgs, readonly string[], C>;
  readonly many: Field<S["AppInput"], NoArgs, boolean, C>;
}

export interface QuoteFields<S extends Sources, C> {
  readonly expected: Field<S["Quote"], NoArgs, string | bigint, C>;
  readonly escrow: Field<S["Quote"], NoArgs, string | bigint, C>;
}

export interface ModelFileFields<S extends Sources, C> {
  readonly role: Field<S["ModelFile"], NoArgs, string, C>;
  readonly origin: Field<S["ModelFile"], NoArgs, string, C>;
  readonly licence: Field<S["ModelFile"], NoArgs, string, C>;
  readonly sha256: Field<S["ModelFile"], NoArgs, string, C>;
}

export interface ExecutionClassOfferFields<S extends Sources, C> {
  readonly executionClass: Field<S["ExecutionClassOffer"], NoArgs, string, C>;
  readonly nodes: Field<S["ExecutionClassOffer"], NoArgs, number, C>;
  readonly live: Field<S["ExecutionClassOffer"], NoArgs, number, C>;
  readonly slots: Field<S["ExecutionClassOffer"], NoArgs, number, C>;
}

export interface NetworkFields<S extends Sources, C> {
  readonly access: Field<S["Network"], NoArgs, AccessMode, C>;
  readonly version: Field<S["Network"], NoArgs, string, C>;
  readonly natsUrl: Field<S["Network"], NoArgs, string, C>;
  readonly head: Field<S["Network"], NoArgs, string | bigint, C>;
  readonly position: Field<S["Network"], NoArgs, string | bigint, C>;
  readonly events: Field<S["Network"], NoArgs, number, C>;
  readonly jobs: Field<S["Network"], NoArgs, S["JobTotals"], C>;
  readonly nodes: Field<S["Network"], NoArgs, S["NodeTotals"], C>;
  readonly points: Field<S["Network"], NoArgs, S["PointTotals"], C>;
  readonly blobs: Field<S["Network"], NoArgs, S["BlobTotals"], C>;
  readonly limits: Field<S["Network"], NoArgs, S["Limits"], C>;
}

export interface JobTotalsFields<S extends Sources, C> {
  readonly open: Field<S["JobTotals"], NoArgs, number, C>;
  readonly completed: Field<S["JobTotals"], NoArgs, number, C>;
  readonly failed: Field<S["JobTotals"], NoArgs, number, C>;
  readonly rejected: Field<S["JobTotals"], NoArgs, number, C>;
  readonly cancelled: Field<S["JobTotals"], NoArgs, number, C>;
}

export interface NodeTotalsFields<S extends Sources, C> {
  readonly registered: Field<S["NodeTotals"], NoArgs, number, C>;
  readonly suspended: Field<S["NodeTotals"], NoArgs, number, C>;
  readonly live: Field<S["NodeTotals"], NoArgs, number, C>;
}

export interface PointTotalsFields<S extends Sources, C> {
  readonly issued: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly funded: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly awarded: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly refunded: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly voided: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly slashed: Field<S["PointTotals"], NoArgs, string | bigint, C>;
  readonly sum: Field<S["PointTotals"], NoArgs, string | bigint, C>;
}

export interface BlobTotalsFields<S extends Sources, C> {
  readonly count: Field<S["BlobTotals"], NoArgs, number, C>;
  readonly bytes: Field<S["BlobTotals"], NoArgs, number, C>;
}

export interface LimitsFields<S extends Sources, C> {
  readonly blobBytes: Field<S["Limits"], NoArgs, number, C>;
  readonly bodyBytes: Field<S["Limits"], NoArgs, number, C>;
  readonly bodyDepth: Field<S["Limits"], NoArgs, number, C>;
  readonly bodyNames: Field<S["Limits"], NoArgs, number, C>;
  readonly bodyValues: Field<S["Limits"], NoArgs, number, C>;
  readonly bodyMs: Field<S["Limits"], NoArgs, number, C>;
  readonly readBytes: Field<S["Limits"], NoArgs, number, C>;
  readonly jobsPerSubmit: Field<S["Limits"], NoArgs, number, C>;
  readonly queryCharacters: Field<S["Limits"], NoArgs, number, C>;
  readonly queryTokens: Field<S["Limits"], NoArgs, number, C>;
  readonly queryBrackets: Field<S["Limits"], NoArgs, number, C>;
  readonly queryDepth: Field<S["Limits"], NoArgs, number, C>;
  readonly queryFields: Field<S["Limits"], NoArgs, number, C>;
  readonly queryAliases: Field<S["Limits"], NoArgs, number, C>;
  readonly queryDirectives: Field<S["Limits"], NoArgs, number, C>;
  readonly queryFragments: Field<S["Limits"], NoArgs, number, C>;
  readonly queryOperations: Field<S["Limits"], NoArgs, number, C>;
  readonly queryRepeats: Field<S["Limits"], NoArgs, number, C>;
  readonly queryCost: Field<S["Limits"], NoArgs, number, C>;
  readonly subscriptionsPerConnection: Field<S["Limits"], NoArgs, number, C>;
  readonly subscriptionsPerCaller: Field<S["Limits"], NoArgs, number, C>;
  readonly connectionsPerCaller: Field<S["Limits"], NoArgs, number, C>;
  readonly pageSize: Field<S["Limits"], NoArgs, number, C>;
  readonly waitMs: Field<S["Limits"], NoArgs, number, C>;
}

export interface EventFields<S extends Sources, C> {
  readonly id: Field<S["Event"], NoArgs, string, C>;
  readonly position: Field<S["Event"], NoArgs, string | bigint, C>;
  readonly stream: Field<S["Event"], NoArgs, string, C>;
  readonly revision: Field<S["Event"], NoArgs, string | bigint, C>;
  readonly type: Field<S["Event"], NoArgs, string, C>;
  readonly at: Field<S["Event"], NoArgs, number, C>;
  readonly data: Field<S["Event"], NoArgs, unknown, C>;
}

export interface EventBatchFields<S extends Sources, C> {
  readonly position: Field<S["EventBatch"], NoArgs, string | bigint, C>;
  readonly events: Field<S["EventBatch"], NoArgs, readonly S["Event"][], C>;
}

export interface EndedJobFields<S extends Sources, C> {
  readonly hash: Field<S["EndedJob"], NoArgs, string, C>;
  readonly status: Field<S["EndedJob"], NoArgs, JobStatus, C>;
  readonly reason: Field<S["EndedJob"], NoArgs, string | null | undefined, C>;
  readonly outputDigest: Field<S["EndedJob"], NoArgs, string | null | undefined, C>;
  readonly outputSize: Field<S["EndedJob"], NoArgs, number | null | undefined, C>;
  readonly position: Field<S["EndedJob"], NoArgs, string | bigint, C>;
  readonly sealed: Field<S["EndedJob"], NoArgs, S["SealedOutput"] | null | undefined, C>;
  readonly final: Field<S["EndedJob"], NoArgs, boolean, C>;
}

export interface ReopenedJobFields<S extends Sources, C> {
  readonly hash: Field<S["ReopenedJob"], NoArgs, string, C>;
  readonly convicts: Field<S["ReopenedJob"], NoArgs, readonly string[], C>;
  readonly deadlineAt: Field<S["ReopenedJob"], NoArgs, number, C>;
  readonly position: Field<S["ReopenedJob"], NoArgs, string | bigint, C>;
}

export interface SealedOutputFields<S extends Sources, C> {
  readonly replica: Field<S["SealedOutput"], NoArgs, number, C>;
  readonly attempt: Field<S["SealedOutput"], NoArgs, number, C>;
  readonly resultTag: Field<S["SealedOutput"], NoArgs, string, C>;
}

export interface KeysAwaitedBatchFields<S extends Sources, C> {
  readonly position: Field<S["KeysAwaitedBatch"], NoArgs, string | bigint, C>;
  readonly jobs: Field<S["KeysAwaitedBatch"], NoArgs, readonly S["AwaitingJob"][], C>;
}

export interface AwaitingJobFields<S extends Sources, C> {
  readonly hash: Field<S["AwaitingJob"], NoArgs, string, C>;
  readonly position: Field<S["AwaitingJob"], NoArgs, string | bigint, C>;
}

export interface EndedJobBatchFields<S extends Sources, C> {
  readonly position: Field<S["EndedJobBatch"], NoArgs, string | bigint, C>;
  readonly jobs: Field<S["EndedJobBatch"], NoArgs, readonly S["EndedJob"][], C>;
  readonly reopened: Field<S["EndedJobBatch"], NoArgs, readonly S["ReopenedJob"][], C>;
  readonly settled: Field<S["EndedJobBatch"], NoArgs, readonly string[], C>;
}

/** What each type is resolved from. */
export interface Sources {
  readonly JobQuote: object;
  readonly EligibleNodes: object;
  readonly EligibleClass: object;
  readonly VerificationPlan: object;
  readonly Policy: object;
  readonly Refusal: object;
  readonly RefusalOfOne: object;
  readonly PageInfo: object;
  readonly Job: object;
  readonly Disagreement: object;
  readonly Escrow: object;
  readonly Award: object;
  readonly JobVerification: object;
  readonly TaskVerdict: object;
  readonly AuditDraw: object;
  readonly ResultsWanted: object;
  readonly Reopening: object;
  readonly NamedBlob: object;
  readonly BlobRef: object;
  readonly Task: object;
  readonly Assignment: object;
  readonly RankedNode: object;
  readonly JobConnection: object;
  readonly JobEdge: object;
  readonly CandidateSet: object;
  readonly CandidateNode: object;
  readonly Wrap: object;
  readonly WrappedKeys: object;
  readonly SubmittedJob: object;
  readonly SubmittedJobs: object;
  readonly CancelledJob: object;
  readonly Node: object;
  readonly MeasuredSpeed: object;
  readonly Capabilities: object;
  readonly AppOffer: object;
  readonly Reputation: object;
  readonly Vetting: object;
  readonly ReputationWarning: object;
  readonly ReputationCause: object;
  readonly Turnaround: object;
  readonly ScoreChange: object;
  readonly ScoreChangeConnection: object;
  readonly ScoreChangeEdge: object;
  readonly Requester: object;
  readonly Score: object;
  readonly NodeConnection: object;
  readonly NodeEdge: object;
  readonly DrainedNode: object;
  readonly RegisteredNode: object;
  readonly NatsCredentials: object;
  readonly Identity: object;
  readonly EncryptionKey: object;
  readonly RegisteredIdentity: object;
  readonly StatedIdentity: object;
  readonly LoginChallenge: object;
  readonly AccessToken: object;
  readonly ServiceKey: object;
  readonly ServiceKeySecret: object;
  readonly RevokedServiceKey: object;
  readonly Account: object;
  readonly Entry: object;
  readonly EntryConnection: object;
  readonly EntryEdge: object;
  readonly AccountConnection: object;
  readonly AccountEdge: object;
  readonly Blob: object;
  readonly BlobPlace: object;
  readonly BlobConnection: object;
  readonly BlobEdge: object;
  readonly App: object;
  readonly AppInput: object;
  readonly Quote: object;
  readonly ModelFile: object;
  readonly ExecutionClassOffer: object;
  readonly Network: object;
  readonly JobTotals: object;
  readonly NodeTotals: object;
  readonly PointTotals: object;
  readonly BlobTotals: object;
  readonly Limits: object;
  readonly Event: object;
  readonly EventBatch: object;
  readonly EndedJob: object;
  readonly ReopenedJob: object;
  readonly SealedOutput: object;
  readonly KeysAwaitedBatch: object;
  readonly AwaitingJob: object;
  readonly EndedJobBatch: object;
}

/** Types that are resolved from their own wire form. */
export interface WireSources {
  readonly JobQuote: JobQuote;
  readonly EligibleNodes: EligibleNodes;
  readonly EligibleClass: EligibleClass;
  readonly VerificationPlan: VerificationPlan;
  readonly Policy: Policy;
  readonly Refusal: Refusal;
  readonly RefusalOfOne: RefusalOfOne;
  readonly PageInfo: PageInfo;
  readonly Job: Job;
  readonly Disagreement: Disagreement;
  readonly Escrow: Escrow;
  readonly Award: Award;
  readonly JobVerification: JobVerification;
  readonly TaskVerdict: TaskVerdict;
  readonly AuditDraw: AuditDraw;
  readonly ResultsWanted: ResultsWanted;
  readonly Reopening: Reopening;
  readonly NamedBlob: NamedBlob;
  readonly BlobRef: BlobRef;
  readonly Task: Task;
  readonly Assignment: Assignment;
  readonly RankedNode: RankedNode;
  readonly JobConnection: JobConnection;
  readonly JobEdge: JobEdge;
  readonly CandidateSet: CandidateSet;
  readonly CandidateNode: CandidateNode;
  readonly Wrap: Wrap;
  readonly WrappedKeys: WrappedKeys;
  readonly SubmittedJob: SubmittedJob;
  readonly SubmittedJobs: SubmittedJobs;
  readonly CancelledJob: CancelledJob;
  readonly Node: Node;
  readonly MeasuredSpeed: MeasuredSpeed;
  readonly Capabilities: Capabilities;
  readonly AppOffer: AppOffer;
  readonly Reputation: Reputation;
  readonly Vetting: Vetting;
  readonly ReputationWarning: ReputationWarning;
  readonly ReputationCause: ReputationCause;
  readonly Turnaround: Turnaround;
  readonly ScoreChange: ScoreChange;
  readonly ScoreChangeConnection: ScoreChangeConnection;
  readonly ScoreChangeEdge: ScoreChangeEdge;
  readonly Requester: Requester;
  readonly Score: Score;
  readonly NodeConnection: NodeConnection;
  readonly NodeEdge: NodeEdge;
  readonly DrainedNode: DrainedNode;
  readonly RegisteredNode: RegisteredNode;
  readonly NatsCredentials: NatsCredentials;
  readonly Identity: Identity;
  readonly EncryptionKey: EncryptionKey;
  readonly RegisteredIdentity: RegisteredIdentity;
  readonly StatedIdentity: StatedIdentity;
  readonly LoginChallenge: LoginChallenge;
  readonly AccessToken: AccessToken;
  readonly ServiceKey: ServiceKey;
  readonly ServiceKeySecret: ServiceKeySecret;
  readonly RevokedServiceKey: RevokedServiceKey;
  readonly Account: Account;
  readonly Entry: Entry;
  readonly EntryConnection: EntryConnection;
  readonly EntryEdge: EntryEdge;
  readonly AccountConnection: AccountConnection;
  readonly AccountEdge: AccountEdge;
  readonly Blob: Blob;
  readonly BlobPlace: BlobPlace;
  readonly BlobConnection: BlobConnection;
  readonly BlobEdge: BlobEdge;
  readonly App: App;
  readonly AppInput: AppInput;
  readonly Quote: Quote;
  readonly ModelFile: ModelFile;
  readonly ExecutionClassOffer: ExecutionClassOffer;
  readonly Network: Network;
  readonly JobTotals: JobTotals;
  readonly NodeTotals: NodeTotals;
  readonly PointTotals: PointTotals;
  readonly BlobTotals: BlobTotals;
  readonly Limits: Limits;
  readonly Event: Event;
  readonly EventBatch: EventBatch;
  readonly EndedJob: EndedJob;
  readonly ReopenedJob: ReopenedJob;
  readonly SealedOutput: SealedOutput;
  readonly KeysAwaitedBatch: KeysAwaitedBatch;
  readonly AwaitingJob: AwaitingJob;
  readonly EndedJobBatch: EndedJobBatch;
}

interface AllFields<S extends Sources, C> {
  readonly JobQuote: JobQuoteFields<S, C>;
  readonly EligibleNodes: EligibleNodesFields<S, C>;
  readonly EligibleClass: EligibleClassFields<S, C>;
  readonly VerificationPlan: VerificationPlanFields<S, C>;
  readonly Policy: PolicyFields<S, C>;
  readonly Refusal: RefusalFields<S, C>;
  readonly RefusalOfOne: RefusalOfOneFields<S, C>;
  readonly PageInfo: PageInfoFields<S, C>;
  readonly Job: JobFields<S, C>;
  readonly Disagreement: DisagreementFields<S, C>;
  readonly Escrow: EscrowFields<S, C>;
  readonly Award: AwardFields<S, C>;
  readonly JobVerification: JobVerificationFields<S, C>;
  readonly TaskVerdict: TaskVerdictFields<S, C>;
  readonly AuditDraw: AuditDrawFields<S, C>;
  readonly ResultsWanted: ResultsWantedFields<S, C>;
  readonly Reopening: ReopeningFields<S, C>;
  readonly NamedBlob: NamedBlobFields<S, C>;
  readonly BlobRef: BlobRefFields<S, C>;
  readonly Task: TaskFields<S, C>;
  readonly Assignment: AssignmentFields<S, C>;
  readonly RankedNode: RankedNodeFields<S, C>;
  readonly JobConnection: JobConnectionFields<S, C>;
  readonly JobEdge: JobEdgeFields<S, C>;
  readonly CandidateSet: CandidateSetFields<S, C>;
  readonly CandidateNode: CandidateNodeFields<S, C>;
  readonly Wrap: WrapFields<S, C>;
  readonly WrappedKeys: WrappedKeysFields<S, C>;
  readonly SubmittedJob: SubmittedJobFields<S, C>;
  readonly SubmittedJobs: SubmittedJobsFields<S, C>;
  readonly CancelledJob: CancelledJobFields<S, C>;
  readonly Node: NodeFields<S, C>;
  readonly MeasuredSpeed: MeasuredSpeedFields<S, C>;
  readonly Capabilities: CapabilitiesFields<S, C>;
  readonly AppOffer: AppOfferFields<S, C>;
  readonly Reputation: ReputationFields<S, C>;
  readonly Vetting: VettingFields<S, C>;
  readonly ReputationWarning: ReputationWarningFields<S, C>;
  readonly ReputationCause: ReputationCauseFields<S, C>;
  readonly Turnaround: TurnaroundFields<S, C>;
  readonly ScoreChange: ScoreChangeFields<S, C>;
  readonly ScoreChangeConnection: ScoreChangeConnectionFields<S, C>;
  readonly ScoreChangeEdge: ScoreChangeEdgeFields<S, C>;
  readonly Requester: RequesterFields<S, C>;
  readonly Score: ScoreFields<S, C>;
  readonly NodeConnection: NodeConnectionFields<S, C>;
  readonly NodeEdge: NodeEdgeFields<S, C>;
  readonly DrainedNode: DrainedNodeFields<S, C>;
  readonly RegisteredNode: RegisteredNodeFields<S, C>;
  readonly NatsCredentials: NatsCredentialsFields<S, C>;
  readonly Identity: IdentityFields<S, C>;
  readonly EncryptionKey: EncryptionKeyFields<S, C>;
  readonly RegisteredIdentity: RegisteredIdentityFields<S, C>;
  readonly StatedIdentity: StatedIdentityFields<S, C>;
  readonly LoginChallenge: LoginChallengeFields<S, C>;
  readonly AccessToken: AccessTokenFields<S, C>;
  readonly ServiceKey: ServiceKeyFields<S, C>;
  readonly ServiceKeySecret: ServiceKeySecretFields<S, C>;
  readonly RevokedServiceKey: RevokedServiceKeyFields<S, C>;
  readonly Account: AccountFields<S, C>;
  readonly Entry: EntryFields<S, C>;
  readonly EntryConnection: EntryConnectionFields<S, C>;
  readonly EntryEdge: EntryEdgeFields<S, C>;
  readonly AccountConnection: AccountConnectionFields<S, C>;
  readonly AccountEdge: AccountEdgeFields<S, C>;
  readonly Blob: BlobFields<S, C>;
  readonly BlobPlace: BlobPlaceFields<S, C>;
  readonly BlobConnection: BlobConnectionFields<S, C>;
  readonly BlobEdge: BlobEdgeFields<S, C>;
  readonly App: AppFields<S, C>;
  readonly AppInput: AppInputFields<S, C>;
  readonly Quote: QuoteFields<S, C>;
  readonly ModelFile: ModelFileFields<S, C>;
  readonly ExecutionClassOffer: ExecutionClassOfferFields<S, C>;
  readonly Network: NetworkFields<S, C>;
  readonly JobTotals: JobTotalsFields<S, C>;
  readonly NodeTotals: NodeTotalsFields<S, C>;
  readonly PointTotals: PointTotalsFields<S, C>;
  readonly BlobTotals: BlobTotalsFields<S, C>;
  readonly Limits: LimitsFields<S, C>;
  readonly Event: EventFields<S, C>;
  readonly EventBatch: EventBatchFields<S, C>;
  readonly EndedJob: EndedJobFields<S, C>;
  readonly ReopenedJob: ReopenedJobFields<S, C>;
  readonly SealedOutput: SealedOutputFields<S, C>;
  readonly KeysAwaitedBatch: KeysAwaitedBatchFields<S, C>;
  readonly AwaitingJob: AwaitingJobFields<S, C>;
  readonly EndedJobBatch: EndedJobBatchFields<S, C>;
}

export type Field<Source, Args, Result, C> = (
  source: Source,
  args: Args,
  context: C,
) => Result | Promise<Result>;
export interface Listening<Args, Result, C> {
  readonly subscribe: (source: object, args: Args, context: C) => AsyncIterator<Result>;
}
export type NoArgs = Readonly<Record<string, never>>;

type ResultOf<F> = F extends (...args: never[]) => infer R ? Exclude<R, Promise<unknown>> : never;
/** Fields that the source does not have in the form that the field answers. */
type Missing<Source, Fields> = {
  [K in keyof Fields]: K extends keyof Source
    ? Source[K] extends ResultOf<Fields[K]>
      ? never
      : K
    : K;
}[keyof Fields];
type Complete<S extends Sources, C> = {
  [T in keyof Sources]: [Missing<S[T], AllFields<S, C>[T]>] extends [never] ? T : never;
}[keyof Sources];

/** Every resolver that the sources make necessary, and no field that the schema does not have. */
export type Resolvers<S extends Sources, C> = {
  readonly Query: QueryFields<S, C>;
  readonly Mutation: MutationFields<S, C>;
  readonly Subscription: SubscriptionFields<S, C>;
} & {
  readonly [T in Exclude<keyof Sources, Complete<S, C>>]: Pick<
    AllFields<S, C>[T],
    Missing<S[T], AllFields<S, C>[T]>
  > &
    Partial<AllFields<S, C>[T]>;
};
