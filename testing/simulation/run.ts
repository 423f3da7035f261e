/**
 * One run from one seed: a storm in which everything drawn goes wrong, then a calm in which all must
 * come right. The real rules, services and worker core run on virtual time; what is not real is the
 * network, the disk below the real event log, and the work.
 */
import { seededRandom } from "../../domain/chance.ts";
import type { Instant } from "../../domain/decider.ts";
import { jobHash } from "../../domain/job/hash.ts";
import type { NodeConvicted } from "../../domain/node/node.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { explainLog } from "../../services/dispatcher/explain-log.ts";
import { encode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { ledgerStream, policyStream } from "../../streams/names.ts";
import { checkInvariants } from "../invariants.ts";
import { memoryQueue } from "../memory-queue.ts";
import { createBlobHost } from "./blobs.ts";
import { openClients } from "./clients.ts";
import { type Faults, noneAtAll } from "./faults.ts";
import { startStorm } from "./mishaps.ts";
import { createNode } from "./nodes.ts";
import { drawPlan } from "./plan.ts";
import { honest, type Sabotage } from "./sabotage.ts";
import { createScheduler, startOfTime } from "./scheduler.ts";
import { sealGlobals } from "./sealed-globals.ts";
import { createService, type ServiceName, serviceNames, sha256 } from "./services.ts";
import { createStoreHost } from "./store-host.ts";
import { createTrace } from "./trace.ts";
import { createWatch } from "./watch.ts";
import { beginLife, freshIds, isWeather, pause, type World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly sabotage?: Sabotage;
  /** Keeps the whole trace. */
  readonly keepTrace?: boolean;
}

export interface RunReport {
  readonly seed: number;
  /** SHA-256 over everything that happened, in order and with its virtual time. */
  readonly trace: string;
  /** One sentence each, the first found first; empty when all held. */
  readonly violations: readonly string[];
  /** The last lines of the trace. */
  readonly lines: readonly string[];
  /** Things that happened on the scheduler. */
  readonly steps: number;
  /** Facts in the log. */
  readonly events: number;
  readonly jobs: number;
  readonly virtualMs: number;
  /** How the jobs ended. */
  readonly ends: Readonly<Record<string, number>>;
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
}

const checkEveryEvents = 250;
/** The longest deadline, and time to notice it. */
const calmMsMax = 420_000;
const checkEveryMs = 500;
/** After the healing the queue needs its ack wait until everything lost has come again. */
const settleMs = 45_000;
/** Then nobody submits anything, so that what was forgotten is not brought to mind by chance. */
const quietMs = 5_000;
/** In the calm nothing due may wait longer. */
const slackMs = 15_000;

export const runSimulation = async ({
  seed,
  sabotage = honest,
  keepTrace = false,
}: RunOptions): Promise<RunReport> => {
  const random = seededRandom(seed);
  const scheduler = createScheduler((_, label) => trace.whisper(label));
  const trace = createTrace(() => scheduler.now() - startOfTime, { keepAll: keepTrace });
  const blobs = createBlobHost(scheduler, random);
  let calmFrom = Number.POSITIVE_INFINITY;
  const watch = createWatch(
    (digest) => {
      const bytes = blobs.get(digest);
      return bytes && Buffer.from(bytes).toString();
    },
    { now: scheduler.now, calm: () => scheduler.now() > calmFrom + slackMs },
  );
  const store = createStoreHost({
    scheduler,
    random,
    wrapFiles: sabotage.files,
    onEvent: (event) => {
      const { stream, revision, type, id, data } = event;
      const { jobHash = "" } = data as { readonly jobHash?: string };
      const of = stream === ledgerStream ? ` ${jobHash.slice(0, 8)}` : "";
      trace.say(`${stream.slice(0, 12)}@${revision} ${type}${of} ${id}`);
      watch.event(event);
      if (type === "NodeConvicted") watchConviction(event);
    },
  });
  const clock = {
    now: () => Math.floor(scheduler.now()),
    after: (delayMs: number, run: () => void) => scheduler.after(delayMs, "queue", run),
    every: (): never => {
      throw new Error("the queue keeps no time of its own");
    },
  };
  const plan = drawPlan(random, blobs);
  const watchConviction = ({ data }: RecordedEvent): void => {
    const { nodeId } = data as NodeConvicted;
    const node = plan.nodes.find((one) => one.nodeId === nodeId);
    if (node?.character === "honest") watch.blame(`${nodeId} was convicted and is honest`);
  };
  let faults: Faults = plan.faults;
  const queue = memoryQueue({ clock, random, faults: faults.queue });
  const world: World = {
    scheduler,
    random,
    trace,
    store,
    queue,
    blobs,
    watch,
    sabotage,
    faults: () => faults,
  };

  const unseal = sealGlobals(scheduler, watch.blame);
  try {
    store.setFaults(faults.store);
    blobs.setFailing(faults.blobsFail);
    let started = false;
    void store.start().then(() => {
      started = true;
    });
    await scheduler.run(startOfTime + 1_000, () => started);
    const arbiters = plan.nodes.filter(({ arbiter }) => arbiter);
    if (arbiters.length > 0)
      void adopt(
        world,
        arbiters.map(({ nodeId }) => `owner-of-${nodeId}`),
      );
    const services = Object.fromEntries(
      serviceNames.map((name) => [name, createService(world, name, plan.skewMs())]),
    ) as Record<ServiceName, ReturnType<typeof createService>>;
    const nodes = plan.nodes.map((node) => createNode(world, node));
    const all = [...Object.values(services), ...nodes];
    for (const one of all) one.start();
    const clients = openClients(world, plan.skewMs());
    for (const job of plan.jobs)
      scheduler.after(job.submitAfterMs, "a client comes", () => clients.play(job));
    const storm = startStorm(world, { services, nodes });

    let checked = 0;
    const check = async (quiet: boolean): Promise<void> => {
      checked = store.log.length;
      const { violations } = await checkInvariants(store.log, { quiet });
      for (const sentence of violations) watch.blame(sentence);
    };
    /** Every assignment can be made again from what the log says, whatever was killed and delayed. */
    const checkDecisions = () =>
      explainLog(() => store.log, {
        sha256,
        onExplained: ({ task: { jobHash: name, replica, attempt }, outcome, faults: found }) => {
          if (outcome === "matches") return;
          const why = JSON.stringify(found);
          watch.blame(`assignment ${name.slice(0, 8)}/${replica}/${attempt} ${outcome}: ${why}`);
        },
      });
    /** Runs until it is so or time is up, looking at the facts now and then. */
    const runUntil = async (until: Instant, isDone: () => boolean): Promise<boolean> => {
      for (;;) {
        const pausedAt = Math.min(until, scheduler.now() + checkEveryMs);
        await scheduler.run(
          pausedAt,
          () => watch.violations.length > 0 || store.log.length - checked >= checkEveryEvents,
        );
        if (store.log.length - checked >= checkEveryEvents) await check(false);
        if (watch.violations.length > 0) return false;
        if (isDone()) return true;
        if (scheduler.now() >= until - checkEveryMs) return false;
      }
    };

    const isQuiet = (): boolean =>
      clients.busy() === 0 &&
      watch.isRestful() &&
      Object.values(services).every((service) => service.owed() === 0);

    const stormEnd = startOfTime + plan.stormMs;
    await runUntil(stormEnd, () => false);
    let healedAt = scheduler.now();
    if (watch.violations.length === 0) {
      faults = noneAtAll;
      storm.heal();
      store.setFaults(faults.store);
      queue.setFaults(faults.queue);
      blobs.setFailing(0);
      healedAt = scheduler.now();
      calmFrom = healedAt + settleMs;
      const overdue = (): void => {
        if (scheduler.now() > calmFrom) watch.blameOverdue(scheduler.now() - slackMs);
      };
      for (const job of plan.lateJobs)
        scheduler.after(settleMs + quietMs, "a late client comes", () => clients.play(job));
      await runUntil(calmFrom + quietMs - checkEveryMs, () => {
        overdue();
        return false;
      });
      await runUntil(calmFrom + quietMs + checkEveryMs, () => false);
      const came = await runUntil(healedAt + calmMsMax, () => {
        overdue();
        return isQuiet();
      });
      if (watch.violations.length === 0 && !came) await check(false);
      if (watch.violations.length === 0 && !came) {
        const owed = Object.values(services).map(({ name, owed: of }) => `${name} ${of()}`);
        watch.blame(
          `no rest ${calmMsMax} ms after the healing: ${watch.open()} jobs open, ` +
            `${watch.unreleased()} escrows unreleased, ${clients.busy()} clients busy, owed: ${owed}`,
        );
      }
      if (came && plan.nodes.every(({ character }) => character === "honest"))
        for (const { spec } of plan.lateJobs) {
          const end = watch.isOver(jobHash(spec, sha256));
          if (end !== "JobCompleted") watch.blame(`a job of the calm came to ${end}`);
        }
      if (watch.violations.length === 0) await checkDecisions();
      if (came) {
        await runUntil(scheduler.now() + 3_000, () => false);
        if (!isQuiet()) watch.blame("the rest did not last");
      }
    }
    if (watch.violations.length === 0) {
      await check(true);
      watch.conclude();
      let kept: Promise<void> | undefined = store.readAll().then((events) => {
        const same =
          events.length === store.log.length &&
          events.every(({ id, position }, i) => {
            const shown = store.log[i];
            return shown?.id === id && shown.position === position;
          });
        if (!same) watch.blame(`the log shows ${events.length} events, not those that it showed`);
        kept = undefined;
      });
      await scheduler.run(scheduler.now() + 60_000, () => kept === undefined);
    }
    return {
      seed,
      trace: trace.digest(),
      violations: watch.violations,
      lines: trace.lines(),
      steps: scheduler.steps(),
      events: store.log.length,
      jobs: plan.jobs.length + plan.lateJobs.length,
      virtualMs: Math.round(scheduler.now() - startOfTime),
      ends: watch.ends(),
      faults: {
        ...storm.counts(),
        ...queue.faultCounts(),
        ...store.counts(),
        blobFailures: blobs.failures(),
      },
    };
  } finally {
    unseal();
  }
};

/** As an operator does it, again and again until it is heard. */
const adopt = async (world: World, arbiters: readonly string[]): Promise<void> => {
  const life = beginLife(world, "operator", 0);
  const { verification } = policyDefaults;
  const policy = { ...policyDefaults, version: 2, verification: { ...verification, arbiters } };
  const event = { type: "PolicyAdopted", policy, at: life.clock.now() } as const;
  const written = [encode(event, freshIds(world.random).next(), "operator")];
  for (let isWritten = false; !isWritten; )
    try {
      await world.store.link(life).append(policyStream, written, "no-stream");
      isWritten = true;
    } catch (error) {
      if (!isWeather(error)) throw error;
      await pause(life, 500);
    }
};
