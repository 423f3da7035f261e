/**
 * The rewards service against a real store, with awards that are held: it is stopped and started, two
 * run at once, nodes are convicted at any moment. What it wrote is held against the ledger's invariants,
 * and in the end nobody has more or less than is right.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { portableSha256 } from "../../domain/hashing.ts";
import type { Accepted } from "../../domain/job/events.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { LedgerEvent } from "../../domain/ledger/events.ts";
import { emptyLedger, evolveLedger, faultOf, type Ledger } from "../../domain/ledger/ledger.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { type AnyEvent, decode, encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import {
  identityStream,
  jobStream,
  ledgerStream,
  nodeStream,
  policyStream,
} from "../../streams/names.ts";
import { noon } from "../../testing/given.ts";
import {
  checkEntry,
  checkSums,
  emptyBooks,
  type PaidJob,
} from "../../testing/ledger-invariants.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { memoryDisk } from "../../testing/memory-disk.ts";
import { runFeed } from "../facts.ts";
import { createJobBook } from "../job-book.ts";
import { runRewards } from "./run-rewards.ts";

const holdJobs = 6;
const holdMs = 60_000;
const bondAwards = 2;
const price = 100n;
const grant = 1_000_000n;
const hashOf = (n: number): string => n.toString(16).padStart(64, "0");

interface Service {
  /** Whether it has heard all up to there and owes nothing. */
  isIdle(head: bigint): boolean;
  close(): Promise<void>;
}

const world = async () => {
  const disk = memoryDisk(async () => undefined);
  const store = await openEmbeddedStore({
    ...{ directory: "/log", files: disk.mount() },
    lock: () => ({ release: () => undefined }),
  });
  const clock = manualClock(noon);
  const ids = eventIds("00000000000a");
  const troubles: string[] = [];
  const services: Service[] = [];

  const say = async (stream: string, ...events: readonly AnyEvent[]): Promise<void> => {
    const written = events.map((event) => encode(event, ids.next(), "service:test"));
    await store.append(stream, written, "any");
  };

  let started = 0;
  const start = async (): Promise<void> => {
    const own = eventIds((++started).toString(16).padStart(12, "1"));
    const book = createJobBook({ store, ids: own });
    const rewards = runRewards({
      ...{ store, ids: own, book, clock, sha256: portableSha256, grant: `${grant}` },
      onTrouble: (what, error) => troubles.push(`${what}: ${error}`),
    });
    const feed = runFeed({
      ...{ store, clock, listeners: [book, rewards] },
      onTrouble: (error) => troubles.push(`${error}`),
    });
    await feed.live;
    services.push({
      isIdle: (head) => rewards.counts().owed === 0 && feed.position() >= head,
      close: async () => {
        await feed.close();
        await rewards.close();
      },
    });
  };

  /** Until every service has heard everything and nothing more is written. */
  const rest = async (): Promise<void> => {
    let quiet = 0;
    let head = -1n;
    for (let waited = 0; quiet < 3 && waited < 20_000; waited++) {
      await sleep(1);
      const now = await store.head();
      const isIdle = now === head && services.every((one) => one.isIdle(now));
      quiet = isIdle ? quiet + 1 : 0;
      head = now;
    }
    assert.equal(quiet, 3, "the rewards service does not come to rest");
  };

  const policy = { ...policyDefaults, version: 2 };
  const verification = { ...policy.verification, holdJobs, holdMs, bondAwards };
  const adopted = { ...policy, verification };
  await say(policyStream, { type: "PolicyAdopted", policy: adopted, at: noon });
  return { store, clock, troubles, services, say, start, rest };
};

type World = Awaited<ReturnType<typeof world>>;

const submit = async ({ say, rest, clock }: World, n: number): Promise<void> => {
  const spec = { client: "client:ada", price: `${price}`, replicasMax: 5, assurance: "standard" };
  const at = clock.now();
  await say(jobStream(hashOf(n)), {
    ...{ type: "JobSubmitted", jobHash: hashOf(n), spec: spec as unknown as JobSpec },
    ...{ deadlineAt: at + 3_600_000, at },
  });
  await rest();
};

