/** Answers from the views' tables. One connection, synchronous: each answer is of one position. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { AccountId } from "../domain/ids.ts";
import { policyDefaults } from "../domain/policy/policy.ts";
import type { ScoreChange } from "../domain/reputation/changes.ts";
import { blankRecord } from "../domain/reputation/record.ts";
import type { Position } from "../streams/event-store.ts";
import type { JournalRow } from "./entries.ts";
import { movementsOf } from "./movements.ts";
import { byName, byPosition, type Order, pageOf } from "./paging.ts";
import { policyKey } from "./policies.ts";
import { type Columns, type Table, textOf } from "./table.ts";
import { appMark, joinHalves, nodeOwner, recordOf, tables } from "./tables.ts";
import { noTotals, totalsKey } from "./totals.ts";
import type {
  AccountFilter,
  AccountRow,
  BlobRow,
  EntryRow,
  JobFilter,
  JobRow,
  NodeView,
  Page,
  PageRequest,
  Totals,
  Views,
} from "./views.ts";

const jobOrder = byPosition<JobRow>("jobs", (row) => row.submittedPosition);
const nodeOrder = byPosition<NodeView>("nodes", (row) => row.registeredPosition);
const entryOrder = byPosition<EntryRow>("entries", (row) => row.position);
const blobOrder = byPosition<BlobRow>("blobs", (row) => row.storedPosition);
const changeOrder = byPosition<ScoreChange>("scoreChanges", (row) => BigInt(row.serial));
const accountOrder = byName<AccountRow>("accounts", (row) => row.account);

/** What a list selects: part of a statement with its values. */
interface Selection {
  readonly from: string;
  readonly where: readonly string[];
  readonly values: readonly SQLInputValue[];
}

/** Which index finds these jobs with the fewest steps; the rest of the filter is looked at by row. */
const jobSelection = ({ client, status, app, reopenedAfter }: JobFilter): Selection => {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  const rare = status !== undefined && status !== "completed";
  if (client !== undefined) {
    where.push("client = ?");
    values.push(client);
  }
  if (status !== undefined) {
    where.push("status = ?");
    values.push(status);
  }
  if (app !== undefined) {
    where.push("app = ?");
    values.push(app);
  }
  if (reopenedAfter !== undefined) {
    where.push("reopened > ?");
    values.push(reopenedAfter);
    return { from: "jobs INDEXED BY jobs_by_reopening", where, values }; // Very few.
  }
  if (rare) where.push("status <> 'completed'"); // Says to SQLite that the partial index will do.
  if (rare)
    return {
      from: `jobs INDEXED BY ${client !== undefined ? "jobs_by_client_status" : "jobs_by_status"}`,
      where,
      values,
    };
  if (client !== undefined) return { from: "jobs INDEXED BY jobs_by_client", where, values };
  if (app !== undefined) return { from: "jobs INDEXED BY jobs_by_app", where, values };
  return { from: "jobs NOT INDEXED", where, values };
};

const nodeColumns = "nodes.*, reputation.body AS record";
const nodesWithTracks = "nodes LEFT JOIN reputation ON reputation.node = nodes.id";

const nodeViewOf = (columns: Columns): NodeView => {
  const row = tables.nodes.decode(columns);
  const record =
    columns["record"] === null ? blankRecord(row.nodeId) : recordOf(textOf(columns, "record"));
  return { ...row, track: record.track, record };
};

const escrow = "escrow:";

/** The entry as the account sees it. */
const entryRowOf = (account: AccountId, row: JournalRow): EntryRow => {
  const { position, revision, type, transfers, jobHash, at } = row;
  const movement = movementsOf(transfers).get(account);
  const { amount, counterAccounts } = movement ?? { amount: 0n, counterAccounts: [] };
  return { account, position, revision, type, amount, counterAccounts, jobHash, at };
};

const isBeyond = (
  position: Position,
  after: Position | undefined,
  { oldestFirst = false }: PageRequest,
): boolean => after === undefined || (oldestFirst ? position > after : position < after);

/** First and last name of a kind of account: `;` comes right after `:`. */
const kindRange = (kind: NonNullable<AccountFilter["kind"]>): readonly [string, string] =>
  kind === "issuance" || kind === "slash-sink" ? [kind, kind] : [`${kind}:`, `${kind};`];

