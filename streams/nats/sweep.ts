/**
 * Finds bundles that were delivered too often. JetStream leaves them in a work queue for ever, and
 * tells of each one once, to those who listen at that moment; so we listen, and look as well.
 */
import type { ConsumerInfo, JetStreamApiError, SeqMsgRequest } from "@nats-io/jetstream";
import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { Clock } from "../clock.ts";
import { nodeOfSubject, taskSubject, taskSubjects, tasksStream } from "../names.ts";
import type { TaskOrder } from "../task-queue.ts";
import type { NatsLink } from "./connection.ts";
import type { TaskQueueError } from "./errors.ts";
import type { Layout } from "./layout.ts";
import { queueErrorOf } from "./publish.ts";
import { decodeTasks } from "./wire.ts";

export interface SweepOptions {
  readonly link: NatsLink;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly periodMs: Millis;
  readonly malformed: (subject: string, reason: string) => void;
  readonly onTrouble: ((error: TaskQueueError) => void) | undefined;
  /** A stream, or the consumer of a node that was asked for, is not there. */
  readonly onMissing: () => void;
}

export interface Sweep {
  onExhausted(handle: (nodeId: NodeId, tasks: readonly TaskOrder[]) => void): void;
  stop(): void;
}

const advisories = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${tasksStream}.*`;
/** Desks share the advisories: one of them takes each up. */
const queueGroup = "cnct-exhausted";
/** Messages looked at for one node in one sweep. */
const looksMax = 100;

type Handle = (nodeId: NodeId, tasks: readonly TaskOrder[]) => void;

export const openSweep = (options: SweepOptions): Sweep => {
  const { link, layout, clock, malformed } = options;
  const { connection } = link;
  const handles: Handle[] = [];
  const taken = new Set<number>();
  /** Seen by the last sweep; an acknowledgement on its way has removed it by the next one. */
  let suspects: ReadonlySet<number> = new Set();
  let sweeping = false;
  let stopped = false;

  const trouble = (error: unknown): void => {
    if (!stopped) options.onTrouble?.(queueErrorOf(error, "sweep exhausted tasks"));
  };

  /** Hands the message on, then deletes it; a crash between the two hands it on again. */
  const take = async (seq: number): Promise<void> => {
    if (taken.has(seq)) return;
    taken.add(seq);
    try {
      const message = await layout.jsm.streams.getMessage(tasksStream, { seq });
      if (!message) return;
      const nodeId = nodeOfSubject(message.subject, taskSubjects);
      const decoded = decodeTasks(message.data);
      if (nodeId !== undefined && decoded.ok)
        for (const handle of handles) handle(nodeId, decoded.value);
      else malformed(message.subject, decoded.ok ? "wrong subject" : decoded.reason);
      await layout.jsm.streams.deleteMessage(tasksStream, seq, false);
    } catch (error) {
      if (!isNotFound(error)) trouble(error);
    } finally {
      taken.delete(seq);
    }
  };

  const listen = (): void => {
    connection.subscribe(advisories, {
      queue: queueGroup,
      callback: (error, msg) => {
        if (error || stopped) return;
        const { stream_seq: seq } = msg.json<{ stream_seq?: unknown }>();
        if (typeof seq === "number") void take(seq);
      },
    });
  };

  /** Messages of one node that were delivered, are with nobody, and will not be delivered again. */
  const strandedOf = async (consumer: ConsumerInfo): Promise<readonly number[]> => {
    const { delivered, ack_floor: floor, num_ack_pending: held } = consumer;
    // Below the floor nothing is open. With nothing open at all, that holds for all delivered ones.
    const last = held === 0 ? delivered.stream_seq : floor.stream_seq;
    const found: number[] = [];
    for (let seq = 1; seq <= last && found.length < looksMax; ) {
      // The library's types do not know that a request may name both.
      const query: SeqMsgRequest & { readonly next_by_subj: string } = {
        seq,
        next_by_subj: taskSubject(consumer.name),
      };
      const message = await layout.jsm.streams.getMessage(tasksStream, query);
      if (!message || message.seq > last) break;
      found.push(message.seq);
      seq = message.seq + 1;
    }
    return found;
  };

  const sweep = async (): Promise<void> => {
    if (sweeping || stopped || connection.isClosed()) return;
    sweeping = true;
    try {
      const { state } = await layout.jsm.streams.info(tasksStream, {
        subjects_filter: taskSubjects,
      });
      const counts = state.subjects ?? {};
      const missing = new Set(layout.nodes);
      const found = new Set<number>();
      for await (const consumer of layout.jsm.consumers.list(tasksStream)) {
        missing.delete(consumer.name);
        const count = counts[taskSubject(consumer.name)] ?? 0;
        // The usual case costs no further question: all that is there waits or is with the node.
        if (handles.length === 0 || count <= consumer.num_pending + consumer.num_ack_pending)
          continue;
        for (const seq of await strandedOf(consumer))
          if (suspects.has(seq)) await take(seq);
          else found.add(seq);
      }
      suspects = found;
      if (missing.size > 0) options.onMissing();
    } catch (error) {
      if (isNotFound(error)) options.onMissing();
      trouble(error);
    } finally {
      sweeping = false;
    }
  };
  const timer = clock.every(options.periodMs, () => void sweep());
  link.listen({ onClose: () => timer.cancel() });

  return {
    onExhausted: (handle) => {
      handles.push(handle);
      if (handles.length === 1) listen();
    },
    stop: () => {
      stopped = true;
      timer.cancel();
    },
  };
};

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && (error as Partial<JetStreamApiError>).status === 404;