const complete = async (
  { say, clock }: World,
  n: number,
  accepted: readonly Accepted[],
  audited: readonly number[] = [],
): Promise<void> => {
  const jobHash = hashOf(n);
  const at = clock.now();
  const verdicts = accepted.map(
    ({ replica, nodeId }): AnyEvent => ({
      ...{ type: "ResultAccepted", jobHash, replica, attempt: 1, nodeId, comparator: "exact" },
      ...{ distance: 0, ...(audited.includes(replica) ? { audited: true as const } : {}), at },
    }),
  );
  await say(jobStream(jobHash), ...verdicts, {
    ...{ type: "JobCompleted", jobHash, outputDigest: "d".repeat(64), outputSize: 1, accepted },
    ...{ held: true as const, at },
  });
};

const convict = ({ say, clock }: World, nodeId: string): Promise<void> =>
  say(nodeStream(nodeId), {
    ...{ type: "NodeConvicted", nodeId, jobHash: hashOf(0), replica: 0, reason: "wrong-result" },
    at: clock.now(),
  });

const judge: Accepted = { replica: 8, nodeId: "judge", arbiter: true };

/** The ledger from the log alone, after all of its entries were checked. */
const audit = async (store: EventStore): Promise<{ ledger: Ledger; entries: LedgerEvent[] }> => {
  const ledger = emptyLedger();
  const entries: LedgerEvent[] = [];
  const books = emptyBooks();
  const jobs = new Map<string, PaidJob & { ended: string | undefined; accepted: Set<string> }>();
  const faults: string[] = [];
  for await (const recorded of store.readAll("start")) {
    const event = decode(recorded);
    if (!event) continue;
    if (recorded.stream === ledgerStream) {
      const entry = event as LedgerEvent;
      checkEntry(entry, books, jobs, (sentence) => faults.push(sentence));
      evolveLedger(ledger, entry);
      assert.equal(faultOf(ledger), undefined);
      entries.push(entry);
    } else if (event.type === "JobSubmitted") {
      const open = {
        ended: undefined,
        funded: false,
        released: false,
        accepted: new Set<string>(),
        stopped: new Map<string, string>(),
      };
      jobs.set(event.jobHash, { spec: event.spec, ...open });
    } else if (event.type === "JobCompleted" || event.type === "JobFailed") {
      const job = jobs.get(event.jobHash);
      if (!job) continue;
      job.ended = event.type;
      for (const { replica, nodeId } of "accepted" in event ? event.accepted : [])
        job.accepted.add(`${replica} ${nodeId}`);
    }
  }
  checkSums(books, (sentence) => faults.push(sentence));
  assert.deepEqual(faults, []);
  return { ledger, entries };
};

const end = async ({ services, store }: World): Promise<void> => {
  for (const service of services) await service.close();
  await store.close();
};

const restart = async (it: World): Promise<void> => {
  for (const service of it.services.splice(0)) await service.close();
  await it.start();
  await it.rest();
};

const reopenedIn = (entries: readonly LedgerEvent[]): readonly string[] =>
  entries.flatMap((entry) =>
    entry.type === "AwardsVoided"
      ? entry.voided.filter(({ reopens }) => reopens).map(({ jobHash }) => jobHash)
      : [],
  );

test("held awards settle after the time of the policy, the first audited ones into the bond", async () => {
  const it = await world();
  await it.start();
  for (const n of [1, 2, 3]) {
    await submit(it, n);
    await complete(it, n, [{ replica: 0, nodeId: "bob" }], [0]);
    await it.rest();
  }
  const at = async (account: string) => (await audit(it.store)).ledger.balances.get(account) ?? 0n;
  assert.equal(await at("pending:bob"), 3n * price);
  await restart(it);
  await it.clock.pass(holdMs - 1);
  await it.rest();
  assert.equal(await at("pending:bob"), 3n * price, "it settles inside the hold window");
  await it.clock.pass(2_000);
  await it.rest();
  assert.equal(await at("pending:bob"), 0n);
  assert.equal(await at("bond:bob"), BigInt(bondAwards) * price);
  assert.equal(await at("node:bob"), price);
  assert.deepEqual(it.troubles, []);
  await end(it);
});

