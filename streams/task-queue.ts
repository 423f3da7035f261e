/**
 * The task queue port: how work travels to nodes and results come back. `nats/` implements it on
 * JetStream. Delivery is at least once, in any order; nothing here is ever believed: a message is a
 * request to decide. Messages are bundles, since one message per task costs more than the task's
 * bookkeeping.
 */
import type { Instant, Millis } from "../domain/decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../domain/ids.ts";
import type { BlobRef, JobSpec } from "../domain/job/spec.ts";
import type { Wrap } from "../domain/job/wraps.ts";
import type { SignedBundle } from "../domain/receipts/bundle.ts";
import type { Statement } from "../domain/receipts/statement.ts";

/** What a node needs to compute a task. */
export interface TaskOrder {
  readonly jobHash: JobHash;
  readonly replica: number;
  readonly attempt: number;
  readonly app: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, BlobRef>>;
  readonly executionClass: string;
  readonly wallMs: Millis;
  readonly expiresAt: Instant;
  /** The node is to bind itself to its result, and to show it only when it is asked to. */
  readonly commit?: true;
  /** Of a sealed job. */
  readonly sealed?: SealedOrder;
  /** Who pays, in the order of an open job where a node keeps apart what clients send (`ProcessUse` of the catalogue). */
  readonly client?: AccountId;
}

/** What a node needs to open the inputs, and to know that they are those of this very job. */
export interface SealedOrder {
  /** With the fields of the order it is the whole spec, from which the job hash follows. */
  readonly spec: Omit<JobSpec, "app" | "params" | "inputs" | "wallMs">;
  /** The content key, for a key of the node's owner. */
  readonly wrap: Wrap;
}

/** Names a task. */
export interface TaskKey {
  readonly jobHash: JobHash;
  readonly replica: number;
  readonly attempt: number;
}

/** What a node states about a task. Digests only, never the payload. */
export type ResultStatement = TaskKey &
  (
    | {
        readonly outcome: "done";
        readonly executionClass: string;
        readonly outputDigest: Digest;
        readonly outputSize: number;
        readonly elapsedMs: number;
        /** There where it opens a commit, and for each sealed job. */
        readonly resultTag?: Digest;
        readonly salt?: string;
      }
    /** It has a result that it will show when it is asked to. */
    | { readonly outcome: "committed"; readonly commit: Digest }
    | {
        readonly outcome: "failed";
        readonly code: string;
        /** For people: one sentence, without any of the input. At most 300 characters. */
        readonly message: string;
        readonly retryable: boolean;
      }
  );

/**
 * What a node says in one message: statements in its own name, or signed once for all by the identity
 * that owns it. Commits travel apart from results and failures, on a subject of their own.
 */
export type Report = readonly ResultStatement[] | SignedBundle;

/** What is stated, whoever signed. */
export const statementsOf = (report: Report): readonly (ResultStatement | Statement)[] =>
  "bundle" in report ? report.statements : report;

export interface Heartbeat {
  /** Drawn at each start of the worker: a new one says that what it held in memory is gone. */
  readonly instance: string;
  /** Tasks that run or wait on the node now. */
  readonly held: number;
  /** True when the node wants no new tasks and finishes those that it has. */
  readonly draining: boolean;
  /** When it will stop: it is given no task that may last until then. */
  readonly drainAt?: Instant;
}

/** How often a node that holds tasks says that it lives: silence is soon noticed where there is something to rescue. */
export const busyBeatMs: Millis = 2_000;
/** How often one that holds none says so, unless it is asked: a thousand of them must cost next to nothing. */
export const idleBeatMs: Millis = 15_000;

export interface Consumption {
  /** Stops pulling; resolves when no handler runs any more. */
  stop(): Promise<void>;
}

/** The services' side. */
export interface TaskDesk {
  /** Makes streams and the consumers of these nodes exist; safe to say at any time. */
  ensure(nodeIds: Iterable<NodeId>): Promise<void>;
  /**
   * Sends a bundle to a node; resolves when the queue has it.
   * @param messageId - Of equal ids within two minutes only the first is kept.
   * @throws When the queue does not answer; it may still have it.
   */
  publishTasks(nodeId: NodeId, tasks: readonly TaskOrder[], messageId: string): Promise<void>;
  /**
   * Hears reports. The bundle is acknowledged when the handler's promise resolves, and
   * comes again when it rejects. `nodeId` is the one of the subject.
   */
  consumeResults(handle: (nodeId: NodeId, report: Report) => Promise<void>): Consumption;
  /**
   * Asks a node to show results that it is bound to. Nothing keeps the request: whoever does not
   * listen now has not heard it.
   */
  requestReveals(nodeId: NodeId, tasks: readonly TaskKey[]): void;
  /** Tells a node of tasks that nobody needs any more. Kept by nothing: who misses it computes in vain. */
  requestStops(nodeId: NodeId, tasks: readonly TaskKey[]): void;
  /** Asks these nodes whether they live: each that hears it beats at once. Nothing keeps the request. */
  callRoll(nodeIds: Iterable<NodeId>): void;
  /** Tells a node to stop taking tasks, or to go on. Nothing keeps it. */
  tellDrain(nodeId: NodeId, drains: boolean): void;
  /** Hears of bundles that a node was given too often without ever finishing; they are removed. */
  onExhausted(handle: (nodeId: NodeId, tasks: readonly TaskOrder[]) => void): void;
  onHeartbeat(handle: (nodeId: NodeId, heartbeat: Heartbeat) => void): void;
  /** Bundles that wait for each node or are with it; nodes with none may be missing. */
  waiting(): Promise<ReadonlyMap<NodeId, number>>;
  /** Bundles of results that nobody has taken up yet. */
  resultsWaiting(): Promise<number>;
  close(): Promise<void>;
}

/** One delivered bundle, as the worker sees it. */
export interface TaskDelivery {
  readonly tasks: readonly TaskOrder[];
  /** 1 at first; higher when the bundle came again. */
  readonly delivered: number;
  /** Says that the work goes on, which postpones the next delivery. */
  working(): void;
  /** The bundle is done with. Nobody confirms that; a word that is lost means that it comes again. */
  ack(): void;
  /** Deliver again, not before `delayMs`. */
  nak(delayMs: Millis): void;
}

/** The worker's side: one node's own subjects and nothing else. */
export interface TaskSource {
  /** Pulls bundles as long as `wanted()` is above 0, that many tasks or a few more. */
  consumeTasks(wanted: () => number, handle: (delivery: TaskDelivery) => void): Consumption;
  /**
   * Resolves when the queue has the report.
   * @throws As `publishTasks`; `too-large` also if a signed bundle is above `resultBytesMax`.
   */
  publishResults(report: Report, messageId: string): Promise<void>;
  /** Hears which results are to be shown; the same may be asked again and again. */
  onReveal(handle: (tasks: readonly TaskKey[]) => void): void;
  /** Hears which tasks nobody needs any more. */
  onStop(handle: (tasks: readonly TaskKey[]) => void): void;
  heartbeat(heartbeat: Heartbeat): void;
  /** Hears that a heartbeat is wanted now: the desk asks, or the queue was lost and is found again. */
  onRollCall(handle: () => void): void;
  /** Hears whether the node's owner wants it to take no tasks. */
  onDrain(handle: (drains: boolean) => void): void;
  close(): Promise<void>;
}

/** Statements that fit in one signed message, whatever they say. */
export const signedStatementsMax = 80;
/** Tasks in one message at most, so that it stays below the server's 1 MiB. */
export const bundleTasksMax = 200;
export const bundleBytesMax = 512 * 1024;
