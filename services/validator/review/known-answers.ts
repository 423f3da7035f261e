/** Whether a known answer proves what it is said to prove: made and computed again from its seed. */
import type { Sha256 } from "../../../domain/hashing.ts";
import type { Job } from "../../../domain/job/job.ts";
import type { NodeConvicted } from "../../../domain/node/node.ts";
import { isProbeSeed } from "../../../domain/probe/task.ts";
import type { KnownAnswers } from "../../prober/run-prober.ts";

/**
 * @param job - That the node is convicted for, as it is then.
 * @returns Why it proves nothing; undefined if the node gave another answer than the right one.
 */
export const knownAnswerFault = async (
  { nodeId, replica, known }: Pick<NodeConvicted, "nodeId" | "replica" | "known">,
  job: Job,
  { make, sha256 }: { readonly make: KnownAnswers["make"] | undefined; readonly sha256: Sha256 },
): Promise<string | undefined> => {
  if (!known || job.status === "unknown") return "there is no such job";
  const task = job.tasks[replica];
  if (task?.status !== "received" || task.nodeId !== nodeId) return "the node gave no result";
  if (task.outputDigest === known.outputDigest) return "the node gave the right answer";
  if (job.status !== "open") return "the job had ended";
  if (!isProbeSeed(known.seed)) return "it tells no seed";
  if (!make) return "nobody here computes it again";
  const made = await make(known.seed, known.size);
  const { module, data } = job.spec.inputs;
  if (module?.digest !== sha256(made.module) || data?.digest !== sha256(made.data))
    return "the job is not made from the seed";
  return made.outputDigest === known.outputDigest ? undefined : "the right answer is another";
};