test("a conviction takes what is held and the bond, opens the job again, and its second end pays the arbiter", async () => {
  const it = await world();
  await it.start();
  for (const n of [1, 2]) {
    await submit(it, n);
    await complete(it, n, [{ replica: 0, nodeId: "bob" }], [0]);
  }
  await it.rest();
  await it.clock.pass(holdMs + 2_000);
  await it.rest(); // Two awards in bond.
  for (const n of [3, 4, 5]) await submit(it, n);
  await complete(it, 3, [{ replica: 0, nodeId: "bob" }]);
  await complete(it, 4, [
    { replica: 0, nodeId: "bob" },
    { replica: 1, nodeId: "cyd" },
  ]);
  await it.rest();
  await convict(it, "bob");
  // Accepted before the conviction was heard of, paid after it.
  await complete(it, 5, [{ replica: 0, nodeId: "bob" }]);
  await it.rest();
  await restart(it);
  const first = await audit(it.store);
  assert.equal(first.ledger.balances.get("pending:bob"), 0n);
  assert.equal(first.ledger.balances.get("bond:bob"), 0n);
  assert.equal(first.ledger.balances.get("slash-sink"), 2n * price);
  assert.deepEqual(reopenedIn(first.entries), [hashOf(3), hashOf(5)], "Cyd stands for the other");
  await complete(it, 3, [judge]);
  await it.say(jobStream(hashOf(5)), {
    ...{ type: "JobFailed", jobHash: hashOf(5), reason: "no-quorum", at: it.clock.now() },
  });
  await it.rest();
  const { ledger } = await audit(it.store);
  assert.equal(ledger.balances.get("node:judge"), price);
  assert.equal(ledger.balances.get("pending:cyd"), price);
  const spent = 4n * price; // Two bonds, the arbiter, Cyd.
  assert.equal(ledger.balances.get("client:ada"), grant - spent);
  assert.deepEqual(it.troubles, []);
  await end(it);
});

test("an owner who retires gets the bonds of its nodes back when nothing is pending for them", async () => {
  const it = await world();
  await it.start();
  const owner = `cnct:${"a".repeat(52)}`;
  const capabilities = {
    ...{ apps: [], slots: 1, backlog: 0, cpus: 1, memoryMb: 1, platform: "", version: "" },
  };
  const at = it.clock.now();
  for (const nodeId of ["bob", "cyd"])
    await it.say(nodeStream(nodeId), { type: "NodeRegistered", nodeId, owner, capabilities, at });
  for (const n of [1, 2]) {
    await submit(it, n);
    await complete(it, n, [{ replica: 0, nodeId: n === 1 ? "bob" : "cyd" }], [0]);
  }
  await it.rest();
  await convict(it, "cyd");
  await it.say(identityStream(owner), {
    ...{ type: "IdentityRevoked", id: owner, sequence: 1, reason: "retired" },
    ...{ signedBy: "0".repeat(64), signature: "", at },
  });
  await it.rest();
  assert.equal((await audit(it.store)).ledger.balances.get("node:bob"), undefined);
  await restart(it);
  await it.clock.pass(holdMs + 2_000);
  await it.rest();
  const { ledger, entries } = await audit(it.store);
  assert.equal(ledger.balances.get("node:bob"), price);
  assert.equal(ledger.balances.get("bond:bob"), 0n);
  assert.deepEqual(
    entries
      .filter(({ type }) => type === "BondReturned")
      .map((one) => "nodeId" in one && one.nodeId),
    ["bob"],
  );
  assert.deepEqual(it.troubles, []);
  await end(it);
});

