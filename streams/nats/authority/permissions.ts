/**
 * What a node may do on NATS, and nothing else: the one place where this is said. The server puts
 * the node's id for `{{name()}}`, which must be a whole token of a subject.
 */
import type { UserPermissionsLimits } from "@nats-io/jwt";
import {
  commitSubject,
  consumerAckSubjects,
  consumerInfoSubject,
  consumerNextSubject,
  controlSubjects,
  heartbeatSubject,
  inboxPrefix,
  resultSubject,
  tasksStream,
} from "../../names.ts";

/** The name of a user is the id of its node. */
const node = "{{name()}}";

/** Bytes of one message of a node; what is larger goes by the blob store. */
export const workerPayloadMax = 256 * 1024;
export const workerSubscriptionsMax = 20;

/**
 * No `resp`: it would let a node publish wherever a message that it receives asks for an answer, and
 * even an empty one does.
 */
export const workerTemplate: Partial<UserPermissionsLimits> = {
  pub: {
    allow: [
      consumerInfoSubject(tasksStream, node),
      consumerNextSubject(tasksStream, node),
      consumerAckSubjects(tasksStream, node),
      resultSubject(node),
      commitSubject(node),
      heartbeatSubject(node),
    ],
  },
  sub: { allow: [`${inboxPrefix(node)}.>`, controlSubjects(node)] },
  subs: workerSubscriptionsMax,
  payload: workerPayloadMax,
  data: -1,
  allowed_connection_types: ["STANDARD", "WEBSOCKET"],
};
