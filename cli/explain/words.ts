/** What the codes of `cnct explain` mean, for a person. */

import type { Fault } from "../../domain/dispatch/explain.ts";
import type { Fate } from "../../domain/dispatch/share.ts";
import type { Wait, WaitCode } from "../../domain/dispatch/waiting.ts";

export const fateWords: Readonly<Record<Fate, string>> = {
  given: "given to it",
  "lost-by-standing": "weighed, and another has the better standing",
  "lost-by-load": "weighed, and another had less to do",
  "lost-by-turnaround": "weighed, and another answers this app sooner",
  "lost-by-draw": "weighed, and an equal was drawn first",
  "not-registered": "it was not registered yet",
  suspended: "it was suspended",
  expelled: "it was expelled",
  "is-arbiter": "it is an arbiter's, which gets no ordinary tasks",
  "test-of-another": "a test of another node, meant for that node alone",
  "for-arbiters": "the task was for arbiters",
  "class-not-offered": "it does not compute the app in the class that was needed",
  "too-slow": "it was not measured to be as fast as the job asks",
  "has-job": "it had the job already",
  "owner-has-job": "another node of its owner had the job already",
  "no-room": "it had as many tasks as it takes",
  quota: "its quota of this app was used up, or closed after failures",
  "no-free-slot": "all its slots were taken, and others had one free",
  "for-new-nodes": "the task was set aside for new nodes",
  "not-drawn": "not among those drawn: by chance, or it was silent or about to stop",
};

const waitWords: Readonly<Record<WaitCode, (wait: Wait) => string>> = {
  "not-funded": () => "it waits until its points are set aside",
  "keys-awaited": () =>
    "no node that can read it is left: its client must wrap its key for more, which any program of the client does that is connected",
  computing: ({ computing }) => `computed now by ${computing.join(", ")}`,
  revealing: () => "its nodes are asked to show the results that they are bound to",
  judging: () => "its results are being compared",
  "nobody-computes": () => "no registered node computes the app in such an engine",
  "class-not-offered": ({ nodes: { offering } }) =>
    `of ${offering} nodes that compute the app none does so in the execution class of the results that are there`,
  "too-slow": ({ nodes: { inClass } }) =>
    `of ${inClass} nodes that could compute it none was measured to be as fast as it asks`,
  "nobody-heard": ({ nodes: { fast } }) => `${fast} nodes could compute it, and none is heard`,
  "nodes-drained": ({ nodes: { heard } }) =>
    `all ${heard} nodes that could compute it were told by their owners to take no tasks`,
  "nodes-have-job": ({ nodes: { heard } }) =>
    `all ${heard} nodes that could compute it have it already, and none gets it twice`,
  "owners-have-job": ({ nodes: { heard } }) =>
    `all ${heard} nodes that could compute it are of owners that have the job already`,
  "no-room": ({ nodes: { ofOthers } }) =>
    `all ${ofOthers} nodes that could take it have as many tasks as they take`,
  "no-arbiter": () => "it wants an arbiter, and no arbiter's node computes this",
  due: ({ nodes: { withRoom } }) => `it is about to be given to one of ${withRoom} nodes`,
};
export const waitText = (wait: Wait): string => waitWords[wait.code](wait);

/** One input that is not what it should be. */
export const faultText = ({ code, nodeId, recorded, expected }: Fault): string => {
  const of = nodeId === undefined ? "" : ` of ${nodeId}`;
  const was = recorded === undefined ? "" : `: recorded ${recorded}`;
  const is = expected === undefined ? "" : `, expected ${expected}`;
  return `${code}${of}${was}${is}`;
};