interface Happening {
  readonly kind: "complete" | "convict" | "pass" | "restart" | "second" | "end again";
  readonly nodes: readonly number[];
  readonly audited: boolean;
}
const happenings = fc.array(
  fc.record<Happening>({
    kind: fc.constantFrom(
      ...(["complete", "complete", "complete", "complete", "convict"] as const),
      ...(["pass", "restart", "second", "end again", "end again"] as const),
    ),
    nodes: fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
    audited: fc.boolean(),
  }),
  { minLength: 12, maxLength: 24 },
);
/** Settles, makes a bond, slashes it and opens a job again, whatever else is drawn. */
const allOfIt: readonly Happening[] = [
  { kind: "complete", nodes: [0, 1], audited: true },
  { kind: "pass", nodes: [0], audited: true },
  { kind: "pass", nodes: [0], audited: true },
  { kind: "complete", nodes: [0], audited: false },
  { kind: "convict", nodes: [0], audited: true },
];
const nameOf = (n: number): string => `node-${n}`;

/** Another round of the network, as a validator would do it: what was opened again ends again. */
const endAgain = async (it: World, ended: Set<string>, fails: boolean): Promise<void> => {
  const { entries } = await audit(it.store);
  for (const jobHash of reopenedIn(entries)) {
    if (ended.has(jobHash)) continue;
    ended.add(jobHash);
    if (fails) {
      const at = it.clock.now();
      await it.say(jobStream(jobHash), { type: "JobFailed", jobHash, reason: "no-quorum", at });
    } else await complete(it, Number.parseInt(jobHash, 16), [judge]);
  }
};

test("whatever happens when, every point is where it belongs in the end", async () => {
  const seen = { reopened: 0, slashed: 0, settled: 0, bonded: 0 };
  await fc.assert(
    fc.asyncProperty(happenings, async (drawn) => {
      const it = await world();
      await it.start();
      const guilty = new Set<string>();
      const ended = new Set<string>();
      let jobs = 0;
      for (const { kind, nodes, audited } of drawn) {
        const honest = nodes.map(nameOf).filter((nodeId) => !guilty.has(nodeId));
        const [first] = nodes.map(nameOf);
        if (kind === "complete" && honest.length > 0) {
          const n = ++jobs;
          await submit(it, n);
          const accepted = honest.map((nodeId, replica): Accepted => ({ replica, nodeId }));
          const all = audited ? [...accepted, judge] : accepted;
          await complete(it, n, all, audited ? accepted.map(({ replica }) => replica) : []);
        } else if (kind === "convict" && first !== undefined && guilty.size < 3) {
          guilty.add(first);
          await convict(it, first);
        } else if (kind === "pass") await it.clock.pass(holdMs / 2);
        else if (kind === "restart") await restart(it);
        else if (kind === "second" && it.services.length < 2) await it.start();
        else if (kind === "end again") await endAgain(it, ended, audited);
        if (audited) await it.rest(); // Else it is still at work when the next thing happens.
      }
      await it.rest();
      await endAgain(it, ended, false);
      await it.rest();
      await it.clock.pass(holdMs + 2_000);
      await it.rest();
      const { ledger, entries } = await audit(it.store);
      for (const [account, balance] of ledger.balances) {
        if (/^(pending|escrow):/.test(account)) assert.equal(balance, 0n, account);
        const [kind, nodeId = ""] = account.split(":");
        if (kind === "bond" && guilty.has(nodeId)) assert.equal(balance, 0n, account);
        if (kind === "bond") assert.ok(balance <= BigInt(bondAwards) * price, account);
      }
      assert.deepEqual(it.troubles, []);
      seen.reopened += reopenedIn(entries).length;
      for (const { type } of entries) {
        if (type === "BondSlashed") seen.slashed++;
        if (type === "AwardsSettled") seen.settled++;
      }
      seen.bonded += ledger.bonded.size;
      await end(it);
    }),
    { numRuns: 25, examples: [[[...allOfIt]]] },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `nothing was ${what}`);
});