export const readViews = (database: DatabaseSync, position: () => Position): Views => {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const one = <Row>(
    decode: (columns: Columns) => Row,
    sql: string,
    ...values: readonly SQLInputValue[]
  ): Row | undefined => {
    const columns = prepare(sql).get(...values);
    return columns && decode(columns);
  };

  const byKey = <Row>({ projection, lookup, decode }: Table<Row>, key: string): Row | undefined =>
    one(decode, `SELECT * FROM ${projection.name} WHERE ${lookup}`, key);

  /** A page of a list that stands in the order of an integer column. */
  const list = <Row>(
    order: Order<Row, bigint>,
    page: PageRequest,
    {
      selection: { from, where, values },
      columns,
      key,
      decode,
    }: {
      readonly selection: Selection;
      readonly columns: string;
      readonly key: string;
      readonly decode: (columns: Columns) => Row;
    },
  ): Page<Row> =>
    pageOf(order, page, (after, count) => {
      const beyond = after === undefined ? [] : [`${key} ${page.oldestFirst ? ">" : "<"} ?`];
      const conditions = [...where, ...beyond];
      const sql =
        `SELECT ${columns} FROM ${from}` +
        (conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "") +
        ` ORDER BY ${key} ${page.oldestFirst ? "ASC" : "DESC"} LIMIT ?`;
      const last = after === undefined ? [] : [after];
      return prepare(sql)
        .all(...values, ...last, count)
        .map(decode);
    });

  /** An escrow has an entry or two, and its job knows where. A free job moves nothing. */
  const escrowEntries = (account: AccountId, oldestFirst: boolean): readonly EntryRow[] => {
    const positions = byKey(tables.jobs, account.slice(escrow.length))?.escrow?.positions ?? [];
    const rows = positions
      .map((at) => one(tables.entries.decode, "SELECT * FROM entries WHERE position = ?", at))
      .filter((row) => row !== undefined)
      .map((row) => entryRowOf(account, row))
      .filter(({ amount }) => amount !== 0n);
    return oldestFirst ? rows : rows.toReversed();
  };

  let sum = { position: -2n, ledgerSum: 0n };
  const ledgerSum = (): bigint => {
    if (sum.position === position()) return sum.ledgerSum;
    const halves = prepare(
      "SELECT ifnull(sum(high), 0) AS high, ifnull(sum(low), 0) AS low FROM accounts",
    );
    halves.setReadBigInts(true);
    const { high, low } = halves.get() ?? {};
    if (typeof high !== "bigint" || typeof low !== "bigint")
      throw new TypeError("sums are numbers");
    sum = { position: position(), ledgerSum: joinHalves(high, low) };
    return sum.ledgerSum;
  };

  return {
    position,

    job: (jobHash) => byKey(tables.jobs, jobHash),
    jobs: (filter, page) =>
      list(jobOrder, page, {
        selection: jobSelection(filter),
        columns: "*",
        key: "submitted",
        decode: tables.jobs.decode,
      }),

    node: (nodeId) =>
      one(nodeViewOf, `SELECT ${nodeColumns} FROM ${nodesWithTracks} WHERE nodes.id = ?`, nodeId),
    nodes: ({ app, status, owner }, page) =>
      list(nodeOrder, page, {
        selection: {
          from: nodesWithTracks,
          where: [
            ...(app === undefined ? [] : ["instr(nodes.apps, ?) > 0"]),
            ...(status === undefined ? [] : ["nodes.status = ?"]),
            ...(owner === undefined ? [] : ["json_extract(nodes.body, '$.owner') = ?"]),
          ],
          values: [
            ...(app === undefined ? [] : [appMark(app)]),
            ...(status === undefined ? [] : [status]),
            ...(owner === undefined ? [] : [owner]),
          ],
        },
        columns: nodeColumns,
        key: "nodes.registered",
        decode: nodeViewOf,
      }),
    track: (nodeId) => byKey(tables.reputation, nodeId)?.track,
    scoreChanges: (nodeId, page) =>
      list(changeOrder, page, {
        selection: { from: "scoreChanges", where: ["node = ?"], values: [nodeId] },
        columns: "*",
        key: "serial",
        decode: tables.scoreChanges.decode,
      }),
    policy: () => byKey(tables.policies, policyKey)?.policy ?? policyDefaults,

    account: (account) => byKey(tables.accounts, account),
    accounts: ({ kind }, page) =>
      pageOf(accountOrder, page, (after, count) => {
        const [low, high] = kind === undefined ? ["", "~"] : kindRange(kind);
        // One lower bound: with two, SQLite searches by the first and walks to the second.
        const [beyond, from] = after === undefined || after < low ? [">=", low] : [">", after];
        return prepare(
          `SELECT * FROM accounts WHERE account ${beyond} ? AND account <= ? ORDER BY account LIMIT ?`,
        )
          .all(from, high, count)
          .map(tables.accounts.decode);
      }),
    entries: (account, page) =>
      account.startsWith(escrow)
        ? pageOf(entryOrder, page, (after, count) =>
            escrowEntries(account, page.oldestFirst === true)
              .filter(({ position }) => isBeyond(position, after, page))
              .slice(0, count),
          )
        : list(entryOrder, page, {
            selection: {
              from: "statements CROSS JOIN entries ON entries.position = statements.position",
              where: ["statements.account = ?"],
              values: [account],
            },
            columns: "entries.*",
            key: "statements.position",
            decode: (columns) => entryRowOf(account, tables.entries.decode(columns)),
          }),

    blob: (digest) => byKey(tables.blobs, digest),
    blobs: (page) =>
      list(blobOrder, page, {
        selection: { from: "blobs", where: [], values: [] },
        columns: "*",
        key: "stored",
        decode: tables.blobs.decode,
      }),

    serviceKey: (secretHash) => byKey(tables.serviceKeys, secretHash),
    nodesOfRevoked: (most) =>
      prepare(
        `SELECT nodes.id AS node FROM identities CROSS JOIN nodes
         ON ${nodeOwner} = identities.id
         WHERE identities.revoked > 0 AND nodes.status = 'active' LIMIT ?`,
      )
        .all(most)
        .map((columns) => textOf(columns, "node")),

    totals: (): Totals => {
      const row = byKey(tables.totals, totalsKey) ?? noTotals;
      const { open, completed, failed, rejected, cancelled } = row;
      const { active, suspended, issued, funded, awarded, refunded, voided, slashed } = row;
      return {
        position: position(),
        events: row.events,
        jobs: { open, completed, failed, rejected, cancelled },
        nodes: { active, suspended },
        points: { issued, funded, awarded, refunded, voided, slashed },
        ledgerSum: ledgerSum(),
      };
    },
  };
};
