/**
 * The prober's head: which node is to be tested next, and what its answers say. No I/O, no clock, no
 * chance of its own; `run-prober.ts` carries out what it says.
 *
 * A round is two known-answer tasks for one runtime of a node, one after the other: a trivial one,
 * then one of known work. They are jobs like any other, of a client of their own, and nothing in the
 * log tells them from other jobs before the round is over (`docs/verification.md` says what could).
 * So what is under way is known to this process alone: a round that a restart ends says nothing.
 *
 *     waiting --due, node idle--> trivial --right--> benchmark --right--> measured
 *                                    '-----------------+----> wrong, or nothing (failed, late, gone)
 */
import type { Random } from "../../domain/chance.ts";
import type { Instant, Millis } from "../../domain/decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent, ResultReceived } from "../../domain/job/events.ts";
import type { Capabilities, KnownAnswer, Measurement, NodeEvent } from "../../domain/node/node.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import { measuredApp, type ProbeSize } from "../../domain/probe/task.ts";
import { createAlarms } from "../alarms.ts";
import type { Fact } from "../facts.ts";

/** Rounds that are under way at most: the coordinator computes every answer too. */
const roundsMax = 4;
/** A task that was not answered by then is called off. */
const patienceMs: Millis = 180_000;
/** Between the rounds of a new runtime, drawn anew each time. */
const joinPauseMs: Millis = 4_000;
/** After rounds that came to nothing: doubled with each, up to the mean interval of the policy. */
const retryMs: Millis = 30_000;
const hourMs: Millis = 3_600_000;

/** A task that is to be given to a node. */
export interface Wish {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  readonly size: ProbeSize;
  /** Who paid for the task before it; undefined for the first of a round, which has one of its own. */
  readonly client: AccountId | undefined;
}

/** A task that was made for a wish. */
export interface Probe {
  readonly jobHash: JobHash;
  readonly client: AccountId;
  readonly seed: string;
  readonly instructions: number;
  /** Of the right output. */
  readonly outputDigest: Digest;
}

export type Finding =
  | { readonly kind: "measured"; readonly nodeId: NodeId; readonly measurement: Measurement }
  | {
      readonly kind: "wrong";
      readonly nodeId: NodeId;
      readonly jobHash: JobHash;
      readonly replica: number;
      readonly known: KnownAnswer;
    };

export interface Prober {
  hear(fact: Pick<Fact, "event">): void;
  /**
   * The task that is to be made now, if one is; its round is under way from then on.
   *
   * @param isIdle - Whether the node is heard and has nothing to do, so that its time is its own.
   */
  next(now: Instant, random: Random, isIdle: (nodeId: NodeId) => boolean): Wish | undefined;
  /**
   * The task was made, and its job is about to be submitted.
   *
   * @returns False if the node does not offer it any more: nothing is to be submitted.
   */
  begin(wish: Wish, probe: Probe, now: Instant): boolean;
  /** The task could not be made or submitted. */
  giveUp(wish: Wish): void;
  /** Whether the job is a test whose right answer has not been seen: nobody may judge it yet. */
  withholds(jobHash: JobHash): boolean;
  /** Jobs that are to be called off, with who pays for them. */
  overdue(now: Instant): readonly Pick<Probe, "jobHash" | "client">[];
  /** What was found since the last call. */
  takeFindings(): readonly Finding[];
  /** Rounds that are under way. */
  readonly size: number;
}

interface Runtime {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  /** Times that it was measured. */
  samples: number;
  /** Rounds in a row that came to nothing. */
  vain: number;
  round: Round | undefined;
  /** It is not offered any more, or its node may not work. */
  gone: boolean;
}

interface Round {
  client: AccountId | undefined;
  /** What the trivial task showed, once it is answered. */
  trivial: Measurement["trivial"] | undefined;
  step:
    | { readonly kind: "making" }
    | {
        readonly kind: "asked";
        readonly probe: Probe;
        readonly since: Instant;
        /** The node failed at it, or was late: its answer, if any is to come, says nothing of its speed. */
        readonly failed: boolean;
      }
    /** The trivial task is answered, and the node is to be idle again. */
    | { readonly kind: "resting"; readonly since: Instant };
}

const sizeOf = ({ trivial }: Round): ProbeSize => (trivial ? "benchmark" : "trivial");

const nameOf = (nodeId: NodeId, executionClass: string): string => `${nodeId} ${executionClass}`;

