/** Every stream and subject name, spelled once. */
import type { CnctId } from "../domain/identity/inception.ts";
import { type Digest, isNodeId, type JobHash, type NodeId } from "../domain/ids.ts";

/** Event store streams, by category. */
export const jobStreamPrefix = "job-";
export const nodeStreamPrefix = "node-";
export const blobStreamPrefix = "blob-";
export const identityStreamPrefix = "identity-";
export const serviceKeyStreamPrefix = "keys-";
export const ledgerStream = "ledger";
export const policyStream = "policy";
export const beaconStream = "beacon";

export const jobStream = (jobHash: JobHash): string => `job-${jobHash}`;
export const nodeStream = (nodeId: NodeId): string => `node-${nodeId}`;
export const blobStream = (digest: Digest): string => `blob-${digest}`;
export const identityStream = (id: CnctId): string => `identity-${id}`;
/** The service keys of an identity. */
export const serviceKeyStream = (id: CnctId): string => `keys-${id}`;

/** JetStream streams. */
export const tasksStream = "TASKS";
/** Has results and commits. */
export const resultsStream = "RESULTS";
/** JetStream consumer of the validators; nodes have one each, named by their id. */
export const resultsConsumer = "validator";

/** Subjects. A node's own subjects have its id as one whole token: permissions are given per node. */
export const taskSubject = (nodeId: NodeId): string => `cnct.task.${nodeId}`;
export const taskSubjects = "cnct.task.*";
export const resultSubject = (nodeId: NodeId): string => `cnct.result.${nodeId}`;
export const resultSubjects = "cnct.result.*";
export const commitSubject = (nodeId: NodeId): string => `cnct.commit.${nodeId}`;
export const commitSubjects = "cnct.commit.*";
export const heartbeatSubject = (nodeId: NodeId): string => `cnct.hb.${nodeId}`;
export const heartbeatSubjects = "cnct.hb.*";
/** What a node is told outside its tasks, such as `reveal`: core NATS, kept nowhere. */
export const controlSubject = (nodeId: NodeId, verb: string): string =>
  `cnct.ctl.${nodeId}.${verb}`;
export const controlSubjects = (nodeId: NodeId): string => `cnct.ctl.${nodeId}.>`;

/** Where answers to a node come. */
export const inboxPrefix = (nodeId: NodeId): string => `_INBOX.${nodeId}`;

/**
 * The node of a subject such as `cnct.result.ada`; undefined if it is none of these subjects.
 *
 * What arrives by a subscription may have another subject than the subscription's: a node can name
 * any subject as the one for answers, and the server then delivers the node's own task there.
 */
export const nodeOfSubject = (subject: string, subjects: string): NodeId | undefined => {
  const prefix = subjects.slice(0, -1);
  const nodeId = subject.slice(prefix.length);
  return subject.startsWith(prefix) && isNodeId(nodeId) ? nodeId : undefined;
};

/** JetStream's own subjects, for one consumer. */
export const consumerInfoSubject = (stream: string, consumer: string): string =>
  `$JS.API.CONSUMER.INFO.${stream}.${consumer}`;
export const consumerNextSubject = (stream: string, consumer: string): string =>
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
/** Where deliveries are acknowledged, in the form of servers up to 2.14. */
export const consumerAckSubjects = (stream: string, consumer: string): string =>
  `$JS.ACK.${stream}.${consumer}.>`;
