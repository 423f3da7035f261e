/** Streams and consumers: what they are, and how they come to exist again when they were lost. */
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import {
  commitSubjects,
  resultSubjects,
  resultsConsumer,
  resultsStream,
  taskSubject,
  taskSubjects,
  tasksStream,
} from "../names.ts";
import { queueErrorOf } from "./publish.ts";

export interface LayoutOptions {
  readonly connection: NatsConnection;
  readonly ackWaitMs: Millis;
  readonly maxDeliver: number;
  /** Room for each of the two streams; JetStream reserves it. Default 1 GiB. */
  readonly streamBytesMax?: number;
}

export interface Layout {
  readonly jsm: JetStreamManager;
  /** Costs nothing for nodes that are known to have their consumer. */
  ensure(nodeIds: Iterable<NodeId>): Promise<void>;
  /** What was known may no longer be so; the next `ensure` looks. */
  forget(): void;
  /** Every node that was ever asked for. */
  readonly nodes: ReadonlySet<NodeId>;
}

const ns = 1_000_000;
const createsAtOnce = 32;
/** Messages that one node may hold unacknowledged, and all validators together. */
export const tasksUnackedMax = 1_000;
export const resultsUnackedMax = 4_000;
/** Messages of one node that may wait in a stream, by subject. */
export const nodeMessagesMax = { tasks: 5_000, results: 2_000 } as const;
/** Room for each of the two streams. */
export const streamBytesDefault = 1024 ** 3;
export const duplicateWindowMs = 120_000;
/** No lease lives so long, so such a message is of no use to anyone. */
const taskAgeMaxMs = 86_400_000;
const resultAgeMaxMs = 7 * 86_400_000;

export const openLayout = async (options: LayoutOptions): Promise<Layout> => {
  const { connection, ackWaitMs, maxDeliver, streamBytesMax = streamBytesDefault } = options;
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 });
  const nodes = new Set<NodeId>();
  const known = new Set<NodeId>();
  let streams: Promise<void> | undefined;

  const addStream = async (
    name: string,
    subjects: readonly string[],
    { ageMaxMs, nodeMax }: { readonly ageMaxMs: Millis; readonly nodeMax: number },
  ): Promise<void> => {
    const config = {
      name,
      subjects: [...subjects],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      duplicate_window: duplicateWindowMs * ns,
      max_age: ageMaxMs * ns,
      max_bytes: streamBytesMax,
      // One node alone cannot fill the stream, neither with results nor with commits.
      max_msgs_per_subject: nodeMax,
      discard_new_per_subject: true,
      max_msg_size: 1024 ** 2,
      num_replicas: 1,
    };
    try {
      await jsm.streams.add(config);
    } catch (error) {
      // It exists with other limits: an operator's choice, which stays.
      const info = await jsm.streams.info(name).catch(() => undefined);
      if (!info) throw error;
      const missing = subjects.filter((subject) => !info.config.subjects.includes(subject));
      if (missing.length > 0)
        await jsm.streams.update(name, { subjects: [...info.config.subjects, ...missing] });
    }
  };

  /**
   * The validators' consumer has no filter, though it is for two kinds of subjects: messages of other
   * subjects come in too (`nodeOfSubject`), and one that no consumer takes stays in a work queue.
   */
  const addResultsConsumer = async (): Promise<void> => {
    const info = await jsm.consumers.info(resultsStream, resultsConsumer).catch(() => undefined);
    // A filter cannot be taken away from a consumer. Nothing is lost: the stream has what is open.
    if (info?.config.filter_subject) await jsm.consumers.delete(resultsStream, resultsConsumer);
    // A result is never given up: the validator's handler decides what becomes of it.
    await jsm.consumers.add(resultsStream, {
      durable_name: resultsConsumer,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * ns,
      max_deliver: -1,
      max_ack_pending: resultsUnackedMax,
    });
  };

  /**
   * What a node has been delivered is kept in memory: on disk it would be a file for each node, written
   * anew with each delivery and each acknowledgement. A server that starts again has the messages, and
   * the consumer comes back with `ensure`.
   */
  const addConsumer = async (nodeId: NodeId): Promise<void> => {
    try {
      await jsm.consumers.add(tasksStream, {
        durable_name: nodeId,
        filter_subject: taskSubject(nodeId),
        ack_policy: AckPolicy.Explicit,
        ack_wait: ackWaitMs * ns,
        max_deliver: maxDeliver,
        max_ack_pending: tasksUnackedMax,
        mem_storage: true,
      });
    } catch (error) {
      // One that was made to be kept elsewhere stays as it is.
      const info = await jsm.consumers.info(tasksStream, nodeId).catch(() => undefined);
      if (info?.config.filter_subject !== taskSubject(nodeId)) throw error;
    }
  };

  const makeStreams = async (): Promise<void> => {
    await Promise.all([
      addStream(tasksStream, [taskSubjects], {
        ageMaxMs: taskAgeMaxMs,
        nodeMax: nodeMessagesMax.tasks,
      }),
      addStream(resultsStream, [resultSubjects, commitSubjects], {
        ageMaxMs: resultAgeMaxMs,
        nodeMax: nodeMessagesMax.results,
      }),
    ]);
    await addResultsConsumer();
  };

  const ensure = async (nodeIds: Iterable<NodeId>): Promise<void> => {
    const missing: NodeId[] = [];
    for (const nodeId of nodeIds) if (!known.has(nodeId)) missing.push(nodeId);
    if (missing.length === 0 && streams) return streams;
    for (const nodeId of missing) nodes.add(nodeId);
    try {
      streams ??= makeStreams();
      const made = streams;
      await made;
      for (let i = 0; i < missing.length; i += createsAtOnce)
        await Promise.all(
          missing.slice(i, i + createsAtOnce).map(async (nodeId) => {
            await addConsumer(nodeId);
            if (streams === made) known.add(nodeId);
          }),
        );
    } catch (error) {
      streams = undefined;
      throw queueErrorOf(error, "make streams and consumers");
    }
  };

  return {
    jsm,
    ensure,
    forget: () => {
      streams = undefined;
      known.clear();
    },
    nodes,
  };
};
