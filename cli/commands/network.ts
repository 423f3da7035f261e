/** `cnct nodes`, `ledger`, `apps`, `watch`: what the network is and does. */

import type { Command } from "commander";
import type { AccountView, AppView, CnctClient, EntryPage, NodeView } from "../../sdk/index.ts";
import { withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { findJob } from "../find-job.ts";
import {
  ago,
  points,
  print,
  printJson,
  printJsonLine,
  say,
  shortHash,
  table,
  tint,
} from "../output.ts";
import { eventText } from "./jobs.ts";
import { pageSize } from "./paging.ts";

export const addNetwork = (program: Command): void => {
  program
    .command("nodes")
    .description("list nodes: who lives, what they offer, how far they can be relied on")
    .option("--app <name>", "only nodes that offer this app")
    .option("--live", "only nodes that were heard of in the last seconds")
    .option("--first <n>", "how many, 1 to 100", "50")
    .action(async (flags: NodesFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const filter = {
          ...(flags.app === undefined ? {} : { app: flags.app }),
          ...(flags.live === true ? { live: true } : {}),
        };
        const found = await client.nodes({ first: pageSize(flags.first), filter });
        const page = { ...found, nodes: found.nodes.toSorted(byName) };
        if (json) return printJson(page);
        if (page.nodes.length === 0) return say("no nodes; start one with cnct worker");
        print(nodeTable(page.nodes));
      }),
    );

  program
    .command("ledger")
    .description("accounts and their points, or the statement of one account")
    .argument("[account]", "such as client:local or node:node-1")
    .option("--first <n>", "how many, 1 to 100", "20")
    .action(async (account: string | undefined, flags: { first: string }, command: Command) =>
      withClient(command, async (client, { json }) => {
        const first = pageSize(flags.first);
        if (account === undefined) {
          const [page, network] = await Promise.all([client.accounts({ first }), client.network()]);
          if (json) return printJson({ ...page, points: network.points });
          print(accountTable(page.nodes));
          const isBalanced = network.points.sum === "0";
          return say(
            isBalanced
              ? "the books balance: all accounts add up to 0"
              : tint(`the books are wrong by ${points(network.points.sum)}`, "bad", process.stderr),
          );
        }
        const { entries, ...row } = await statementOf(client, account, first);
        if (json) return printJson({ ...row, entries });
        print(`${row.id} holds ${points(row.balance)} points after ${row.entryCount} movements`);
        const beside = besideText(row);
        if (beside !== "") print(beside);
        if (entries.nodes.length === 0) return;
        print("");
        print(entryTable(entries.nodes, row.id));
      }),
    );

  program
    .command("apps")
    .description("what jobs can run, what it costs, and who offers it")
    .action(async (_: object, command: Command) =>
      withClient(command, async (client, { json }) => {
        const apps = await client.apps();
        if (json) return printJson(apps);
        print(appTable(apps));
      }),
    );

  program
    .command("watch")
    .description("events as they are written, an event a line, until Ctrl-C")
    .argument("[hash]", "only this job, from its beginning until it ends")
    .option("--after <position>", "begin behind this position; -1 for everything there ever was")
    .option("--type <name>", "only this type; may be repeated", gather, [])
    .action(async (text: string | undefined, flags: WatchFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const stop = new AbortController();
        process.once("SIGINT", () => stop.abort());
        const following = {
          signal: stop.signal,
          ...(flags.after === undefined ? {} : { after: flags.after }),
        };
        const batches =
          text === undefined
            ? client.events({
                ...following,
                ...(flags.type.length === 0 ? {} : { types: flags.type }),
              })
            : client.watch(await findJob(client, text), following);
        for await (const { events } of batches)
          for (const event of events)
            if (json) printJsonLine(event);
            else {
              const at = tint(new Date(event.at).toISOString().slice(11, 23), "dim");
              const where = event.stream.replace(/[0-9a-f]{64}/, shortHash);
              print(`${at}  ${event.type.padEnd(16)}  ${where}  ${eventText(event.data)}`);
            }
      }),
    );
};

interface NodesFlags {
  readonly app?: string;
  readonly live?: boolean;
  readonly first: string;
}
interface WatchFlags {
  readonly after?: string;
  readonly type: readonly string[];
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];

const byName = (a: NodeView, b: NodeView): number =>
  a.id.localeCompare(b.id, "en", { numeric: true });

/** @throws {CliFailure} `unknown-account`. A node that has not earned yet has an account of nothing. */
const statementOf = async (
  client: CnctClient,
  account: string,
  first: number,
): Promise<AccountView & { readonly entries: EntryPage }> => {
  const [row, entries] = await Promise.all([
    client.account(account),
    client.entries(account, { first }),
  ]);
  if (row !== null && entries !== null) return { ...row, entries };
  const nodeId = /^node:(.+)$/.exec(account)?.[1];
  if (nodeId !== undefined && (await client.node(nodeId)) !== null) {
    const pageInfo = { hasNextPage: false, endCursor: null };
    const nothing = { pending: "0", settlesBy: null, bond: "0", entryCount: 0 };
    return { id: account, balance: "0", ...nothing, entries: { nodes: [], pageInfo } };
  }
  throw new CliFailure(
    "unknown-account",
    `nothing ever moved on the account ${account}; cnct ledger lists those that hold points`,
    exitCodes.unknown,
  );
};

