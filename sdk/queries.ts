/** Reading the network. Every answer contains what this client wrote before (read your writes). */

import type { AccountId, JobHash, NodeId } from "../domain/ids.ts";
import type { ResultReceived } from "../domain/job/events.ts";
import { type LoggedEvent, leftOut, type ReceiptsFile } from "./receipts/file.ts";
import type { AccountKind, JobFilter, NodeFilter } from "./schema.types.ts";
import * as select from "./selections.ts";

export interface PageRequest {
  /** 1 to 100; 20 if left out. */
  readonly first?: number;
  /** `pageInfo.endCursor` of the page before. */
  readonly after?: string;
}

export interface Queries {
  /** Null if nobody submitted it. */
  job(hash: JobHash): Promise<select.JobView | null>;
  /** Everything that happened to the job, oldest first; null if nobody submitted it. */
  history(hash: JobHash): Promise<readonly select.Event[] | null>;
  /** How the job's results were checked, and how sure its result is; null if nobody submitted it. */
  verification(hash: JobHash): Promise<select.JobVerification | null>;
  /** What anybody needs to check the job's results offline; null if nobody submitted it. */
  receipts(hash: JobHash): Promise<ReceiptsFile | null>;
  /** Newest first. */
  jobs(request?: PageRequest & { readonly filter?: JobFilter }): Promise<select.JobPage>;
  /** Null if it never registered. */
  node(id: NodeId): Promise<select.NodeView | null>;
  nodes(request?: PageRequest & { readonly filter?: NodeFilter }): Promise<select.NodePage>;
  /** All of a node's reputation with the last changes of its scores; null if it never registered. */
  reputation(id: NodeId, request?: PageRequest): Promise<select.NodeReputation | null>;
  /** How a client treats those who work for it; null if it never submitted a job. */
  requester(account: AccountId): Promise<select.Requester | null>;
  /** Null if it was never touched. */
  account(id: AccountId): Promise<select.AccountView | null>;
  accounts(request?: PageRequest & { readonly kind?: AccountKind }): Promise<select.AccountPage>;
  /** The account's statement, newest first; null if it was never touched. */
  entries(id: AccountId, request?: PageRequest): Promise<select.EntryPage | null>;
  /** The catalogue with prices, and who offers each app now. */
  apps(): Promise<readonly select.AppView[]>;
  /** Null if there is none of that name. */
  app(name: string): Promise<select.AppView | null>;
  network(): Promise<select.Network>;
}

/** Sends a document with `$atLeast` set to the last position that this client wrote. */
export type Ask = <Data>(
  query: string,
  variables?: Readonly<Record<string, unknown>>,
) => Promise<Data>;

const page = "$first: Int!, $after: String, $atLeast: Position";
const pageOf = ({ first = 20, after }: PageRequest) => ({ first, after });

