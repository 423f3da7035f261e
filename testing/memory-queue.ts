/**
 * The task queue port in memory, for simulations: desks and sources share one broker on a given
 * clock, and faults are drawn from a given chance. No timers but the clock's, no I/O; messages go
 * through the real encoding.
 */
import type { Random } from "../domain/chance.ts";
import type { Millis } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import type { Clock } from "../streams/clock.ts";
import {
  commitSubject,
  controlSubject,
  heartbeatSubject,
  heartbeatSubjects,
  nodeOfSubject,
  resultSubject,
  taskSubject,
  taskSubjects,
} from "../streams/names.ts";
import { drainBytes, readDrain } from "../streams/nats/drain-word.ts";
import { TaskQueueError } from "../streams/nats/errors.ts";
import { readReport } from "../streams/nats/results.ts";
import { isRollCall, rollBytes } from "../streams/nats/roll-word.ts";
import {
  type ControlVerb,
  decodeControl,
  decodeHeartbeat,
  decodeTasks,
  encodeControl,
  encodeHeartbeat,
  encodeReport,
  encodeTasks,
} from "../streams/nats/wire.ts";
import type {
  Consumption,
  Heartbeat,
  Report,
  TaskDesk,
  TaskKey,
  TaskOrder,
  TaskSource,
} from "../streams/task-queue.ts";
import {
  type Broker,
  type FaultCounts,
  type Kept,
  type Line,
  noFaults,
  openBroker,
  type QueueFaults,
  type Taker,
} from "./memory-broker.ts";

export interface MemoryQueueOptions {
  readonly clock: Clock;
  /** Drawn from for faults only. */
  readonly random: Random;
  /** Default: none. */
  readonly faults?: QueueFaults;
  /** Of each hop; with 0 nothing waits for the clock that has no reason to. Default 1 ms. */
  readonly latencyMs?: Millis;
  /** Default 30 s. */
  readonly ackWaitMs?: Millis;
  /** Default 5. */
  readonly maxDeliver?: number;
  readonly onMalformed?: (subject: string, reason: string) => void;
}

export interface MemoryQueue {
  desk(): TaskDesk;
  source(nodeId: NodeId): TaskSource;
  /** A message as a stranger might send it. */
  publishRaw(subject: string, bytes: Uint8Array): void;
  /** Ends a desk or source as a crash would: it says and hears nothing any more. */
  crash(one: TaskDesk | TaskSource): void;
  /** Everything stored is gone, as when JetStream's files were deleted. */
  wipe(): void;
  setFaults(faults: QueueFaults): void;
  faultCounts(): Readonly<FaultCounts>;
}

/** Bundles on their way to one taker at most, as in `streams/nats/`. */
const taskBatchMax = 8;
const resultsHeldMax = 128;
const nakDelayMs = 250;
const nakDelayMaxMs = 30_000;

type Exhausted = (nodeId: NodeId, tasks: readonly TaskOrder[]) => void;

interface Shared {
  readonly broker: Broker;
  readonly results: Line;
  readonly tasks: Map<NodeId, Line>;
  lineOf(nodeId: NodeId): Line;
  readonly onExhausted: Set<Exhausted>;
  readonly onHeartbeat: Set<(subject: string, bytes: Uint8Array) => void>;
  readonly onControl: Set<(subject: string, bytes: Uint8Array) => void>;
  readonly malformed: (subject: string, reason: string) => void;
}

