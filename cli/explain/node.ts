/** What a node got, and why it got no more. */

import { replayAssignments } from "../../domain/dispatch/explain.ts";
import { gatherAssignments } from "../../domain/dispatch/gather.ts";
import { isOfNode, type RosterEvent } from "../../domain/dispatch/roster.ts";
import { createShare, type Fate } from "../../domain/dispatch/share.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { type Job, job as jobDecider } from "../../domain/job/job.ts";
import type { NodeEvent } from "../../domain/node/node.ts";
import type { CnctClient } from "../../sdk/index.ts";
import { createQuotas } from "../../services/dispatcher/quotas.ts";
import { decode } from "../../streams/codec.ts";
import { jobStreamPrefix } from "../../streams/names.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { print, say, table } from "../output.ts";
import { readLog } from "./log.ts";
import { fateWords } from "./words.ts";

export interface NodeAnswer {
  readonly nodeId: string;
  readonly at: string;
  readonly status: string;
  readonly assignments: number;
  readonly given: number;
  readonly eligible: number;
  readonly evenShare: number;
  readonly fates: readonly { readonly code: Fate; readonly count: number; readonly text: string }[];
}

/** @throws {CliFailure} `node-unknown`. */
export const explainNode = async (
  client: CnctClient,
  nodeId: string,
  { from, upTo }: { readonly from: number; readonly upTo: bigint },
): Promise<NodeAnswer> => {
  const gatherer = gatherAssignments();
  for await (const recorded of readLog(client, upTo)) {
    const event = decode(recorded);
    if (event && (recorded.stream.startsWith(jobStreamPrefix) || isOfNode(event as RosterEvent)))
      gatherer.hear(event as JobEvent | NodeEvent, recorded.position);
  }
  const quotas = createQuotas(undefined, () => replay.roster.policy.dispatch.quotaStart);
  const jobs = new Map<JobHash, Job>();
  const share = createShare(nodeId, ({ app, task: { at } }) => {
    const { state } = quotas.quotaOf(nodeId, app, at);
    return state === "open" || state === "probing";
  });
  const wanted = gatherer.gathered().filter(({ task }) => task.at >= from);
  const replay = replayAssignments(wanted, share.visit);
  for await (const recorded of readLog(client, upTo)) {
    const event = decode(recorded);
    if (!event || event.type === "JobFunded") continue;
    replay.hear(event as RosterEvent, recorded.position);
    if (!recorded.stream.startsWith(jobStreamPrefix)) continue;
    const { jobHash } = event as JobEvent;
    const job = jobDecider.evolve(jobs.get(jobHash) ?? jobDecider.initial, event as JobEvent);
    jobs.set(jobHash, job);
    quotas.hear(event as JobEvent, job);
  }
  replay.end();
  const node = replay.roster.node(nodeId);
  if (!node)
    throw new CliFailure(
      "node-unknown",
      `no node ${nodeId} was registered at position ${upTo}; cnct nodes lists them`,
      exitCodes.unknown,
    );
  const { assignments, fates, eligible, evenShare } = share.fared();
  return {
    nodeId,
    at: String(upTo),
    status: node.status,
    assignments,
    given: fates.given ?? 0,
    eligible,
    evenShare,
    fates: (Object.entries(fates) as [Fate, number][])
      .toSorted(([, a], [, b]) => b - a)
      .map(([code, count]) => ({ code, count, text: fateWords[code] })),
  };
};

/** Whether the node is heard now. */
export const nodeNow = async ({ ask }: CnctClient, id: string): Promise<string | undefined> => {
  const { node } = await ask<{ node: { live: boolean } | null }>(
    "query Live($id: NodeId!) { node(id: $id) { live } }",
    { id },
  );
  return node === null ? undefined : node.live ? "heard" : "silent";
};

export const tellNode = (answer: NodeAnswer, now: string | undefined): void => {
  const { nodeId, status, assignments, given, eligible, evenShare, fates } = answer;
  print(`node ${nodeId} is ${status}${now === undefined ? "" : `, ${now} now`}`);
  print(
    `it got ${given} of ${assignments} tasks; it could have had ${eligible}, of which chance alone ` +
      `would have given it ${evenShare.toFixed(1)}`,
  );
  if (fates.length === 0) {
    say("nothing was assigned to anybody");
    return;
  }
  print("");
  print(
    table<NodeAnswer["fates"][number]>(
      [
        { title: "TASKS", text: ({ count }) => String(count), right: true },
        { title: "CODE", text: ({ code }) => code },
        { title: "WHY", text: ({ text }) => text },
      ],
      fates,
    ),
  );
};
