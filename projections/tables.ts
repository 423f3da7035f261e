/**
 * Every table of the views. What is searched for has a column, the rest of a row is JSON. Positions
 * are integers, since EventStoreDB's and our own stay far below 2^53.
 */
import type { JobSpec } from "../domain/job/spec.ts";
import type { Track } from "../domain/reputation.ts";
import { accounts } from "./accounts.ts";
import { blobs } from "./blobs.ts";
import { entries } from "./entries.ts";
import { jobs } from "./jobs.ts";
import { nodes } from "./nodes.ts";
import { reputation } from "./reputation.ts";
import { bigintOf, type Columns, numberOf, type Table, textOf } from "./table.ts";
import { type TotalsRow, totals, totalsKey } from "./totals.ts";
import type { AccountRow, BlobRow, EntryRow, JobRow, JobStatus, NodeRow } from "./views.ts";

type JobBody = Pick<
  JobRow,
  "reason" | "submittedAt" | "deadlineAt" | "endedAt" | "output" | "tasks" | "disagreement"
> &
  Pick<JobRow, "paid" | "escrow"> & {
    readonly spec: JobSpec;
    readonly endedPosition: number | null;
  };

const jobsTable: Table<JobRow> = {
  projection: jobs,
  columns: ["submitted", "hash", "client", "app", "status", "position", "body"],
  keyColumns: 1,
  definition: `(
    submitted INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, client TEXT NOT NULL,
    app TEXT NOT NULL, status TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT`,
  // Each ends in the rowid, `submitted`. Completed jobs are nearly all: to walk the table finds
  // them at once, so that only the others are indexed by status.
  indexes: [
    "CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs (client)",
    "CREATE INDEX IF NOT EXISTS jobs_by_app ON jobs (app)",
    "CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status) WHERE status <> 'completed'",
    "CREATE INDEX IF NOT EXISTS jobs_by_client_status ON jobs (client, status) WHERE status <> 'completed'",
  ],
  lookup: "hash",
  encode: (row) => {
    const { reason, submittedAt, deadlineAt, endedAt, output, tasks, disagreement } = row;
    const { paid, escrow, spec } = row;
    const endedPosition = row.endedPosition === null ? null : Number(row.endedPosition);
    const body: JobBody = {
      reason,
      submittedAt,
      deadlineAt,
      endedAt,
      endedPosition,
      output,
      tasks,
      disagreement,
      paid,
      escrow,
      spec,
    };
    const { submittedPosition, jobHash, client, app, status, lastPosition } = row;
    return [submittedPosition, jobHash, client, app, status, lastPosition, JSON.stringify(body)];
  },
  decode: (columns) => {
    const body = JSON.parse(textOf(columns, "body")) as JobBody;
    const { spec, endedPosition } = body;
    return {
      ...body,
      jobHash: textOf(columns, "hash"),
      client: textOf(columns, "client"),
      app: textOf(columns, "app"),
      status: textOf(columns, "status") as JobStatus,
      quorum: spec.quorum,
      replicasMax: spec.replicasMax,
      submittedPosition: bigintOf(columns, "submitted"),
      endedPosition: endedPosition === null ? null : BigInt(endedPosition),
      lastPosition: bigintOf(columns, "position"),
    };
  },
};

type NodeBody = Omit<NodeRow, "nodeId" | "status" | "registeredPosition" | "lastPosition">;

/** How the `apps` column says that a node runs an app: app names have no comma. */
export const appMark = (app: string): string => `,${app},`;

const nodesTable: Table<NodeRow> = {
  projection: nodes,
  columns: ["id", "registered", "status", "apps", "position", "body"],
  keyColumns: 1,
  definition: `(
    id TEXT PRIMARY KEY, registered INTEGER NOT NULL UNIQUE, status TEXT NOT NULL,
    apps TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT`,
  indexes: [],
  lookup: "id",
  encode: (row) => {
    const { nodeId, registeredPosition, status, lastPosition } = row;
    const { owner, reason, capabilities, registeredAt, changedAt } = row;
    const apps = appMark([...new Set(capabilities.apps.map(({ app }) => app))].join(","));
    const body: NodeBody = { owner, reason, capabilities, registeredAt, changedAt };
    return [nodeId, registeredPosition, status, apps, lastPosition, JSON.stringify(body)];
  },
  decode: (columns) => ({
    ...(JSON.parse(textOf(columns, "body")) as NodeBody),
    nodeId: textOf(columns, "id"),
    status: textOf(columns, "status") as NodeRow["status"],
    registeredPosition: bigintOf(columns, "registered"),
    lastPosition: bigintOf(columns, "position"),
  }),
};

