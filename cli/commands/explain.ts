/** `cnct explain`: why a job went where it went, why it waits, why a node got no work; recomputed. */

import type { Command } from "commander";
import type { CnctClient } from "../../sdk/index.ts";
import { withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { checkAll, checkedJson, tellChecked } from "../explain/check.ts";
import { explainJob, jobJson, tellJob } from "../explain/job.ts";
import { headOf, positionIn } from "../explain/log.ts";
import { explainNode, nodeNow, tellNode } from "../explain/node.ts";
import { CliFailure } from "../failures.ts";
import { findJob } from "../find-job.ts";
import { instantIn } from "../instant.ts";
import { printJson } from "../output.ts";

export const addExplain = (program: Command): void => {
  const explain = program
    .command("explain")
    .description("why: each decision of dispatch, made again from the log");

  explain
    .command("job")
    .description("who was weighed for each task of a job and why one got it; why an open job waits")
    .argument("<hash>", "the job hash, or its first characters")
    .option("--at <position>", "as it was at this position of the log")
    .action(async (text: string, { at }: AtFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const upTo = await positionOf(client, at);
        const answer = await explainJob(client, await findJob(client, text), upTo);
        if (json) return printJson(jobJson(answer));
        tellJob(answer);
      }),
    );

  explain
    .command("node")
    .description("what a node got, what it was weighed for and lost, and why it got no more")
    .argument("<id>", "the node's name")
    .option("--since <time>", "only decisions since: 30s, 15m, 1h, 7d ago, or an instant")
    .option("--at <position>", "only decisions up to this position of the log")
    .action(async (nodeId: string, { at, since }: NodeFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const from = since === undefined ? 0 : instantIn("--since", since);
        const upTo = await positionOf(client, at);
        const answer = await explainNode(client, nodeId, { from, upTo });
        // Whether it is heard is of the present alone.
        const now = at === undefined ? await nodeNow(client, nodeId) : undefined;
        if (json) return printJson({ ...answer, now: now ?? null });
        tellNode(answer, now);
      }),
    );

  explain
    .command("check")
    .description("makes every assignment of the log again; fails if any comes out another")
    .option("--at <position>", "only up to this position of the log")
    .action(async ({ at }: AtFlags, command: Command) =>
      withClient(command, async (client, { json }) => {
        const upTo = await positionOf(client, at);
        const checked = await checkAll(client, upTo);
        if (json) printJson(checkedJson(checked));
        else tellChecked(checked);
        const { counts } = checked;
        if (counts.differs > 0)
          throw new CliFailure(
            "decision-differs",
            `${counts.differs} assignments do not follow from what the log says`,
            exitCodes.refused,
          );
      }),
    );
};

interface AtFlags {
  readonly at?: string;
}
interface NodeFlags extends AtFlags {
  readonly since?: string;
}

const positionOf = async (client: CnctClient, at: string | undefined): Promise<bigint> =>
  positionIn(at, await headOf(client));