export const memoryQueue = (options: MemoryQueueOptions): MemoryQueue => {
  const { clock, random, faults = noFaults, latencyMs = 1, ackWaitMs = 30_000 } = options;
  const { maxDeliver = 5, onMalformed } = options;
  const line = (deliveriesMax: number): Line => ({
    ackWaitMs: () => ackWaitMs,
    maxDeliver: () => deliveriesMax,
    messages: new Set(),
    takers: [],
    onExhausted: () => {},
    check: undefined,
  });
  const tasks = new Map<NodeId, Line>();
  const results = line(Number.POSITIVE_INFINITY);
  const broker = openBroker({
    clock,
    random,
    faults,
    latencyMs,
    lines: () => [...tasks.values(), results],
  });
  const shared: Shared = {
    broker,
    results,
    tasks,
    lineOf: (nodeId) => {
      let own = tasks.get(nodeId);
      if (!own) {
        own = line(maxDeliver);
        own.onExhausted = () => reportExhausted(shared);
        tasks.set(nodeId, own);
      }
      return own;
    },
    onExhausted: new Set(),
    onHeartbeat: new Set(),
    onControl: new Set(),
    malformed: (subject, reason) => onMalformed?.(subject, reason),
  };
  const crashes = new Map<TaskDesk | TaskSource, () => void>();

  return {
    desk: () => {
      const { desk, crash } = openDesk(shared);
      crashes.set(desk, crash);
      return desk;
    },
    source: (nodeId) => {
      const { source, crash } = openSource(shared, nodeId);
      crashes.set(source, crash);
      return source;
    },
    publishRaw: (subject, bytes) => {
      if (subject.startsWith(heartbeatSubjects.slice(0, -1)))
        for (const hear of shared.onHeartbeat) hear(subject, bytes);
      else if (subject.startsWith("cnct.ctl."))
        for (const hear of shared.onControl) hear(subject, bytes);
      else {
        const forTasks = subject.startsWith(taskSubjects.slice(0, -1));
        const into = forTasks ? shared.lineOf(subject.slice(taskSubjects.length - 1)) : results;
        // A stranger does not wait for the answer.
        broker.publish({ line: into, subject, bytes, id: undefined, lost }).catch(() => undefined);
      }
    },
    crash: (one) => {
      crashes.get(one)?.();
      crashes.delete(one);
    },
    wipe: broker.wipe,
    setFaults: broker.setFaults,
    faultCounts: () => ({ ...broker.counts }),
  };
};

const lost = (): TaskQueueError => new TaskQueueError("timeout", "no answer in time");

/** One desk hears of each; with none there, the bundle waits for the next desk. */
const reportExhausted = ({ broker, tasks, onExhausted, malformed }: Shared): void => {
  const [handle] = onExhausted;
  if (!handle) return;
  for (const [nodeId, line] of tasks)
    for (const message of line.messages) {
      if (message.state !== "exhausted") continue;
      const decoded = decodeTasks(message.bytes);
      broker.remove(line, message);
      if (decoded.ok) handle(nodeId, decoded.value);
      else malformed(message.subject, decoded.reason);
    }
};

/** Bundles in parts, as on the wire; all must have arrived. */
const publishAll = async (
  broker: Broker,
  into: { readonly line: Line; readonly subject: string; readonly scope: string },
  bundles: readonly Uint8Array[],
  messageId: string,
): Promise<void> => {
  const { line, subject, scope } = into;
  const sent = bundles.map((bytes, i) => {
    const id = `${scope} ${i === 0 ? messageId : `${messageId}.${i}`}`;
    return broker.publish({ line, subject, bytes, id, lost });
  });
  for (const outcome of await Promise.allSettled(sent))
    if (outcome.status === "rejected") throw outcome.reason;
};

/** Begins to take from a line. @returns Ends it. */
const take = (broker: Broker, line: Line, taker: Taker): (() => void) => {
  line.takers.push(taker);
  broker.dispatch(line);
  return () => {
    const index = line.takers.indexOf(taker);
    if (index >= 0) line.takers.splice(index, 1);
  };
};

const closedError = (): TaskQueueError => new TaskQueueError("closed", "it was closed");

