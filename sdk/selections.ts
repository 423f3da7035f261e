/** What the SDK asks for of each type, and the types of those answers. */

import type {
  Account,
  App,
  BlobRef,
  EndedJob,
  Entry,
  Event,
  Job,
  JobConnection,
  JobVerification,
  Network,
  Node,
  NodeConnection,
  PageInfo,
  Reputation,
  ReputationWarning,
  Requester,
  ScoreChange,
} from "./schema.types.ts";

/** A job without its history, and without how it was checked. */
export type JobView = Omit<
  Job,
  "history" | "verification" | "params" | "inputs" | "comparator" | "nonce" | "wallMs"
> & {
  readonly output: BlobRef | null;
};
export type NodeView = Omit<Node, "account" | "reputation"> & {
  readonly account: Pick<Account, "balance" | "pending" | "settlesBy" | "bond"> | null;
  readonly reputation: Omit<
    Reputation,
    "vetting" | "warnings" | "turnarounds" | "position" | "history"
  > & { readonly warnings: readonly Pick<ReputationWarning, "code">[] };
};
/** All of a node's reputation. */
export type ReputationView = Omit<Reputation, "history"> & {
  /** Why its scores changed, newest first. */
  readonly history: readonly ScoreChange[];
};
/** A node with all of its reputation, and the last event that the answer could rest on. */
export interface NodeReputation {
  readonly head: string;
  readonly node: Pick<Node, "id" | "status" | "owner" | "speeds"> & {
    readonly reputation: ReputationView;
  };
}
export type AccountView = Omit<Account, "entries">;
export type AppView = Omit<App, "quote">;

export interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: PageInfo;
}
export type JobPage = Omit<JobConnection, "edges" | "nodes"> & Page<JobView>;
export type NodePage = Omit<NodeConnection, "edges" | "nodes"> & Page<NodeView>;
export type AccountPage = Page<AccountView>;
export type EntryPage = Page<Entry>;
export type { EndedJob, Event, JobVerification, Network, Requester };

export const pageInfo = "pageInfo { hasNextPage endCursor }";

const output = "output { digest size path }";

export const jobFields = `hash status reason client app assurance quorum replicasMax price budget engine deadlineMs
  priority spec submittedAt deadlineAt endedAt final reopenedAt position ${output}
  tasks { replica attempt nodeId arbiter status executionClass assignedAt expiresAt endedAt elapsedMs
    ${output} code comparator distance reason }
  disagreement { comparator groups distance reason }
  escrow { funded refunded }
  awards { id replica nodeId amount heldUntil voided state }`;

const task = "at replica attempt nodeId";

export const verificationFields = `comparator bounds credibility threshold policyVersion audited
  verdicts { ${task} arbiter accepted comparator bounds distance reason audited convicted survived }
  draws { ${task} runtime survived atRisk share audited beacon from to policyVersion }
  wishes { at why wanted arbitersWanted credibility threshold groups distance }
  reopenings { at convicts }`;

const score = "{ mean lower upper weight }";

export const speedFields =
  "speeds { app executionClass samples mean deviation atLeast measuredAt jobHash }";

export const nodeFields = `id owner status reason drainFrom registeredAt changedAt live lastSeen held
  capabilities { apps { app executionClass } slots backlog cpus memoryMb platform version } ${speedFields}
  reputation { reliability ${score} correctness ${score} standing turnaroundMs assigned answered
    broken accepted rejected silent drained warnings { code } }
  account { balance pending settlesBy bond }`;

const cause = "event { type jobHash replica }";

export const reputationFields = `reliability ${score} correctness ${score} standing turnaroundMs assigned
  answered broken accepted rejected silent drained position
  vetting { endedAt accepted acceptedWanted days daysWanted }
  warnings { code message since position ${cause} }
  turnarounds { app weight meanMs deviationMs }`;

export const changeFields = `at position ${cause} score old new reason`;

export const requesterFields = `id jobs completed failedByInput failedOtherwise cancelledUnstarted
  cancelledAfterWork unfunded tasksInVain fairness ${score}`;

export const accountFields = "id balance pending settlesBy bond entryCount";

export const entryFields = "position at type amount counterparties jobHash";

export const appFields = `name title inputs { name mediaTypes many } params outputMediaType comparator
  price wallMs memoryMb models { role origin licence sha256 }
  offers { executionClass nodes live slots }`;

export const networkFields = `version natsUrl head position events
  jobs { open completed failed rejected cancelled }
  nodes { registered suspended live }
  points { issued funded awarded refunded voided slashed sum }
  blobs { count bytes }
  limits { blobBytes bodyBytes bodyDepth bodyNames bodyValues bodyMs readBytes jobsPerSubmit queryCharacters queryTokens
    queryBrackets queryDepth queryFields queryAliases queryDirectives queryFragments queryOperations queryRepeats
    queryCost subscriptionsPerConnection subscriptionsPerCaller connectionsPerCaller pageSize waitMs }`;

export const eventFields = "id position stream revision type at data";

export const endedFields = `hash status reason outputDigest outputSize position final
  sealed { replica attempt resultTag }`;
