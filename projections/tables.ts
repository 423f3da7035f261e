/**
 * Every table of the views. What is searched for has a column, the rest of a row is JSON. Positions
 * are integers, since EventStoreDB's and our own stay far below 2^53.
 */
import { type AccountId, escrowAccount } from "../domain/ids.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import { type MicroPointsText, toText } from "../domain/points.ts";
import type { ScoreChange } from "../domain/reputation/changes.ts";
import type { ReputationRecord } from "../domain/reputation/record.ts";
import type { Warning } from "../domain/reputation/warnings.ts";
import { accounts } from "./accounts.ts";
import { blobs } from "./blobs.ts";
import { entries, type JournalRow } from "./entries.ts";
import { identities } from "./identities.ts";
import { bodyOf, bodyText } from "./job-body.ts";
import { jobs } from "./jobs.ts";
import { nodes } from "./nodes.ts";
import { type PolicyRow, policies, policyKey } from "./policies.ts";
import { reputation } from "./reputation.ts";
import { changesKept, scoreChanges } from "./score-changes.ts";
import { serviceKeys } from "./service-keys.ts";
import { type StatementRow, statements } from "./statements.ts";
import { bigintOf, numberOf, type Table, textOf } from "./table.ts";
import { type TotalsRow, totals, totalsKey } from "./totals.ts";
import type {
  AccountRow,
  BlobRow,
  IdentityRow,
  JobRow,
  JobStatus,
  NodeRow,
  ServiceKeyRow,
} from "./views.ts";

const jobsTable: Table<JobRow> = {
  projection: jobs,
  columns: ["submitted", "hash", "client", "app", "spec", "status", "position", "reopened", "body"],
  keyColumns: 1,
  constant: ["hash", "client", "app", "spec"],
  definition: `(
    submitted INTEGER PRIMARY KEY, hash TEXT NOT NULL, client TEXT NOT NULL, app TEXT NOT NULL,
    spec TEXT NOT NULL, status TEXT NOT NULL, position INTEGER NOT NULL, reopened INTEGER,
    body TEXT NOT NULL
  ) STRICT`,
  finder: "CREATE INDEX IF NOT EXISTS jobs_by_hash ON jobs (substr(hash, 1, 20))",
  // Each ends in the rowid, `submitted`. Completed jobs are nearly all: to walk the table finds
  // them at once, so that only the others are indexed by status.
  indexes: [
    "CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs (client)",
    "CREATE INDEX IF NOT EXISTS jobs_by_app ON jobs (app)",
    "CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status) WHERE status <> 'completed'",
    "CREATE INDEX IF NOT EXISTS jobs_by_client_status ON jobs (client, status) WHERE status <> 'completed'",
    "CREATE INDEX IF NOT EXISTS jobs_by_reopening ON jobs (reopened) WHERE reopened IS NOT NULL",
  ],
  lookup: "substr(hash, 1, 20) = substr(?1, 1, 20) AND hash = ?1",
  encode: (row) => {
    const { submittedPosition, jobHash, client, app, spec, status, lastPosition } = row;
    const [text, at, body] = [JSON.stringify(spec), row.reopenedPosition, bodyText(row)];
    return [submittedPosition, jobHash, client, app, text, status, lastPosition, at, body];
  },
  encodeChange: (row) => {
    const { status, lastPosition, reopenedPosition, submittedPosition } = row;
    return [status, lastPosition, reopenedPosition, bodyText(row), submittedPosition];
  },
  // Its escrow is closed, or it never had one: it ended before, and nothing is owed.
  isSettled: ({ status, escrow }) =>
    escrow === null ? status === "rejected" : escrow.refunded !== null,
  decode: (columns) => {
    const spec = JSON.parse(textOf(columns, "spec")) as JobSpec;
    return {
      ...bodyOf(textOf(columns, "body")),
      spec,
      jobHash: textOf(columns, "hash"),
      client: textOf(columns, "client"),
      app: textOf(columns, "app"),
      status: textOf(columns, "status") as JobStatus,
      quorum: spec.quorum,
      replicasMax: spec.replicasMax,
      submittedPosition: bigintOf(columns, "submitted"),
      reopenedPosition: columns["reopened"] === null ? null : bigintOf(columns, "reopened"),
      lastPosition: bigintOf(columns, "position"),
    };
  },
};

type NodeBody = Omit<NodeRow, "nodeId" | "status" | "registeredPosition" | "lastPosition">;

/** How the `apps` column says that a node runs an app: app names have no comma. */
export const appMark = (app: string): string => `,${app},`;

/** Who owns a node, as SQLite finds it in the row. */
export const nodeOwner = "json_extract(body, '$.owner')";

