import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blankTrack } from "../domain/reputation/track.ts";
import type { Position } from "../streams/event-store.ts";
import type { Projections } from "./projections.ts";
import {
  beginning,
  clientOf,
  digestOf,
  endingOf,
  lives,
  specOf,
  write,
} from "./testing/history.ts";
import { withStore } from "./testing/with-store.ts";
import type { JobFilter, JobStatus, Page, PageRequest } from "./views.ts";

const jobCount = 60;

const withViews = (
  work: (
    projections: Projections,
    more: (from: number, to: number) => Promise<Position>,
  ) => Promise<void> | void,
): Promise<void> =>
  withStore(async ({ store, open }) => {
    const projections = await open();
    const more = async (from: number, to: number): Promise<Position> => {
      const position = await write(store, lives(from, to), (from + 2).toString().padStart(12, "0"));
      assert.equal(await projections.waitFor(position, 5_000), true);
      return position;
    };
    await write(store, beginning());
    await more(0, jobCount);
    await work(projections, more);
  });

const edgesOf = <Row>(page: Page<Row>): readonly { cursor: string; node: Row }[] => {
  assert.ok(page.ok, "the page is not refused");
  return page.edges;
};

/** Every row of a list, page by page. */
const walk = async <Row>(
  list: (page: PageRequest) => Page<Row>,
  { first, oldestFirst = false }: { first: number; oldestFirst?: boolean },
  between: () => unknown = () => undefined,
): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  let after: string | undefined;
  for (;;) {
    const page = list({ first, oldestFirst, ...(after !== undefined && { after }) });
    const edges = edgesOf(page);
    rows.push(...edges.map(({ node }) => node));
    after = edges.at(-1)?.cursor;
    if (!page.ok || !page.hasNextPage) return rows;
    assert.equal(edges.length, first, "only the last page may be short");
    await between();
  }
};

const statusOf = (n: number): JobStatus => {
  const ending = endingOf(n);
  return ending === "completed-late" ? "completed" : ending;
};