export const createProber = ({ policy }: { readonly policy: () => Policy }): Prober => {
  const runtimes = new Map<string, Runtime>();
  /** By node, the names of its runtimes. */
  const ofNode = new Map<NodeId, Set<string>>();
  const owners = new Map<NodeId, string>();
  const alarms = createAlarms();
  /** Due and not begun. */
  const ready = new Set<string>();
  /** Whose next round is to be drawn. */
  const undrawn = new Set<string>();
  /** Every task that is not settled, by its job. */
  const probes = new Map<JobHash, { readonly runtime: Runtime; readonly round: Round }>();
  /** Tests that were answered wrongly: nobody ever judges them. */
  const wrong = new Set<JobHash>();
  const underWay = new Set<Runtime>();
  /** The rounds of the last hour, oldest first, and how many of them each node had. */
  const begun: { readonly at: Instant; readonly nodeId: NodeId }[] = [];
  const roundsOf = new Map<NodeId, number>();
  let findings: Finding[] = [];

  const offer = (nodeId: NodeId, { apps }: Capabilities): void => {
    const names = new Set(
      apps
        .filter(({ app }) => app === measuredApp)
        .map((one) => nameOf(nodeId, one.executionClass)),
    );
    for (const name of ofNode.get(nodeId) ?? []) if (!names.has(name)) remove(name);
    for (const { app, executionClass } of apps) {
      const name = nameOf(nodeId, executionClass);
      if (app !== measuredApp || runtimes.has(name)) continue;
      const fresh = { samples: 0, vain: 0, round: undefined, gone: false };
      runtimes.set(name, { nodeId, executionClass, ...fresh });
      undrawn.add(name);
    }
    ofNode.set(nodeId, names);
  };

  const remove = (name: string): void => {
    const runtime = runtimes.get(name);
    if (!runtime) return;
    runtime.gone = true;
    runtimes.delete(name);
    ready.delete(name);
    undrawn.delete(name);
  };

  const endRound = (runtime: Runtime, { inVain }: { readonly inVain: boolean }): void => {
    runtime.round = undefined;
    underWay.delete(runtime);
    runtime.vain = inVain ? runtime.vain + 1 : 0;
    const name = nameOf(runtime.nodeId, runtime.executionClass);
    if (!runtime.gone) undrawn.add(name);
  };

  /** The one whose round it is; a node that declared itself anew meanwhile has another of that name. */
  const runtimeOf = ({ nodeId, executionClass }: Wish): Runtime | undefined => {
    for (const runtime of underWay)
      if (runtime.nodeId === nodeId && runtime.executionClass === executionClass) return runtime;
    return undefined;
  };

  const drawDue = (now: Instant, random: Random): void => {
    const { joinSamples, meanIntervalMs } = policy().probing;
    for (const name of undrawn) {
      const runtime = runtimes.get(name);
      if (!runtime) continue;
      const { samples, vain } = runtime;
      // Without memory, so that nobody can tell the time of the next from that of the last.
      const later = -Math.log(1 - random()) * meanIntervalMs;
      const soon = random() * joinPauseMs;
      const again = Math.min(retryMs * 2 ** (vain - 1), meanIntervalMs) * (0.5 + random());
      const wait = vain > 0 ? again : samples < joinSamples ? soon : later;
      alarms.add(now + wait, name);
    }
    undrawn.clear();
  };

  const mayBegin = (now: Instant): boolean => {
    while ((begun[0]?.at ?? now) <= now - hourMs) {
      const { nodeId } = begun.shift() as (typeof begun)[number];
      const left = (roundsOf.get(nodeId) ?? 1) - 1;
      if (left > 0) roundsOf.set(nodeId, left);
      else roundsOf.delete(nodeId);
    }
    return begun.length < policy().probing.perHour && underWay.size < roundsMax;
  };

  /** A node that declares one new runtime after the other must not use up the rounds of all. */
  const mayHaveMore = (nodeId: NodeId): boolean => {
    const { joinSamples, meanIntervalMs } = policy().probing;
    const most = Math.max(1, 2 * joinSamples + 4 * (hourMs / meanIntervalMs));
    return (roundsOf.get(nodeId) ?? 0) < most;
  };

  const hearResult = (event: ResultReceived): void => {
    const { runtime, round } = probes.get(event.jobHash) ?? {};
    if (!runtime || round?.step.kind !== "asked") return;
    const { probe, failed } = round.step;
    const { jobHash, nodeId, replica, at, turnaroundMs } = event;
    probes.delete(jobHash);
    if (event.outputDigest !== probe.outputDigest) {
      const { seed, outputDigest } = probe;
      const known: KnownAnswer = { seed, size: sizeOf(round), outputDigest };
      wrong.add(jobHash);
      findings.push({ kind: "wrong", nodeId, jobHash, replica, known });
      endRound(runtime, { inVain: true });
      return;
    }
    if (failed || nodeId !== runtime.nodeId || turnaroundMs === undefined) {
      endRound(runtime, { inVain: true });
      return;
    }
    const opened = { jobHash, seed: probe.seed, millis: turnaroundMs };
    const { trivial } = round;
    if (!trivial) {
      round.trivial = opened;
      round.step = { kind: "resting", since: at };
      return;
    }
    const { executionClass } = runtime;
    const benchmark = { ...opened, instructions: probe.instructions };
    const measurement = { app: measuredApp, executionClass, trivial, benchmark };
    findings.push({ kind: "measured", nodeId, measurement });
    runtime.samples++;
    endRound(runtime, { inVain: false });
  };

  const hearJob = (event: JobEvent): void => {
    switch (event.type) {
      case "ResultReceived":
        hearResult(event);
        return;
      case "TaskFailed":
      case "TaskExpired": {
        // Says nothing about its answers. Another try would be told from the first by its number.
        const round = probes.get(event.jobHash)?.round;
        if (round?.step.kind === "asked") round.step = { ...round.step, failed: true };
        return;
      }
      case "JobFailed":
      case "JobRejected":
      case "JobCancelled":
      case "JobCompleted": {
        wrong.delete(event.jobHash);
        const found = probes.get(event.jobHash);
        if (!found) return;
        probes.delete(event.jobHash);
        endRound(found.runtime, { inVain: true });
        return;
      }
      default:
        return;
    }
  };

  const hearNode = (event: NodeEvent): void => {
    const { nodeId } = event;
    switch (event.type) {
      case "NodeRegistered":
        owners.set(nodeId, event.owner);
        offer(nodeId, event.capabilities);
        return;
      case "NodeCapabilitiesChanged":
        offer(nodeId, event.capabilities);
        return;
      case "NodeMeasured": {
        const runtime = runtimes.get(nameOf(nodeId, event.executionClass));
        if (runtime) runtime.samples = event.samples;
        return;
      }
      case "NodeConvicted":
        // Also after a restart: what is proven wrong must not be paid.
        if (event.known) wrong.add(event.jobHash);
        for (const name of ofNode.get(nodeId) ?? []) remove(name);
        ofNode.delete(nodeId);
        return;
      case "NodeSuspended":
      case "NodeResumed":
        return; // It is not idle while it is suspended.
    }
  };

  return {
    hear: ({ event }) => {
      if (event.type.startsWith("Node")) hearNode(event as NodeEvent);
      else if ("jobHash" in event && probes.size + wrong.size > 0) hearJob(event as JobEvent);
    },

    next: (now, random, isIdle) => {
      if (policy().probing.perHour === 0) return undefined;
      drawDue(now, random);
      for (const name of alarms.due(now)) if (runtimes.has(name)) ready.add(name);
      for (const { nodeId, executionClass, round } of underWay) {
        if (round?.step.kind !== "resting" || !isIdle(nodeId)) continue;
        round.step = { kind: "making" };
        return { nodeId, executionClass, size: "benchmark", client: round.client };
      }
      if (!mayBegin(now)) return undefined;
      const { arbiters } = policy().verification;
      for (const name of ready) {
        const runtime = runtimes.get(name);
        if (!runtime || runtime.round) {
          ready.delete(name);
          continue;
        }
        const { nodeId, executionClass } = runtime;
        if (arbiters.includes(owners.get(nodeId) ?? "") || !isIdle(nodeId)) continue;
        if (!mayHaveMore(nodeId)) continue;
        ready.delete(name);
        begun.push({ at: now, nodeId });
        roundsOf.set(nodeId, (roundsOf.get(nodeId) ?? 0) + 1);
        runtime.round = { client: undefined, trivial: undefined, step: { kind: "making" } };
        underWay.add(runtime);
        return { nodeId, executionClass, size: "trivial", client: undefined };
      }
      return undefined;
    },

    begin: (wish, probe, now) => {
      const runtime = runtimeOf(wish);
      const round = runtime?.round;
      if (!runtime || !round) return false;
      if (runtime.gone) {
        endRound(runtime, { inVain: true });
        return false;
      }
      round.client = probe.client;
      round.step = { kind: "asked", probe, since: now, failed: false };
      probes.set(probe.jobHash, { runtime, round });
      return true;
    },

    giveUp: (wish) => {
      const runtime = runtimeOf(wish);
      if (!runtime) return;
      // If it was submitted after all, it is judged like any other job: who waits for it is gone.
      const { step } = runtime.round ?? {};
      if (step?.kind === "asked") probes.delete(step.probe.jobHash);
      endRound(runtime, { inVain: true });
    },

    withholds: (jobHash) => probes.has(jobHash) || wrong.has(jobHash),

    overdue: (now) => {
      const late: Pick<Probe, "jobHash" | "client">[] = [];
      for (const { runtime, round } of probes.values()) {
        if (round.step.kind !== "asked") continue;
        const { probe, since, failed } = round.step;
        if (failed || runtime.gone || since + patienceMs <= now)
          late.push({ jobHash: probe.jobHash, client: probe.client });
      }
      for (const runtime of underWay) {
        const { step } = runtime.round ?? {};
        if (step?.kind !== "resting") continue;
        if (runtime.gone || step.since + patienceMs <= now) endRound(runtime, { inVain: true });
      }
      return late;
    },

    takeFindings: () => {
      const taken = findings;
      findings = [];
      return taken;
    },

    get size() {
      return underWay.size;
    },
  };
};