const nodesTable: Table<NodeRow> = {
  projection: nodes,
  columns: ["id", "registered", "status", "apps", "position", "body"],
  keyColumns: 1,
  constant: ["registered"],
  definition: `(
    id TEXT PRIMARY KEY, registered INTEGER NOT NULL UNIQUE, status TEXT NOT NULL,
    apps TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT`,
  indexes: [`CREATE INDEX IF NOT EXISTS nodes_by_owner ON nodes (${nodeOwner})`],
  lookup: "id = ?1",
  encode: (row) => {
    const { nodeId, registeredPosition, status, lastPosition } = row;
    const { owner, reason, capabilities, speeds, drainFrom, registeredAt, changedAt } = row;
    const apps = appMark([...new Set(capabilities.apps.map(({ app }) => app))].join(","));
    const body: NodeBody = {
      ...{ owner, reason, capabilities, speeds, drainFrom, registeredAt, changedAt },
    };
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

type ChangeBody = Omit<ScoreChange, "nodeId" | "serial" | "position"> & {
  readonly position: number;
};

const scoreChangesTable: Table<ScoreChange> = {
  projection: scoreChanges,
  columns: ["node", "slot", "serial", "body"],
  keyColumns: 2,
  definition: `(
    node TEXT NOT NULL, slot INTEGER NOT NULL, serial INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (node, slot)
  ) STRICT, WITHOUT ROWID`,
  indexes: ["CREATE INDEX IF NOT EXISTS changes_by_serial ON scoreChanges (node, serial)"],
  encode: ({ nodeId, serial, position, ...rest }) => {
    const body: ChangeBody = { ...rest, position: Number(position) };
    return [nodeId, serial % changesKept, serial, JSON.stringify(body)];
  },
  decode: (columns) => {
    const { position, ...rest } = JSON.parse(textOf(columns, "body")) as ChangeBody;
    return {
      ...rest,
      nodeId: textOf(columns, "node"),
      serial: numberOf(columns, "serial"),
      position: BigInt(position),
    };
  },
};

type RecordBody = Omit<ReputationRecord, "latest" | "warnings" | "position"> & {
  readonly position: number | null;
  readonly warnings: readonly (Omit<Warning, "position"> & { readonly position: number })[];
};

/** @param text - Of the column `body` of `reputation`. */
export const recordOf = (text: string): ReputationRecord => {
  const body = JSON.parse(text) as RecordBody;
  const warnings = body.warnings.map((each) => ({ ...each, position: BigInt(each.position) }));
  const position = body.position === null ? null : BigInt(body.position);
  return { ...body, position, warnings, latest: [] };
};

const reputationTable: Table<ReputationRecord> = {
  projection: reputation,
  columns: ["node", "body"],
  keyColumns: 1,
  definition: "(node TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
  indexes: [],
  lookup: "node = ?1",
  encode: ({ latest: _, ...row }) => {
    const warnings = row.warnings.map((each) => ({ ...each, position: Number(each.position) }));
    const position = row.position === null ? null : Number(row.position);
    const body: RecordBody = { ...row, position, warnings };
    return [row.track.nodeId, JSON.stringify(body)];
  },
  decode: (columns) => recordOf(textOf(columns, "body")),
  trail: {
    table: scoreChangesTable as Table<unknown>,
    linesOf: ({ latest }) => latest.map(scoreChangesTable.encode),
  },
};

/** A balance stands in two halves, so that SQLite can add up any number of them exactly. */
const halfBits = 32n;
export const joinHalves = (high: bigint, low: bigint): bigint => (high << halfBits) + low;

const accountsTable: Table<AccountRow> = {
  projection: accounts,
  columns: ["account", "high", "low", "entries", "position", "settles"],
  keyColumns: 1,
  definition: `(
    account TEXT PRIMARY KEY, high INTEGER NOT NULL, low INTEGER NOT NULL,
    entries INTEGER NOT NULL, position INTEGER NOT NULL, settles INTEGER
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  lookup: "account = ?1",
  encode: ({ account, balance, entries, lastPosition, settlesBy }) => [
    account,
    balance >> halfBits,
    BigInt.asUintN(Number(halfBits), balance),
    entries,
    lastPosition,
    settlesBy,
  ],
  decode: (columns) => ({
    account: textOf(columns, "account"),
    balance: joinHalves(bigintOf(columns, "high"), bigintOf(columns, "low")),
    entries: numberOf(columns, "entries"),
    lastPosition: bigintOf(columns, "position"),
    settlesBy: columns["settles"] === null ? null : numberOf(columns, "settles"),
  }),
};

/** Legs as JSON: debit, credit, amount. The escrow of the entry's job is left out: "". */
type Legs = readonly (readonly [AccountId, AccountId, MicroPointsText])[];

const entriesTable: Table<JournalRow> = {
  projection: entries,
  columns: ["position", "revision", "type", "job", "at", "legs"],
  keyColumns: 1,
  definition: `(
    position INTEGER PRIMARY KEY, revision INTEGER NOT NULL, type TEXT NOT NULL, job TEXT,
    at INTEGER NOT NULL, legs TEXT NOT NULL
  ) STRICT`,
  indexes: [],
  encode: ({ position, revision, type, jobHash, at, transfers }) => {
    const escrow = jobHash === null ? "" : escrowAccount(jobHash);
    const short = (account: AccountId): AccountId => (account === escrow ? "" : account);
    const legs: Legs = transfers.map(({ debit, credit, amount }) => [
      short(debit),
      short(credit),
      toText(amount),
    ]);
    return [position, revision, type, jobHash, at, JSON.stringify(legs)];
  },
  decode: (columns) => {
    const jobHash = columns["job"] === null ? null : textOf(columns, "job");
    const full = (account: AccountId): AccountId =>
      account === "" && jobHash !== null ? escrowAccount(jobHash) : account;
    const legs = JSON.parse(textOf(columns, "legs")) as Legs;
    return {
      position: bigintOf(columns, "position"),
      revision: bigintOf(columns, "revision"),
      type: textOf(columns, "type") as JournalRow["type"],
      transfers: legs.map(([debit, credit, amount]) => ({
        debit: full(debit),
        credit: full(credit),
        amount: BigInt(amount),
      })),
      jobHash,
      at: numberOf(columns, "at"),
    };
  },
};

const statementsTable: Table<StatementRow> = {
  projection: statements,
  columns: ["account", "position"],
  keyColumns: 2,
  definition: `(
    account TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (account, position)
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  encode: ({ account, position }) => [account, position],
  decode: (columns) => ({
    account: textOf(columns, "account"),
    position: bigintOf(columns, "position"),
  }),
};

type BlobBody = Omit<BlobRow, "digest" | "storedPosition" | "lastPosition">;

const blobsTable: Table<BlobRow> = {
  projection: blobs,
  columns: ["stored", "digest", "position", "body"],
  keyColumns: 1,
  constant: ["digest"],
  definition: `(
    stored INTEGER PRIMARY KEY, digest TEXT NOT NULL, position INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT`,
  finder: "CREATE INDEX IF NOT EXISTS blobs_by_digest ON blobs (substr(digest, 1, 20))",
  indexes: [],
  lookup: "substr(digest, 1, 20) = substr(?1, 1, 20) AND digest = ?1",
  encode: (row) => {
    const { digest, storedPosition, lastPosition } = row;
    const { size, mediaType, places, expiresAt, storedAt } = row;
    const body: BlobBody = { size, mediaType, places, expiresAt, storedAt };
    return [storedPosition, digest, lastPosition, JSON.stringify(body)];
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
  lookup: "name = ?1",
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
      voided: BigInt(text.voided),
      slashed: BigInt(text.slashed),
    };
  },
};

const identitiesTable: Table<IdentityRow> = {
  projection: identities,
  columns: ["id", "revoked", "position"],
  keyColumns: 1,
  definition: `(
    id TEXT PRIMARY KEY, revoked INTEGER, position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  indexes: [
    "CREATE INDEX IF NOT EXISTS identities_by_revocation ON identities (revoked) WHERE revoked > 0",
  ],
  lookup: "id = ?1",
  encode: ({ id, revokedAt, lastPosition }) => [id, revokedAt, lastPosition],
  decode: (columns) => ({
    id: textOf(columns, "id"),
    revokedAt: columns["revoked"] === null ? null : numberOf(columns, "revoked"),
    lastPosition: bigintOf(columns, "position"),
  }),
};

const serviceKeysTable: Table<ServiceKeyRow> = {
  projection: serviceKeys,
  columns: ["secret", "id", "key"],
  keyColumns: 1,
  definition: `(
    secret TEXT PRIMARY KEY, id TEXT NOT NULL, key TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  lookup: "secret = ?1",
  encode: ({ secretHash, id, keyId }) => [secretHash, id, keyId],
  decode: (columns) => ({
    secretHash: textOf(columns, "secret"),
    id: textOf(columns, "id"),
    keyId: textOf(columns, "key"),
  }),
};

const policiesTable: Table<PolicyRow> = {
  projection: policies,
  columns: ["name", "position", "body"],
  keyColumns: 1,
  definition: `(
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  indexes: [],
  lookup: "name = ?1",
  encode: ({ policy, adoptedAt, lastPosition }) => [
    policyKey,
    lastPosition,
    JSON.stringify({ policy, adoptedAt }),
  ],
  decode: (columns) => ({
    ...(JSON.parse(textOf(columns, "body")) as Pick<PolicyRow, "policy" | "adoptedAt">),
    lastPosition: bigintOf(columns, "position"),
  }),
};

export const tables = {
  jobs: jobsTable,
  nodes: nodesTable,
  reputation: reputationTable,
  accounts: accountsTable,
  entries: entriesTable,
  statements: statementsTable,
  blobs: blobsTable,
  totals: totalsTable,
  identities: identitiesTable,
  serviceKeys: serviceKeysTable,
  policies: policiesTable,
  scoreChanges: scoreChangesTable,
} as const;
