/**
 * How long a batch takes of which some nodes go wrong, with backups and without: the real dispatcher
 * and the real rules of a job in simulated time. The figures of `docs/fairness.md`.
 */
import { seededRandom } from "../../domain/chance.ts";
import type { TaskAssigned } from "../../domain/job/events.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { runBatch } from "../batch-run.ts";

const jobs = 400;
const nodes = 20;
const usualMs = 2_000;
const isWrong = ({ nodeId }: TaskAssigned): boolean => nodeId === "node-0" || nodeId === "node-1";

/** How many times as long a node that goes wrong takes for its nth task. */
const scenes: Readonly<Record<string, (n: number) => number>> = {
  "all are well": () => 1,
  "two are ten times as slow": () => 10,
  "two are thirty times as slow": () => 30,
  "two hang from their 16th task on": (n) => (n < 15 ? 1 : Infinity),
};

for (const [scene, factor] of Object.entries(scenes))
  for (const tailShare of [0, policyDefaults.dispatch.tailShare]) {
    const random = seededRandom(7);
    const { endedAfterMs, backups, paid } = runBatch({
      ...{ jobs, nodes, tailShare },
      tookMs: (task, n) => usualMs * (0.8 + 0.4 * random()) * (isWrong(task) ? factor(n) : 1),
    });
    let cost = 0;
    for (const amount of paid.values()) cost += Number(amount);
    const more = (cost / (jobs * 1_000) - 1) * 100;
    console.log(
      `${scene}, tailShare ${tailShare}: ${(endedAfterMs / 1_000).toFixed(1)} s, ` +
        `${backups.length} backups, ${more.toFixed(2)} % more to pay`,
    );
  }
