/** The services' side of the queue on JetStream: it makes everything, gives out work, hears results. */

import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import { type Clock, sleep, wallClock } from "../clock.ts";
import {
  controlSubject,
  heartbeatSubjects,
  nodeOfSubject,
  resultsConsumer,
  resultsStream,
  taskSubject,
  taskSubjects,
  tasksStream,
} from "../names.ts";
import type { Consumption, Heartbeat, TaskDesk, TaskKey } from "../task-queue.ts";
import { connectNats, defaultUrl, type NatsLink } from "./connection.ts";
import { drainBytes } from "./drain-word.ts";
import { TaskQueueError } from "./errors.ts";
import { type Layout, openLayout } from "./layout.ts";
import { publishBundles, queueErrorOf } from "./publish.ts";
import { consumeResults } from "./results.ts";
import { rollBytes } from "./roll-word.ts";
import { openSweep } from "./sweep.ts";
import { type ControlVerb, decodeHeartbeat, encodeControl, encodeTasks } from "./wire.ts";

export interface TaskDeskOptions {
  /** A link of the caller's own; closed with the desk. */
  readonly link?: NatsLink;
  /** Where to connect when no link is given. */
  readonly url?: string;
  readonly clock?: Clock;
  /** After so long without a word from the node, a bundle is delivered again. Default 30 s. */
  readonly ackWaitMs?: Millis;
  /** How often a bundle of tasks is delivered before it counts as exhausted. Default 5. */
  readonly maxDeliver?: number;
  /** How often to look for exhausted bundles of which nobody heard. Default 30 s. */
  readonly sweepMs?: Millis;
  /** Room for each of the two streams. Default 1 GiB. */
  readonly streamBytesMax?: number;
  /** Hears of messages that could not be understood; they are removed. */
  readonly onMalformed?: (subject: string, reason: string) => void;
  /** Hears when the queue is lost and found. */
  readonly onConnected?: (connected: boolean) => void;
  /** Hears of work in the background that failed and will be tried again. */
  readonly onTrouble?: (error: TaskQueueError) => void;
  readonly firstConnectMs?: Millis;
}

const publishTimeoutMs = 5_000;
/** How long to go on when streams vanished or an answer is late. */
const publishForMs = 10_000;
const retryFirstMs = 10;
const retryMaxMs = 500;

/** @throws {TaskQueueError} `unavailable` or `denied`. */
export const openTaskDesk = async (options: TaskDeskOptions): Promise<TaskDesk> => {
  const { url, clock = wallClock, ackWaitMs = 30_000, maxDeliver = 5, firstConnectMs } = options;
  const link =
    options.link ??
    (await connectNats({
      url: url ?? defaultUrl,
      name: "task desk",
      clock,
      ...(firstConnectMs === undefined ? {} : { firstConnectMs }),
    }));
  try {
    const layout = await openLayout({
      connection: link.connection,
      ackWaitMs,
      maxDeliver,
      ...(options.streamBytesMax === undefined ? {} : { streamBytesMax: options.streamBytesMax }),
    });
    await layout.ensure([]);
    return deskOf(link, layout, { ...options, clock, ackWaitMs, maxDeliver });
  } catch (error) {
    await link.close();
    throw error;
  }
};

type Settings = TaskDeskOptions & {
  readonly clock: Clock;
  readonly ackWaitMs: Millis;
  readonly maxDeliver: number;
};

