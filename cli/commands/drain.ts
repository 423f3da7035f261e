/** `cnct node drain | resume <id>`: an owner tells one of its nodes, from anywhere, to take no tasks. */

import type { Command } from "commander";
import { withActor } from "../cli.ts";
import { instantAheadIn } from "../instant.ts";
import { printJson, say } from "../output.ts";

/** What the gateway asks of an owner here, and nothing that a client may do. */
const scopes = ["nodes:register"] as const;

/** Under `cnct node`, which is there. */
export const addDrain = (program: Command): void => {
  const node = program.commands.find((command) => command.name() === "node");
  if (node === undefined) throw new Error("there is no command to go under");
  node
    .command("drain")
    .description("tell one of your nodes to finish what it computes and take no more tasks")
    .argument("<id>", "the node's name")
    .option("--at <when>", "from an instant, or from so long on, such as 2h: now if left out")
    .action(async (id: string, { at }: { at?: string }, command: Command) =>
      withActor(
        command,
        async (client, { json }) => {
          const from = at === undefined ? undefined : instantAheadIn("--at", at);
          const told = await client.drainNode(id, from === undefined ? {} : { at: from });
          if (json) return printJson(told);
          const since = from === undefined ? "from now on" : `from ${new Date(from).toISOString()}`;
          say(`node ${id} takes no more tasks ${since}; cnct node resume ${id} takes that back`);
        },
        { scopes },
      ),
    );
  node
    .command("resume")
    .description("let a node that was drained take tasks again")
    .argument("<id>", "the node's name")
    .action(async (id: string, _: object, command: Command) =>
      withActor(
        command,
        async (client, { json }) => {
          const told = await client.resumeNode(id);
          if (json) printJson(told);
          else say(`node ${id} takes tasks again`);
        },
        { scopes },
      ),
    );
};
