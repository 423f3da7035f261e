/** The task queue as one process of a simulation sees it: traced, cut off at will, dead with it. */
import type { NodeId } from "../../domain/ids.ts";
import { TaskQueueError } from "../../streams/nats/errors.ts";
import {
  type Report,
  statementsOf,
  type TaskDesk,
  type TaskKey,
  type TaskOrder,
  type TaskSource,
} from "../../streams/task-queue.ts";
import type { MemoryQueue } from "../memory-queue.ts";
import type { Life } from "./life.ts";

/** How a node stands to the network. */
export interface NodeLine {
  /** Nothing goes in or out. */
  cut: boolean;
  /** Its heartbeats are lost. */
  mute: boolean;
}

export interface QueueLinkOptions {
  readonly queue: MemoryQueue;
  readonly life: Life;
  readonly say: (line: string) => void;
}

const timeoutMs = 5_000;

export const nameOf = ({ jobHash, replica, attempt }: TaskKey): string =>
  `${jobHash.slice(0, 8)}/${replica}/${attempt}`;

const tasksIn = (tasks: readonly TaskKey[]): string => tasks.map(nameOf).join(" ");
const resultsIn = (report: Report): string =>
  statementsOf(report)
    .map((statement) => {
      const fields = statement as Partial<Record<"commit" | "code" | "outputDigest", string>>;
      const bound = fields.commit && `bound ${fields.commit.slice(0, 8)}`;
      return `${nameOf(statement)}=${bound ?? fields.code ?? fields.outputDigest?.slice(0, 8)}`;
    })
    .join(" ");

/** @param onOrders - Hears orders before they are sent. */
export const linkDesk = (
  { queue, life, say }: QueueLinkOptions,
  onOrders: (nodeId: NodeId, tasks: readonly TaskOrder[]) => void,
): TaskDesk => {
  const desk = queue.desk();
  life.onEnd(() => queue.crash(desk));
  return {
    ensure: (nodeIds) => life.guard(desk.ensure(nodeIds)),
    publishTasks: (nodeId, tasks, messageId) => {
      say(`${life.name} orders from ${nodeId}: ${tasksIn(tasks)} as ${messageId}`);
      onOrders(nodeId, tasks);
      return life.guard(desk.publishTasks(nodeId, tasks, messageId));
    },
    consumeResults: (handle) =>
      desk.consumeResults((nodeId, results) => {
        say(`${life.name} hears from ${nodeId}: ${resultsIn(results)}`);
        return life.guard(handle(nodeId, results));
      }),
    requestReveals: (nodeId, tasks) => {
      say(`${life.name} asks ${nodeId} to show ${tasksIn(tasks)}`);
      desk.requestReveals(nodeId, tasks);
    },
    requestStops: (nodeId, tasks) => {
      say(`${life.name} tells ${nodeId} to stop ${tasksIn(tasks)}`);
      desk.requestStops(nodeId, tasks);
    },
    callRoll: (nodeIds) => desk.callRoll(nodeIds),
    tellDrain: (nodeId, drains) => desk.tellDrain(nodeId, drains),
    onExhausted: (handle) =>
      desk.onExhausted((nodeId, tasks) => {
        say(`${life.name} hears that ${nodeId} never finished ${tasksIn(tasks)}`);
        handle(nodeId, tasks);
      }),
    onHeartbeat: (handle) => desk.onHeartbeat(handle),
    waiting: () => life.guard(desk.waiting()),
    resultsWaiting: () => life.guard(desk.resultsWaiting()),
    close: () => life.guard(desk.close()),
  };
};

export const linkSource = (
  { queue, life, say }: QueueLinkOptions,
  nodeId: NodeId,
  line: NodeLine,
): TaskSource => {
  const source = queue.source(nodeId);
  life.onEnd(() => queue.crash(source));
  const unheard = (): Promise<never> =>
    new Promise((_, reject) =>
      life.clock.after(timeoutMs, () => reject(new TaskQueueError("timeout", "no answer in time"))),
    );
  return {
    consumeTasks: (wanted, handle) =>
      source.consumeTasks(
        () => (line.cut ? 0 : wanted()),
        (delivery) => {
          if (line.cut) return;
          say(`${nodeId} gets ${tasksIn(delivery.tasks)} (${delivery.delivered})`);
          handle({
            tasks: delivery.tasks,
            delivered: delivery.delivered,
            working: () => {
              if (!line.cut) delivery.working();
            },
            ack: () => {
              if (!line.cut) delivery.ack();
            },
            nak: (delayMs) => {
              if (!line.cut) delivery.nak(delayMs);
            },
          });
        },
      ),
    publishResults: (results, messageId) => {
      say(`${nodeId} says ${resultsIn(results)}${line.cut ? " to nobody" : ""}`);
      return line.cut ? unheard() : life.guard(source.publishResults(results, messageId));
    },
    onReveal: (handle) =>
      source.onReveal((tasks) => {
        if (!line.cut) handle(tasks);
      }),
    onStop: (handle) =>
      source.onStop((tasks) => {
        if (!line.cut) handle(tasks);
      }),
    onRollCall: (handle) =>
      source.onRollCall(() => {
        if (!line.cut) handle();
      }),
    onDrain: (handle) =>
      source.onDrain((drains) => {
        if (!line.cut) handle(drains);
      }),
    heartbeat: (heartbeat) => {
      if (!line.cut && !line.mute) source.heartbeat(heartbeat);
    },
    close: () => life.guard(source.close()),
  };
};
