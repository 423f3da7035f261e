/** Why a job went where it went, and why it waits. */

import { asOfOf, checkAssignments, type Explained } from "../../domain/dispatch/explain.ts";
import { type Gatherer, gatherAssignments } from "../../domain/dispatch/gather.ts";
import type { RosterEvent } from "../../domain/dispatch/roster.ts";
import { type Wait, whyWaiting } from "../../domain/dispatch/waiting.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { type Job, job as jobDecider } from "../../domain/job/job.ts";
import type { NodeEvent } from "../../domain/node/node.ts";
import type { CnctClient } from "../../sdk/index.ts";
import { decode } from "../../streams/codec.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { nativeSha256 } from "../native-proofs.ts";
import { print, say, shortHash, table } from "../output.ts";
import { headOf, readLog } from "./log.ts";
import { fateWords, faultText, waitText } from "./words.ts";

export interface JobAnswer {
  readonly hash: string;
  readonly status: Job["status"];
  readonly at: bigint;
  readonly assignments: readonly Explained[];
  readonly wait: Wait | null;
}

/** @throws {CliFailure} `job-unknown`. */
export const explainJob = async (
  client: CnctClient,
  hash: string,
  upTo: bigint,
): Promise<JobAnswer> => {
  const history = (await client.history(hash)) ?? [];
  const gatherer = gatherAssignments();
  let job = jobDecider.initial;
  for (const { data, position } of history) {
    if (BigInt(position) > upTo) break;
    const event = data as JobEvent;
    gatherer.hear(event, BigInt(position));
    job = jobDecider.evolve(job, event);
  }
  if (job.status === "unknown")
    throw new CliFailure(
      "job-unknown",
      `nobody had submitted a job ${hash} at position ${upTo}; cnct jobs lists them`,
      exitCodes.unknown,
    );
  await hearTests(client, gatherer, upTo);
  const assignments: Explained[] = [];
  const gathered = gatherer.gathered();
  const checker = checkAssignments(gathered, nativeSha256, (one) => assignments.push(one));
  const known = gathered.map((one) => asOfOf(one)).reduce((a, b) => (a > b ? a : b), -1n);
  let funded = false;
  for await (const recorded of readLog(client, job.status === "open" ? upTo : known)) {
    const event = decode(recorded);
    if (event?.type === "JobFunded") funded ||= event.jobHash === hash;
    else if (event) checker.hear(event as RosterEvent, recorded.position);
  }
  checker.end();
  assignments.sort((a, b) => (a.position < b.position ? -1 : 1));
  const isNow = upTo === (await headOf(client)) || job.status !== "open";
  const heard = isNow && job.status === "open" ? await heardNow(client) : undefined;
  const wait =
    job.status === "open"
      ? whyWaiting(job, checker.roster, {
          funded,
          ...(heard ? { heard: (nodeId: string) => heard.has(nodeId) } : {}),
        })
      : null;
  return { hash, status: job.status, at: upTo, assignments, wait };
};

/** What nodes' streams say later of jobs that were tests. */
const hearTests = async (client: CnctClient, gatherer: Gatherer, upTo: bigint): Promise<void> => {
  const ending = new AbortController();
  const asked = { after: "-1", types: testEvents, signal: ending.signal };
  try {
    for await (const { position, events } of client.events(asked)) {
      for (const { data, position: place } of events)
        if (BigInt(place) <= upTo) gatherer.hear(data as NodeEvent, BigInt(place));
      if (BigInt(position) >= upTo) return;
    }
  } finally {
    ending.abort();
  }
};
const testEvents: readonly NodeEvent["type"][] = ["NodeMeasured", "NodeConvicted"];

/** The nodes that are heard now. */
const heardNow = async (client: CnctClient): Promise<ReadonlySet<string>> => {
  const heard = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await client.nodes({
      first: 100,
      filter: { live: true },
      ...(after === undefined ? {} : { after }),
    });
    for (const { id } of page.nodes) heard.add(id);
    if (!page.pageInfo.hasNextPage || page.pageInfo.endCursor === null) return heard;
    after = page.pageInfo.endCursor;
  }
};

