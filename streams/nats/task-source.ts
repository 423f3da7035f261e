/** A node's side of the queue: it pulls from its own consumer and publishes on its own subjects. */
import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import { type Clock, sleep, wallClock } from "../clock.ts";
import {
  commitSubject,
  controlSubject,
  heartbeatSubject,
  inboxPrefix,
  resultSubject,
  taskSubject,
  tasksStream,
} from "../names.ts";
import type { TaskDelivery, TaskKey, TaskSource } from "../task-queue.ts";
import { connectNats, defaultUrl, type NatsLink } from "./connection.ts";
import { readDrain } from "./drain-word.ts";
import { TaskQueueError } from "./errors.ts";
import { publishBundles, queueErrorOf } from "./publish.ts";
import { openPull, type Pull } from "./pull.ts";
import { isRollCall } from "./roll-word.ts";
import {
  type ControlVerb,
  decodeControl,
  decodeTasks,
  encodeHeartbeat,
  encodeReport,
} from "./wire.ts";

export interface TaskSourceOptions {
  /** A link of the caller's own with `inboxPrefix` set to `_INBOX.<node id>`; closed with the source. */
  readonly link?: NatsLink;
  /** Where to connect when no link is given. */
  readonly url?: string;
  readonly nodeId: NodeId;
  readonly clock?: Clock;
  /** Hears of messages that could not be understood; they are never delivered again. */
  readonly onMalformed?: (reason: string) => void;
  /** Hears when the queue is lost and found. */
  readonly onConnected?: (connected: boolean) => void;
  /** How long `publishResults` goes on trying. Default 30 s. */
  readonly publishForMs?: Millis;
  readonly firstConnectMs?: Millis;
}

/** Bundles on their way to a node at most, so that a restart finds few of them half done. */
const batchMax = 8;
const publishTimeoutMs = 5_000;
const retryFirstMs = 50;
const retryMaxMs = 2_000;

/** @throws {TaskQueueError} `unavailable` or `denied`. */
export const openTaskSource = async (options: TaskSourceOptions): Promise<TaskSource> => {
  const { url, nodeId, clock = wallClock, publishForMs = 30_000, firstConnectMs } = options;
  const link =
    options.link ??
    (await connectNats({
      url: url ?? defaultUrl,
      name: `node ${nodeId}`,
      inboxPrefix: inboxPrefix(nodeId),
      clock,
      ...(firstConnectMs === undefined ? {} : { firstConnectMs }),
    }));
  link.listen({
    onDisconnect: () => options.onConnected?.(false),
    onReconnect: () => options.onConnected?.(true),
  });
  return sourceOf(link, { ...options, clock, publishForMs });
};

const sourceOf = (
  link: NatsLink,
  options: TaskSourceOptions & { readonly clock: Clock; readonly publishForMs: Millis },
): TaskSource => {
  const { nodeId, clock, publishForMs } = options;
  const { connection } = link;
  const pulls = new Set<Pull>();
  const poke = (): void => {
    for (const pull of pulls) pull.poke();
  };
  let closed = false;

  const onControl = (verb: ControlVerb, handle: (tasks: readonly TaskKey[]) => void): void => {
    const subject = controlSubject(nodeId, verb);
    connection.subscribe(subject, {
      callback: (error, msg) => {
        if (error) return;
        const decoded = decodeControl(verb, msg.data);
        if (!decoded.ok || msg.subject !== subject)
          options.onMalformed?.(decoded.ok ? "wrong subject" : decoded.reason);
        else handle(decoded.value);
      },
    });
  };

  return {
    consumeTasks: (wanted, handle) => {
      /** Of the last bundle: how many bundles the wanted tasks may come in. */
      let bundleSize = 1;
      const pull = openPull({
        link,
        clock,
        stream: tasksStream,
        consumer: nodeId,
        batchMax,
        room: () => Math.ceil(wanted() / bundleSize),
        onMissing: () => {}, // The services' side makes it again; the pull asks until then.
        handle: (message) => {
          const decoded = decodeTasks(message.data);
          if (!decoded.ok || message.subject !== taskSubject(nodeId)) {
            message.term();
            return options.onMalformed?.(decoded.ok ? "wrong subject" : decoded.reason);
          }
          bundleSize = Math.max(1, decoded.value.length);
          const delivery: TaskDelivery = {
            tasks: decoded.value,
            delivered: message.delivered,
            working: () => message.working(),
            ack: () => {
              message.ack();
              pull.poke(); // The next request travels in the same packet.
            },
            nak: (delayMs) => {
              message.nak(delayMs);
              pull.poke();
            },
          };
          handle(delivery);
        },
      });
      pulls.add(pull);
      return {
        stop: async () => {
          pulls.delete(pull);
          await pull.stop();
        },
      };
    },

    publishResults: async (report, messageId) => {
      const parts = encodeReport(report);
      if (parts.length === 0) return;
      const until = clock.now() + publishForMs;
      for (let delayMs = retryFirstMs; ; delayMs = Math.min(2 * delayMs, retryMaxMs))
        try {
          if (closed) throw new TaskQueueError("closed", "the task source is closed");
          await Promise.all(
            parts.map(({ kind, bundles }) =>
              publishBundles({
                link,
                subject: kind === "commit" ? commitSubject(nodeId) : resultSubject(nodeId),
                bundles,
                messageId: `${messageId}-${kind}`,
                timeoutMs: publishTimeoutMs,
              }),
            ),
          );
          return poke();
        } catch (error) {
          const { code } = queueErrorOf(error, "publish results");
          if (code === "closed" || code === "denied" || clock.now() + delayMs >= until) throw error;
          await sleep(clock, delayMs);
        }
    },

    onReveal: (handle) => onControl("reveal", handle),
    onStop: (handle) => onControl("stop", handle),

    heartbeat: (heartbeat) => {
      if (!connection.isClosed())
        connection.publish(heartbeatSubject(nodeId), encodeHeartbeat(heartbeat));
    },

    onRollCall: (handle) => {
      const subject = controlSubject(nodeId, "beat");
      connection.subscribe(subject, {
        callback: (error, msg) => {
          if (error) return;
          if (msg.subject === subject && isRollCall(msg.data)) handle();
          else options.onMalformed?.("no roll call");
        },
      });
      link.listen({ onReconnect: handle });
    },

    onDrain: (handle) => {
      const subject = controlSubject(nodeId, "drain");
      connection.subscribe(subject, {
        callback: (error, msg) => {
          if (error || msg.subject !== subject) return;
          const drains = readDrain(msg.data);
          if (drains === undefined) options.onMalformed?.("neither drain nor resume");
          else handle(drains);
        },
      });
    },

    close: async () => {
      if (closed) return;
      closed = true;
      await Promise.all([...pulls].map((pull) => pull.stop()));
      pulls.clear();
      await link.close();
    },
  };
};
