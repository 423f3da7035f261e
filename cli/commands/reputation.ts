/** `cnct node`, `client`: how far a node can be relied on and why; how a client treats nodes. */
import type { Command } from "commander";
import { clientAccountOf } from "../../domain/identity/inception.ts";
import type { CnctClient, NodeReputation, ReputationView } from "../../sdk/index.ts";
import { withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { ago, print, printJson, say, shortHash, table, tint } from "../output.ts";
import {
  type Difference,
  differencesBetween,
  recomputation,
  reputationEventTypes,
  shown,
} from "../reputation/recompute.ts";
import { pageSize } from "./paging.ts";

export const addReputation = (program: Command): void => {
  program
    .command("node")
    .description("a node's reputation: its scores, warnings, and the events behind each change")
    .argument("<id>", "such as node-1")
    .option("--first <n>", "lines of history, 1 to 100", "20")
    .option("--explain", "recompute all of it from the log, and say whether it matches")
    .action(async (id: string, flags: NodeFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const first = pageSize(flags.first);
        if (flags.explain) return explain(client, id, json);
        const { node } = await find(client, id, first);
        if (json) return printJson(node);
        print(nodeText(node));
      }),
    );

  program
    .command("client")
    .description("how a client treats those who work for it, from its last 1,000 jobs")
    .argument("<account>", "such as client:ada, or the id of an identity")
    .action(async (account: string, _flags: object, command: Command) =>
      withClient(command, async (client, { json }) => {
        const of = account.startsWith("cnct:") ? clientAccountOf(account) : account;
        const requester = await client.requester(of);
        if (requester === null)
          throw new CliFailure("unknown-account", `${of} never submitted a job`, exitCodes.unknown);
        if (json) return printJson(requester);
        const { jobs, completed, failedByInput, failedOtherwise, fairness } = requester;
        const { cancelledUnstarted, cancelledAfterWork, unfunded, tasksInVain } = requester;
        const rows: readonly (readonly [string, number])[] = [
          ["completed", completed],
          ["failed: its input was at fault", failedByInput],
          ["failed for other reasons, which say nothing against it", failedOtherwise],
          ["called off before any node had a task", cancelledUnstarted],
          ["called off while nodes worked or had answered", cancelledAfterWork],
          ["rejected: no points for it", unfunded],
        ];
        print(`${requester.id}: its last ${jobs} jobs`);
        for (const [what, count] of rows) print(`  ${String(count).padStart(6)}  ${what}`);
        print(`${tasksInVain} tasks were worked on for nothing`);
        print(`fair in ${interval(fairness)} of the jobs that its doing decided`);
      }),
    );
};

interface NodeFlags {
  readonly first: string;
  readonly explain?: true;
}

interface Found {
  readonly id: string;
  readonly status: string;
  readonly owner: string;
  readonly speeds: NodeReputation["node"]["speeds"];
  readonly reputation: ReputationView;
}

const find = async (client: CnctClient, id: string, first: number) => {
  const found = await client.reputation(id, { first });
  if (found === null)
    throw new CliFailure(
      "unknown-node",
      `nobody registered a node ${id}; cnct nodes lists those there are`,
      exitCodes.unknown,
    );
  return found;
};

/** @throws {CliFailure} `reputation-differs`. */
const explain = async (client: CnctClient, id: string, json: boolean): Promise<void> => {
  const { node, head } = await find(client, id, 100);
  const { reputation } = node;
  const upTo = BigInt(reputation.position ?? -1);
  const folding = recomputation(id, upTo);
  if (BigInt(head) >= 0n)
    for await (const batch of client.events({ after: "-1", types: reputationEventTypes })) {
      for (const event of batch.events)
        if (BigInt(event.position) <= BigInt(head)) folding.hear(event);
      if (BigInt(batch.position) >= BigInt(head)) break;
    }
  const recomputed = folding.answer();
  const log = shown(recomputed);
  const differences = differencesBetween(reputation, log);
  const matches = differences.length === 0;
  const { events } = recomputed;
  if (json) printJson({ id, matches, position: reputation.position, events, differences, log });
  else {
    print(nodeText({ ...node, reputation: log }));
    print("");
  }
  if (!matches)
    throw new CliFailure(
      "reputation-differs",
      `the gateway says otherwise than the log: ${differences.slice(0, 3).map(differenceText).join("; ")}`,
      exitCodes.refused,
    );
  say(
    `recomputed from ${events} events up to position ${reputation.position ?? "none"}: the gateway says the same`,
  );
};