const reputationTable: Table<Track> = {
  projection: reputation,
  columns: ["node", "body"],
  keyColumns: 1,
  definition: "(node TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
  indexes: [],
  lookup: "node",
  encode: (row) => [row.nodeId, JSON.stringify(row)],
  decode: (columns) => JSON.parse(textOf(columns, "body")) as Track,
};

/** A balance stands in two halves, so that SQLite can add up any number of them exactly. */
const halfBits = 32n;
export const joinHalves = (high: bigint, low: bigint): bigint => (high << halfBits) + low;

const accountsTable: Table<AccountRow> = {
  projection: accounts,
  columns: ["account", "high", "low", "entries", "position"],
  keyColumns: 1,
  definition: `(
    account TEXT PRIMARY KEY, high INTEGER NOT NULL, low INTEGER NOT NULL,
    entries INTEGER NOT NULL, position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  lookup: "account",
  encode: ({ account, balance, entries, lastPosition }) => [
    account,
    balance >> halfBits,
    BigInt.asUintN(Number(halfBits), balance),
    entries,
    lastPosition,
  ],
  decode: (columns) => ({
    account: textOf(columns, "account"),
    balance: joinHalves(bigintOf(columns, "high"), bigintOf(columns, "low")),
    entries: numberOf(columns, "entries"),
    lastPosition: bigintOf(columns, "position"),
  }),
};

const jobHashOf = (columns: Columns): string | null =>
  columns["job"] === null ? null : textOf(columns, "job");

const entriesTable: Table<EntryRow> = {
  projection: entries,
  columns: ["account", "position", "revision", "type", "amount", "counters", "job", "at"],
  keyColumns: 2,
  definition: `(
    account TEXT NOT NULL, position INTEGER NOT NULL, revision INTEGER NOT NULL,
    type TEXT NOT NULL, amount TEXT NOT NULL, counters TEXT NOT NULL, job TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (account, position)
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  encode: ({ account, position, revision, type, amount, counterAccounts, jobHash, at }) => [
    account,
    position,
    revision,
    type,
    amount.toString(),
    counterAccounts.join(" "),
    jobHash,
    at,
  ],
  decode: (columns) => ({
    account: textOf(columns, "account"),
    position: bigintOf(columns, "position"),
    revision: bigintOf(columns, "revision"),
    type: textOf(columns, "type") as EntryRow["type"],
    amount: BigInt(textOf(columns, "amount")),
    counterAccounts: textOf(columns, "counters").split(" "),
    jobHash: jobHashOf(columns),
    at: numberOf(columns, "at"),
  }),
};

type BlobBody = Omit<BlobRow, "digest" | "storedPosition" | "lastPosition">;

const blobsTable: Table<BlobRow> = {
  projection: blobs,
  columns: ["digest", "stored", "position", "body"],
  keyColumns: 1,
  definition: `(
    digest TEXT PRIMARY KEY, stored INTEGER NOT NULL UNIQUE, position INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT`,
  indexes: [],
  lookup: "digest",
  encode: (row) => {
    const { digest, storedPosition, lastPosition } = row;
    const { size, mediaType, places, expiresAt, storedAt } = row;
    const body: BlobBody = { size, mediaType, places, expiresAt, storedAt };
    return [digest, storedPosition, lastPosition, JSON.stringify(body)];
  },
  decode: (columns) => ({
    ...(JSON.parse(textOf(columns, "body")) as BlobBody),
    digest: textOf(columns, "digest"),
    storedPosition: bigintOf(columns, "stored"),
    lastPosition: bigintOf(columns, "position"),
  }),
};

type TotalsText = { readonly [Name in keyof TotalsRow]: string };

const totalsTable: Table<TotalsRow> = {
  projection: totals,
  columns: ["name", "body"],
  keyColumns: 1,
  definition: "(name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
  indexes: [],
  lookup: "name",
  encode: (row) => {
    const text = Object.fromEntries(Object.entries(row).map(([name, count]) => [name, `${count}`]));
    return [totalsKey, JSON.stringify(text)];
  },
  decode: (columns) => {
    const text = JSON.parse(textOf(columns, "body")) as TotalsText;
    return {
      events: Number(text.events),
      open: Number(text.open),
      completed: Number(text.completed),
      failed: Number(text.failed),
      rejected: Number(text.rejected),
      cancelled: Number(text.cancelled),
      active: Number(text.active),
      suspended: Number(text.suspended),
      issued: BigInt(text.issued),
      funded: BigInt(text.funded),
      awarded: BigInt(text.awarded),
      refunded: BigInt(text.refunded),
    };
  },
};

export const tables = {
  jobs: jobsTable,
  nodes: nodesTable,
  reputation: reputationTable,
  accounts: accountsTable,
  entries: entriesTable,
  blobs: blobsTable,
  totals: totalsTable,
} as const;