export const openQueries = (ask: Ask): Queries => ({
  job: async (hash) =>
    (
      await ask<{ job: select.JobView | null }>(
        `query Job($hash: Digest!, $atLeast: Position) {
          job(hash: $hash, atLeast: $atLeast) { ${select.jobFields} } }`,
        { hash },
      )
    ).job,

  history: async (hash) =>
    (
      await ask<{ job: { history: readonly select.Event[] } | null }>(
        `query History($hash: Digest!, $atLeast: Position) {
          job(hash: $hash, atLeast: $atLeast) { history { ${select.eventFields} } } }`,
        { hash },
      )
    ).job?.history ?? null,

  verification: async (hash) =>
    (
      await ask<{ job: { verification: select.JobVerification } | null }>(
        `query Verification($hash: Digest!, $atLeast: Position) {
          job(hash: $hash, atLeast: $atLeast) { verification { ${select.verificationFields} } } }`,
        { hash },
      )
    ).job?.verification ?? null,

  receipts: async (hash) => {
    const { job } = await ask<{
      job: { spec: unknown; history: readonly LoggedEvent[] } | null;
    }>(
      `query Receipts($hash: Digest!, $atLeast: Position) {
        job(hash: $hash, atLeast: $atLeast) { spec history { ${logged} } } }`,
      { hash },
    );
    if (job === null) return null;
    const events = job.history.filter(({ type }) => !leftOut.has(type));
    const identities: Record<string, readonly LoggedEvent[]> = {};
    for (const id of signersOf(events)) {
      const { identity } = await ask<{ identity: { history: readonly LoggedEvent[] } | null }>(
        `query Signer($id: CnctId!, $atLeast: Position) {
          identity(id: $id, atLeast: $atLeast) { history { ${logged} } } }`,
        { id },
      );
      if (identity) identities[id] = identity.history;
    }
    return { version: 1, jobHash: hash, spec: job.spec, events, identities };
  },

  jobs: async ({ filter, ...request } = {}) =>
    (
      await ask<{ jobs: select.JobPage }>(
        `query Jobs($filter: JobFilter, ${page}) {
          jobs(filter: $filter, first: $first, after: $after, atLeast: $atLeast) {
            nodes { ${select.jobFields} } ${select.pageInfo} } }`,
        { filter, ...pageOf(request) },
      )
    ).jobs,

  node: async (id) =>
    (
      await ask<{ node: select.NodeView | null }>(
        `query Node($id: NodeId!, $atLeast: Position) {
          node(id: $id, atLeast: $atLeast) { ${select.nodeFields} } }`,
        { id },
      )
    ).node,

  nodes: async ({ filter, ...request } = {}) =>
    (
      await ask<{ nodes: select.NodePage }>(
        `query Nodes($filter: NodeFilter, ${page}) {
          nodes(filter: $filter, first: $first, after: $after, atLeast: $atLeast) {
            nodes { ${select.nodeFields} } ${select.pageInfo} } }`,
        { filter, ...pageOf(request) },
      )
    ).nodes,

  reputation: async (id, request = {}) => {
    const { network, node } = await ask<{
      network: { position: string };
      node:
        | (Omit<select.NodeReputation["node"], "reputation"> & {
            readonly reputation: Omit<select.ReputationView, "history"> & {
              readonly history: { readonly nodes: select.ReputationView["history"] };
            };
          })
        | null;
    }>(
      `query Reputation($id: NodeId!, ${page}) {
        node(id: $id, atLeast: $atLeast) { id status owner ${select.speedFields} reputation { ${select.reputationFields}
          history(first: $first, after: $after) { nodes { ${select.changeFields} } } } }
        network { position } }`,
      { id, ...pageOf(request) },
    );
    if (node === null) return null;
    const { history, ...reputation } = node.reputation;
    return {
      head: network.position,
      node: { ...node, reputation: { ...reputation, history: history.nodes } },
    };
  },

  requester: async (account) =>
    (
      await ask<{ requester: select.Requester | null }>(
        `query Requester($account: AccountId!, $atLeast: Position) {
          requester(account: $account, atLeast: $atLeast) { ${select.requesterFields} } }`,
        { account },
      )
    ).requester,

  account: async (id) =>
    (
      await ask<{ account: select.AccountView | null }>(
        `query Account($id: AccountId!, $atLeast: Position) {
          account(id: $id, atLeast: $atLeast) { ${select.accountFields} } }`,
        { id },
      )
    ).account,

  accounts: async ({ kind, ...request } = {}) =>
    (
      await ask<{ accounts: select.AccountPage }>(
        `query Accounts($filter: AccountFilter, ${page}) {
          accounts(filter: $filter, first: $first, after: $after, atLeast: $atLeast) {
            nodes { ${select.accountFields} } ${select.pageInfo} } }`,
        { filter: kind === undefined ? undefined : { kind }, ...pageOf(request) },
      )
    ).accounts,

  entries: async (id, request = {}) =>
    (
      await ask<{ account: { entries: select.EntryPage } | null }>(
        `query Entries($id: AccountId!, ${page}) {
          account(id: $id, atLeast: $atLeast) { entries(first: $first, after: $after) {
            nodes { ${select.entryFields} } ${select.pageInfo} } } }`,
        { id, ...pageOf(request) },
      )
    ).account?.entries ?? null,

  apps: async () =>
    (
      await ask<{ apps: readonly select.AppView[] }>(
        `query Apps($atLeast: Position) { apps(atLeast: $atLeast) { ${select.appFields} } }`,
      )
    ).apps,

  app: async (name) =>
    (
      await ask<{ app: select.AppView | null }>(
        `query App($name: String!, $atLeast: Position) {
          app(name: $name, atLeast: $atLeast) { ${select.appFields} } }`,
        { name },
      )
    ).app,

  network: async () =>
    (
      await ask<{ network: select.Network }>(
        `query Network($atLeast: Position) {
          network(atLeast: $atLeast) { ${select.networkFields} } }`,
      )
    ).network,
});

const logged = "position type data";

const signersOf = (events: readonly LoggedEvent[]): ReadonlySet<string> => {
  const ids = events
    .filter(({ type }) => type === "ResultReceived")
    .map(({ data }) => (data as ResultReceived).receipt?.worker);
  return new Set(ids.filter((id) => id !== undefined));
};