const differenceText = ({ what, gateway, log }: Difference): string =>
  `${what} is ${JSON.stringify(log)} and not ${JSON.stringify(gateway)}`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const interval = ({ mean, lower, upper, weight }: ReputationView["reliability"]): string =>
  weight === 0
    ? "an unknown share"
    : `${percent(mean)} (${percent(lower)} to ${percent(upper)}, from ${weight.toFixed(1)} outcomes)`;

const vettingText = ({ vetting }: ReputationView): string => {
  const { endedAt, accepted, acceptedWanted, days, daysWanted } = vetting;
  return endedAt === null
    ? `in the vetting stage: ${accepted} of ${acceptedWanted} accepted results, on ${days} of ${daysWanted} days`
    : `through the vetting stage since ${new Date(endedAt).toISOString().slice(0, 16)}Z`;
};

/** In millions of instructions a second. */
const millions = (speed: number): string => (speed / 1e6).toFixed(0);

const speedText = ({ mean, deviation, atLeast, samples }: Found["speeds"][number]): string => {
  const from = samples === 1 ? "one measurement" : `${samples} measurements`;
  const sure = atLeast === null ? "" : `, surely ${millions(atLeast)}`;
  return `${millions(mean)} M instructions/s, give or take ${millions(deviation)}${sure} (from ${from})`;
};

const nodeText = ({ id, status, owner, speeds, reputation }: Found): string => {
  const { assigned, answered, broken, silent, drained, accepted, rejected } = reputation;
  const lines = [
    `${id} of ${owner}, ${status.toLowerCase()}; ${vettingText(reputation)}`,
    `  answers in time   ${interval(reputation.reliability)}`,
    `  answers right     ${interval(reputation.correctness)}`,
    `  standing          ${reputation.standing.toFixed(4)}, what dispatch ranks by`,
    `  tasks             ${assigned} given, ${answered} answered, ${broken} broken, ${silent} lost in silence, ${drained} given back`,
    `  results           ${accepted} accepted, ${rejected} rejected`,
  ];
  for (const { app, meanMs, deviationMs, weight } of reputation.turnarounds)
    lines.push(
      `  turnaround        ${app}: ${meanMs.toFixed(0)} ms, give or take ${deviationMs.toFixed(0)} (from ${weight.toFixed(1)})`,
    );
  for (const speed of speeds)
    lines.push(`  measured          ${speed.app} in ${speed.executionClass}: ${speedText(speed)}`);
  for (const { code, message, since, position, event } of reputation.warnings)
    lines.push(
      `${tint(code, "bad")}: ${message}; since ${ago(since)}, ${event.type} of job ${shortHash(event.jobHash)} at ${position}`,
    );
  if (reputation.history.length > 0) lines.push("", historyTable(reputation.history));
  return lines.join("\n");
};

const historyTable = (history: ReputationView["history"]): string =>
  table<ReputationView["history"][number]>(
    [
      { title: "WHEN", text: ({ at }) => ago(at) },
      { title: "POSITION", text: ({ position }) => position, right: true },
      { title: "SCORE", text: ({ score }) => score.toLowerCase() },
      { title: "FROM", text: ({ old }) => old.toFixed(3), right: true },
      {
        title: "TO",
        text: (line) => line.new.toFixed(3),
        tone: (line) => (line.new < line.old ? "bad" : "good"),
        right: true,
      },
      { title: "EVENT", text: ({ event }) => event.type },
      { title: "JOB", text: ({ event }) => shortHash(event.jobHash) },
      { title: "WHY", text: ({ reason }) => reason },
    ],
    history,
  );