/** An assignment for programs. */
export const assignmentJson = (one: Explained) => {
  const { task, position, outcome, faults, ranked } = one;
  const { replica, attempt, nodeId, executionClass, jobHash, reason } = task;
  const { policy: rules, parameters, seed, asOf, candidates, explores = false } = reason;
  return {
    jobHash,
    replica,
    attempt,
    nodeId,
    role: task.role ?? "ordinary",
    isTest: one.isTest === true,
    executionClass,
    position: String(position),
    asOf: asOf ?? null,
    rules,
    policy: parameters ?? null,
    seed,
    candidates,
    explores,
    backup: backupOf(one.task),
    recomputed: outcome,
    faults,
    ranked,
  };
};

export const jobJson = ({ hash, status, at, assignments, wait }: JobAnswer) => ({
  hash,
  status,
  at: String(at),
  assignments: assignments.map(assignmentJson),
  wait: wait && { ...wait, text: waitText(wait) },
});

/** Which task it is a backup for, and why; null if it is none. */
const backupOf = ({ backs, reason: { backup } }: Explained["task"]) => {
  if (backs === undefined || backup === undefined) return null;
  const [ranMs, hangsAfterMs, open, size] = backup;
  return { of: backs, ranMs, hangsAfterMs, open, size };
};

const backupText = (task: Explained["task"]): string | undefined => {
  const backup = backupOf(task);
  if (!backup) return undefined;
  const { of, ranMs, hangsAfterMs, open, size } = backup;
  return (
    `  a backup: replica ${of} had run for ${ranMs} ms, and a task of its batch hangs after ` +
    `${hangsAfterMs} ms; ${open} of the batch's ${size} jobs were open`
  );
};

const recomputedText = ({ outcome, faults }: Explained): string => {
  if (outcome === "matches") return "recomputed: matches";
  if (outcome === "untold")
    return "not recomputed: it was made by the first rules, which did not record what they weighed";
  return `recomputed: does not match (${faults.map(faultText).join("; ")})`;
};

export const tellJob = ({ hash, status, assignments, wait }: JobAnswer): void => {
  print(`job ${shortHash(hash)} is ${status}`);
  for (const one of assignments) {
    const { task, position, ranked } = one;
    const { seed, candidates, parameters, policy, asOf, explores } = task.reason;
    const arbiter = task.role === "arbiter" ? " as arbiter" : "";
    const test = one.isTest ? ", as a test that was meant for it" : "";
    print("");
    print(`replica ${task.replica}, attempt ${task.attempt}: ${task.nodeId}${arbiter}${test}`);
    print(
      `  decided at position ${position} by what was known at ${asOf ?? "?"}; rules ${policy}, ` +
        `policy ${parameters ?? "?"}, seed ${seed}, ${candidates} looked at` +
        `${explores ? ", among new nodes alone" : ""}`,
    );
    const backup = backupText(task);
    if (backup) print(backup);
    if (ranked.length > 0)
      print(
        table<Explained["ranked"][number]>(
          [
            { title: "  NODE", text: ({ nodeId }) => `  ${nodeId}` },
            { title: "SCORE", text: ({ score }) => score.toFixed(4), right: true },
            { title: "STANDING", text: ({ standing }) => standing.toFixed(4), right: true },
            {
              title: "TASKS/SLOTS",
              text: ({ held, reserved, slots }) => `${held + reserved}/${slots}`,
              right: true,
            },
            {
              title: "ANSWERS IN",
              text: ({ turnaroundMs: ms }) => (ms === undefined ? "-" : `${ms} ms`),
              right: true,
            },
            { title: "WHY", text: ({ fate }) => fateWords[fate] },
          ],
          ranked,
        ),
      );
    print(`  ${recomputedText(one)}`);
  }
  if (wait !== null) say(`job ${shortHash(hash)} waits (${wait.code}): ${waitText(wait)}`);
};