const openDesk = (shared: Shared): { readonly desk: TaskDesk; readonly crash: () => void } => {
  const { broker, results, tasks, lineOf, malformed } = shared;
  const endings = new Set<() => void>();
  const consumptions = new Set<Consumption>();
  let alive = true;
  const end = (): void => {
    for (const ending of endings) ending();
    endings.clear();
  };

  const consumeResults = (
    handle: (nodeId: NodeId, report: Report) => Promise<void>,
  ): Consumption => {
    const held = new Map<Kept, number>();
    const waiters: (() => void)[] = [];
    let stopped = false;

    const run = async (message: Kept, delivered: number): Promise<void> => {
      const read = readReport(message.subject, message.bytes);
      if (!read.ok) {
        if (message.state === "gone") return;
        broker.remove(results, message);
        malformed(message.subject, read.reason);
        return;
      }
      held.set(message, (held.get(message) ?? 0) + 1);
      const done = await handle(read.value.nodeId, read.value.report).then(
        () => true,
        () => false,
      );
      const left = (held.get(message) ?? 1) - 1;
      if (left > 0) held.set(message, left);
      else held.delete(message);
      if (held.size === 0) for (const resolve of waiters.splice(0)) resolve();
      if (!alive) return;
      broker.hop(() => {
        const delayMs = Math.min(nakDelayMs * 2 ** (delivered - 1), nakDelayMaxMs);
        if (done) broker.remove(results, message);
        else if (message.delivered === delivered) broker.again(results, message, delayMs);
      });
    };

    const leave = take(broker, results, {
      room: () => resultsHeldMax - held.size,
      holds: (message) => alive && held.has(message),
      onTheWay: 0,
      deliver: (message, delivered) => {
        if (!alive) return;
        if (stopped) broker.again(results, message, 0);
        else void run(message, delivered);
      },
    });
    endings.add(leave);
    const consumption: Consumption = {
      stop: async () => {
        stopped = true;
        leave();
        if (held.size > 0) await new Promise<void>((resolve) => waiters.push(resolve));
        consumptions.delete(consumption);
      },
    };
    consumptions.add(consumption);
    return consumption;
  };

  const tell = (nodeId: NodeId, verb: ControlVerb, tasks: readonly TaskKey[]): void => {
    if (!alive) return;
    for (const bytes of encodeControl(verb, tasks))
      broker.hop(() => {
        for (const hear of shared.onControl) hear(controlSubject(nodeId, verb), bytes);
      });
  };

  const desk: TaskDesk = {
    ensure: async (nodeIds) => {
      if (!alive) throw closedError();
      for (const nodeId of nodeIds) lineOf(nodeId);
    },
    publishTasks: async (nodeId, orders, messageId) => {
      if (!alive) throw closedError();
      const into = { line: lineOf(nodeId), subject: taskSubject(nodeId), scope: "tasks" };
      await publishAll(broker, into, encodeTasks(orders), messageId);
    },
    consumeResults,
    requestReveals: (nodeId, tasks) => tell(nodeId, "reveal", tasks),
    requestStops: (nodeId, tasks) => tell(nodeId, "stop", tasks),
    callRoll: (nodeIds) => {
      if (!alive) return;
      for (const nodeId of nodeIds)
        broker.hop(() => {
          for (const hear of shared.onControl) hear(controlSubject(nodeId, "beat"), rollBytes());
        });
    },
    tellDrain: (nodeId, drains) => {
      if (!alive) return;
      broker.hop(() => {
        for (const hear of shared.onControl)
          hear(controlSubject(nodeId, "drain"), drainBytes(drains));
      });
    },
    onExhausted: (handle) => {
      shared.onExhausted.add(handle);
      endings.add(() => shared.onExhausted.delete(handle));
      reportExhausted(shared);
    },
    onHeartbeat: (handle) => {
      const hear = (subject: string, bytes: Uint8Array): void => {
        const nodeId = nodeOfSubject(subject, heartbeatSubjects);
        const heartbeat = decodeHeartbeat(bytes);
        if (nodeId === undefined) malformed(subject, "wrong subject");
        else if (heartbeat.ok) handle(nodeId, heartbeat.value);
        else malformed(subject, heartbeat.reason);
      };
      shared.onHeartbeat.add(hear);
      endings.add(() => shared.onHeartbeat.delete(hear));
    },
    waiting: async () => {
      const counts = [...tasks].map(([nodeId, { messages }]) => [nodeId, messages.size] as const);
      return new Map(counts.filter(([, count]) => count > 0));
    },
    resultsWaiting: async () =>
      [...results.messages].filter(({ state }) => state === "waiting").length,
    close: async () => {
      await Promise.all([...consumptions].map((consumption) => consumption.stop()));
      alive = false;
      end();
    },
  };
  const crash = (): void => {
    alive = false;
    end();
  };
  return { desk, crash };
};