describe("lists", () => {
  test("give every job once, newest first or oldest first, whatever the page size", () =>
    withViews(async ({ views }) => {
      const newest = Array.from({ length: jobCount }, (_, n) => digestOf(`job ${n}`)).reverse();
      for (const first of [1, 7, 59, 60, 61, 100]) {
        const rows = await walk((page) => views.jobs({}, page), { first });
        assert.deepEqual(
          rows.map(({ jobHash }) => jobHash),
          newest,
        );
        const oldest = await walk((page) => views.jobs({}, page), { first, oldestFirst: true });
        assert.deepEqual(
          oldest.map(({ jobHash }) => jobHash),
          newest.toReversed(),
        );
      }
    }));

  test("give what a filter asks for and nothing else", () =>
    withViews(async ({ views }) => {
      const statuses = ["open", "completed", "failed", "rejected", "cancelled", undefined] as const;
      for (const client of [undefined, "client:ada", "client:nobody"])
        for (const app of [undefined, "ocr", "nothing"])
          for (const status of statuses) {
            const filter: JobFilter = {
              ...(client !== undefined && { client }),
              ...(app !== undefined && { app }),
              ...(status !== undefined && { status }),
            };
            const wanted = Array.from({ length: jobCount }, (_, n) => n)
              .filter((n) => client === undefined || clientOf(n) === client)
              .filter((n) => app === undefined || specOf(n).app === app)
              .filter((n) => status === undefined || statusOf(n) === status)
              .map((n) => digestOf(`job ${n}`))
              .reverse();
            const rows = await walk((page) => views.jobs(filter, page), { first: 4 });
            assert.deepEqual(
              rows.map(({ jobHash }) => jobHash),
              wanted,
              JSON.stringify(filter),
            );
          }
    }));

  test("neither repeat nor hide a job when jobs are added between two pages", () =>
    withViews(async ({ views }, more) => {
      const before = Array.from({ length: jobCount }, (_, n) => digestOf(`job ${n}`)).reverse();
      let next = jobCount;
      const rows = await walk(
        (page) => views.jobs({}, page),
        { first: 20 },
        async () => {
          await more(next, next + 5);
          next += 5;
        },
      );
      assert.ok(next > jobCount);
      assert.deepEqual(
        rows.map(({ jobHash }) => jobHash),
        before,
      );
    }));

  test("give the statement of every account, which adds up to its balance", () =>
    withViews(async ({ views }) => {
      const accounts = await walk(
        ({ first, after }) => {
          return views.accounts({}, { first, ...(after !== undefined && { after }) });
        },
        { first: 9 },
      );
      assert.deepEqual(
        accounts.map(({ account }) => account),
        accounts.map(({ account }) => account).toSorted(),
      );
      assert.ok(accounts.length > 40);
      for (const { account, balance, entries } of accounts) {
        const rows = await walk((page) => views.entries(account, page), { first: 6 });
        assert.equal(
          rows.reduce((sum, { amount }) => sum + amount, 0n),
          balance,
          account,
        );
        assert.equal(rows.length, entries, account);
      }
      const escrow = `escrow:${digestOf("job 0")}`;
      assert.equal(views.account(escrow), undefined);
      const closed = await walk((page) => views.entries(escrow, page), { first: 1 });
      assert.deepEqual(
        closed.map(({ type, amount, jobHash }) => ({ type, amount, jobHash })),
        [
          { type: "PointsAwarded", amount: -4_000n, jobHash: digestOf("job 0") },
          { type: "JobFunded", amount: 4_000n, jobHash: digestOf("job 0") },
        ],
      );
      assert.deepEqual(closed[0]?.counterAccounts, ["node:node-11", "node:node-12", "client:ada"]);
    }));

  test("give accounts of one kind", () =>
    withViews(async ({ views }) => {
      const namesOf = (kind: "client" | "node" | "escrow" | "issuance"): readonly string[] =>
        edgesOf(views.accounts({ kind }, { first: 100 })).map(({ node }) => node.account);
      assert.deepEqual(namesOf("client"), ["client:ada", "client:bob", "client:eve"]);
      assert.deepEqual(namesOf("issuance"), ["issuance"]);
      assert.ok(namesOf("node").length > 30);
      assert.ok(namesOf("node").every((name) => name.startsWith("node:")));
      assert.equal(
        namesOf("escrow").length,
        Array.from({ length: jobCount }, (_, n) => statusOf(n)).filter((s) => s === "open").length,
      );
    }));

  test("give nodes by app and status, with their tracks", () =>
    withViews(async ({ views }) => {
      const nodes = (filter: Parameters<typeof views.nodes>[0]): readonly string[] =>
        edgesOf(views.nodes(filter, { first: 100 })).map(({ node }) => node.nodeId);
      assert.equal(nodes({}).length, 40);
      assert.equal(nodes({ app: "ocr" }).length, 40);
      assert.equal(nodes({ app: "faces" }).length, 13);
      assert.equal(nodes({ app: "face" }).length, 0);
      assert.deepEqual(nodes({ status: "suspended" }), ["node-39", "node-29", "node-19", "node-9"]);
      const [newest] = edgesOf(views.nodes({}, { first: 1 }));
      assert.deepEqual(newest?.node, views.node("node-39"));
      assert.deepEqual(newest?.node.track, views.track("node-39") ?? blankTrack("node-39"));
      assert.ok((views.track("node-11")?.assigned ?? 0) > 0);
      assert.equal(views.track("node-999"), undefined);
    }));

  test("give blobs that are still wanted", () =>
    withViews(async ({ views }) => {
      const rows = await walk(views.blobs, { first: 8 });
      const wanted = Array.from({ length: jobCount }, (_, n) => n)
        .filter((n) => !["rejected", "failed"].includes(statusOf(n)))
        .map((n) => digestOf(`input ${n}`))
        .reverse();
      assert.deepEqual(
        rows.map(({ digest }) => digest),
        wanted,
      );
      assert.deepEqual(views.blob(wanted[0] as string), rows[0]);
    }));

  test("refuse what is no cursor of theirs, and a page of no rows or too many", () =>
    withViews(({ views }) => {
      const [job] = edgesOf(views.jobs({}, { first: 1 }));
      const [account] = edgesOf(views.accounts({}, { first: 1 }));
      assert.ok(job && account);
      const bad = { ok: false, reason: "BadCursor" };
      const cursors = ["", "x", "'; DROP TABLE jobs --", account.cursor, `${job.cursor}=`];
      cursors.push(Buffer.from("jobs -1").toString("base64url"));
      cursors.push(Buffer.from("jobs 99999999999999999999").toString("base64url"));
      cursors.push("A".repeat(10_000));
      for (const after of cursors)
        assert.deepEqual(views.jobs({}, { first: 1, after }), bad, after.slice(0, 50));
      assert.deepEqual(views.accounts({}, { first: 1, after: job.cursor }), bad);
      for (const first of [0, -1, 101, 1.5, Number.NaN])
        assert.deepEqual(views.jobs({}, { first }), { ok: false, reason: "BadPageSize" });
    }));
});

test("totals are those of the rows, and the books add up to nothing", () =>
  withViews(({ views }) => {
    const totals = views.totals();
    for (const status of ["open", "completed", "failed", "rejected", "cancelled"] as const) {
      const rows = edgesOf(views.jobs({ status }, { first: 100 }));
      assert.equal(totals.jobs[status], rows.length, status);
    }
    assert.deepEqual(totals.nodes, { active: 36, suspended: 4 });
    assert.equal(totals.ledgerSum, 0n);
    assert.equal(totals.points.issued, 3_000_000_000_000n);
    assert.equal(totals.position, views.position());
  }));