const share = (value: number): string => `${Math.round(value * 100)} %`;

/** `cnct node <id>` says what it is warned of. */
const stateOf = ({ status, drainFrom, live, reputation }: NodeView): string => {
  if (status !== "ACTIVE") return status.toLowerCase();
  if (drainFrom !== null && drainFrom <= Date.now()) return live ? "drained" : "drained, away";
  return `${live ? "live" : "away"}${reputation.warnings.length > 0 ? ", warned" : ""}`;
};

const nodeTable = (nodes: readonly NodeView[]): string =>
  table<NodeView>(
    [
      { title: "NODE", text: ({ id }) => id },
      {
        title: "STATE",
        text: stateOf,
        tone: (node) =>
          node.status !== "ACTIVE" || node.reputation.warnings.length > 0
            ? "bad"
            : node.live
              ? "good"
              : "dim",
      },
      { title: "HELD", text: ({ held }) => (held === null ? "" : String(held)), right: true },
      { title: "ACCEPTED", text: ({ reputation }) => String(reputation.accepted), right: true },
      { title: "REJECTED", text: ({ reputation }) => String(reputation.rejected), right: true },
      {
        title: "RELIABLE",
        text: ({ reputation }) => share(reputation.reliability.mean),
        right: true,
      },
      {
        title: "CORRECT",
        text: ({ reputation }) => share(reputation.correctness.mean),
        right: true,
      },
      { title: "POINTS", text: ({ account }) => points(account?.balance ?? "0"), right: true },
      { title: "OWNER", text: ({ owner }) => owner },
      {
        title: "APPS",
        text: ({ capabilities }) => [...new Set(capabilities.apps.map(({ app }) => app))].join(" "),
      },
    ],
    nodes,
  );

const accountTable = (accounts: readonly AccountView[]): string =>
  table<AccountView>(
    [
      { title: "ACCOUNT", text: ({ id }) => id.replace(/[0-9a-f]{64}/, shortHash) },
      { title: "POINTS", text: ({ balance }) => points(balance), right: true },
      { title: "MOVEMENTS", text: ({ entryCount }) => String(entryCount), right: true },
    ],
    accounts,
  );

/** What a node has beside what it can spend; empty for nothing. */
const besideText = ({ id, pending, settlesBy, bond }: AccountView): string => {
  const texts: string[] = [];
  const by = settlesBy === null ? "" : `, settled by ${new Date(settlesBy).toISOString()}`;
  if (id.startsWith("pending:") && by !== "") texts.push(`held${by}`);
  if (pending !== null && pending !== "0") texts.push(`${points(pending)} pending${by}`);
  if (bond !== null && bond !== "0") texts.push(`${points(bond)} in bond`);
  return texts.join("; ");
};

/** The award that closes a job also gives the client back what was not earned. */
const movementText = (
  { type, amount, jobHash }: EntryPage["nodes"][number],
  account: string,
): string => {
  const isRefund = account.startsWith("client:") && jobHash !== null && !amount.startsWith("-");
  return isRefund ? `refund of job ${shortHash(jobHash)}` : type;
};

/** Movements as `account` sees them. */
export const entryTable = (entries: EntryPage["nodes"], account: string): string =>
  table<EntryPage["nodes"][number]>(
    [
      { title: "WHEN", text: ({ at }) => ago(at) },
      { title: "WHAT", text: (entry) => movementText(entry, account) },
      {
        title: "POINTS",
        text: ({ amount }) => (amount.startsWith("-") ? points(amount) : `+${points(amount)}`),
        tone: ({ amount }) => (amount.startsWith("-") ? "bad" : "good"),
        right: true,
      },
      { title: "JOB", text: ({ jobHash }) => (jobHash === null ? "" : shortHash(jobHash)) },
      {
        title: "WITH",
        text: ({ counterparties }) =>
          counterparties.map((id) => id.replace(/[0-9a-f]{64}/, shortHash)).join(" "),
      },
    ],
    entries,
  );

const appTable = (apps: readonly AppView[]): string =>
  table<AppView>(
    [
      { title: "APP", text: ({ name }) => name },
      { title: "PRICE", text: ({ price }) => points(price), right: true },
      {
        title: "NODES",
        text: ({ offers }) => String(offers.reduce((sum, { live }) => sum + live, 0)),
        right: true,
      },
      { title: "READS", text: ({ inputs }) => inputs.map(({ name }) => name).join(" ") },
      { title: "TITLE", text: ({ title }) => title },
    ],
    apps,
  );
