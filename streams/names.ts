/** Every stream and subject name, spelled once. */
import type { Digest, JobHash, NodeId } from "../domain/ids.ts";

/** Event store streams, by category. */
export const jobStreamPrefix = "job-";
export const nodeStreamPrefix = "node-";
export const blobStreamPrefix = "blob-";
export const ledgerStream = "ledger";

export const jobStream = (jobHash: JobHash): string => `job-${jobHash}`;
export const nodeStream = (nodeId: NodeId): string => `node-${nodeId}`;
export const blobStream = (digest: Digest): string => `blob-${digest}`;

/** JetStream streams. */
export const tasksStream = "TASKS";
export const resultsStream = "RESULTS";
/** JetStream consumer of the validators; nodes have one each, named by their id. */
export const resultsConsumer = "validator";

/** Subjects. A node's own subjects end in its id, so that permissions can be given per node. */
export const taskSubject = (nodeId: NodeId): string => `cnct.task.${nodeId}`;
export const taskSubjects = "cnct.task.*";
export const resultSubject = (nodeId: NodeId): string => `cnct.result.${nodeId}`;
export const resultSubjects = "cnct.result.*";
export const heartbeatSubject = (nodeId: NodeId): string => `cnct.hb.${nodeId}`;
export const heartbeatSubjects = "cnct.hb.*";