const openSource = (
  { broker, lineOf, results, onHeartbeat, onControl, malformed }: Shared,
  nodeId: NodeId,
): { readonly source: TaskSource; readonly crash: () => void } => {
  const line = lineOf(nodeId);
  const endings = new Set<() => void>();
  let alive = true;
  const end = (): void => {
    alive = false;
    for (const ending of endings) ending();
    endings.clear();
  };

  const onTold = (verb: ControlVerb, handle: (tasks: readonly TaskKey[]) => void): void => {
    const hear = (subject: string, bytes: Uint8Array): void => {
      if (subject !== controlSubject(nodeId, verb)) return;
      const decoded = decodeControl(verb, bytes);
      if (decoded.ok) handle(decoded.value);
      else malformed(subject, decoded.reason);
    };
    onControl.add(hear);
    endings.add(() => onControl.delete(hear));
  };

  const source: TaskSource = {
    consumeTasks: (wanted, handle) => {
      let bundleSize = 1;
      let stopped = false;
      const deliver = (message: Kept, delivered: number): void => {
        if (!alive) return;
        if (stopped) {
          broker.again(line, message, 0);
          return;
        }
        const decoded = decodeTasks(message.bytes);
        if (!decoded.ok) {
          if (message.state === "gone") return;
          broker.remove(line, message);
          malformed(message.subject, decoded.reason);
          return;
        }
        bundleSize = decoded.value.length;
        const say = (run: () => void): void => {
          if (alive) broker.hop(run);
        };
        handle({
          tasks: decoded.value,
          delivered,
          working: () => say(() => broker.extend(line, message)),
          ack: () => say(() => broker.remove(line, message)),
          nak: (delayMs) =>
            say(() => {
              if (message.delivered === delivered) broker.again(line, message, delayMs);
            }),
        });
      };
      const leave = take(broker, line, {
        room: () => Math.min(taskBatchMax, Math.ceil(wanted() / bundleSize)),
        holds: () => false,
        onTheWay: 0,
        deliver,
      });
      endings.add(leave);
      return {
        stop: async () => {
          stopped = true;
          leave();
        },
      };
    },
    publishResults: async (report, messageId) => {
      if (!alive) throw closedError();
      for (const { kind, bundles } of encodeReport(report)) {
        const subject = kind === "commit" ? commitSubject(nodeId) : resultSubject(nodeId);
        const into = { line: results, subject, scope: `results-${kind}` };
        await publishAll(broker, into, bundles, messageId);
      }
    },
    onReveal: (handle) => onTold("reveal", handle),
    onStop: (handle) => onTold("stop", handle),
    onRollCall: (handle) => {
      const hear = (subject: string, bytes: Uint8Array): void => {
        if (subject !== controlSubject(nodeId, "beat")) return;
        if (isRollCall(bytes)) handle();
        else malformed(subject, "no roll call");
      };
      onControl.add(hear);
      endings.add(() => onControl.delete(hear));
    },
    onDrain: (handle) => {
      const hear = (subject: string, bytes: Uint8Array): void => {
        if (subject !== controlSubject(nodeId, "drain")) return;
        const drains = readDrain(bytes);
        if (drains === undefined) malformed(subject, "neither drain nor resume");
        else handle(drains);
      };
      onControl.add(hear);
      endings.add(() => onControl.delete(hear));
    },
    heartbeat: (heartbeat: Heartbeat) => {
      if (!alive) return;
      const bytes = encodeHeartbeat(heartbeat);
      broker.hop(() => {
        for (const hear of onHeartbeat) hear(heartbeatSubject(nodeId), bytes);
      });
    },
    close: async () => end(),
  };
  return { source, crash: end };
};