const deskOf = (link: NatsLink, layout: Layout, options: Settings): TaskDesk => {
  const { connection } = link;
  const { clock, ackWaitMs, onTrouble } = options;
  const consumptions = new Set<Consumption>();
  const malformed = (subject: string, reason: string): void =>
    options.onMalformed?.(subject, reason);
  const onHeartbeat: ((nodeId: NodeId, heartbeat: Heartbeat) => void)[] = [];
  let repairing = false;
  let closed = false;

  /** Everything may be gone: makes it again for every node that was ever asked for. */
  const repair = async (): Promise<void> => {
    if (repairing || closed) return;
    repairing = true;
    layout.forget();
    try {
      await layout.ensure(layout.nodes);
    } catch (error) {
      if (closed) return;
      onTrouble?.(queueErrorOf(error, "make streams and consumers again"));
      clock.after(500, () => void repair());
    } finally {
      repairing = false;
    }
  };
  const listenToHeartbeats = (): void => {
    connection.subscribe(heartbeatSubjects, {
      callback: (error, msg) => {
        if (error) return;
        const nodeId = nodeOfSubject(msg.subject, heartbeatSubjects);
        const heartbeat = decodeHeartbeat(msg.data);
        if (nodeId === undefined) malformed(msg.subject, "wrong subject");
        else if (!heartbeat.ok) malformed(msg.subject, heartbeat.reason);
        else for (const handle of onHeartbeat) handle(nodeId, heartbeat.value);
      },
    });
  };
  const sweep = openSweep({
    link,
    layout,
    clock,
    periodMs: options.sweepMs ?? 30_000,
    malformed,
    onTrouble,
    onMissing: () => void repair(),
  });
  link.listen({
    onDisconnect: () => options.onConnected?.(false),
    onReconnect: () => {
      void repair();
      options.onConnected?.(true);
    },
  });

  const tell = (nodeId: NodeId, verb: ControlVerb, tasks: readonly TaskKey[]): void => {
    if (connection.isClosed()) return;
    for (const bytes of encodeControl(verb, tasks))
      connection.publish(controlSubject(nodeId, verb), bytes);
  };

  return {
    ensure: (nodeIds) => layout.ensure(nodeIds),

    publishTasks: async (nodeId, tasks, messageId) => {
      const bundles = encodeTasks(tasks);
      if (bundles.length === 0) return;
      const subject = taskSubject(nodeId);
      const timeoutMs = publishTimeoutMs;
      const until = clock.now() + publishForMs;
      for (let delayMs = retryFirstMs; ; delayMs = Math.min(2 * delayMs, retryMaxMs))
        try {
          if (closed) throw new TaskQueueError("closed", "the task desk is closed");
          await layout.ensure([nodeId]);
          await publishBundles({ link, subject, bundles, messageId, timeoutMs });
          return;
        } catch (error) {
          const { code } = queueErrorOf(error, "publish tasks");
          if (code !== "unavailable" && code !== "timeout") throw error;
          if (clock.now() + delayMs >= until) throw error;
          layout.forget();
          await sleep(clock, delayMs);
        }
    },

    consumeResults: (handle) => {
      const consumption = consumeResults({
        link,
        clock,
        ackWaitMs,
        handle,
        malformed,
        onMissing: () => void repair(),
      });
      consumptions.add(consumption);
      return {
        stop: async () => {
          consumptions.delete(consumption);
          await consumption.stop();
        },
      };
    },

    requestReveals: (nodeId, tasks) => tell(nodeId, "reveal", tasks),
    requestStops: (nodeId, tasks) => tell(nodeId, "stop", tasks),

    callRoll: (nodeIds) => {
      if (connection.isClosed()) return;
      for (const nodeId of nodeIds) connection.publish(controlSubject(nodeId, "beat"), rollBytes());
    },

    tellDrain: (nodeId, drains) => {
      if (connection.isClosed()) return;
      connection.publish(controlSubject(nodeId, "drain"), drainBytes(drains));
    },

    onExhausted: (handle) => sweep.onExhausted(handle),

    onHeartbeat: (handle) => {
      onHeartbeat.push(handle);
      // Each subscription costs the server one more delivery of every heartbeat.
      if (onHeartbeat.length === 1) listenToHeartbeats();
    },

    waiting: async () => {
      try {
        const { state } = await layout.jsm.streams.info(tasksStream, {
          subjects_filter: taskSubjects,
        });
        const waiting = new Map<NodeId, number>();
        for (const [subject, count] of Object.entries(state.subjects ?? {})) {
          const nodeId = nodeOfSubject(subject, taskSubjects);
          if (nodeId !== undefined) waiting.set(nodeId, count);
        }
        return waiting;
      } catch (error) {
        throw queueErrorOf(error, "read how many tasks wait");
      }
    },

    resultsWaiting: async () => {
      try {
        const info = await layout.jsm.consumers.info(resultsStream, resultsConsumer);
        return info.num_pending;
      } catch (error) {
        throw queueErrorOf(error, "read how many results wait");
      }
    },

    close: async () => {
      if (closed) return;
      closed = true;
      sweep.stop();
      await Promise.all([...consumptions].map((consumption) => consumption.stop()));
      await link.close();
    },
  };
};
