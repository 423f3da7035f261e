/** A verification plan in sentences, for people. */

import type { JobSpec } from "../job/spec.ts";
import type { Comparator } from "../verification/comparator.ts";
import { atolOfScale } from "../verification/tolerance.ts";
import type { Plan } from "./plan.ts";

export const planText = (plan: Plan, spec: JobSpec): readonly string[] => [
  `Two results agree when ${plan.byTag ? "their tags are the same: they are sealed" : agreement(plan.comparator)}.`,
  ...(plan.oneClass
    ? [
        "All results of the job come from one execution class, in which equal work gives equal bits.",
      ]
    : []),
  ...(plan.assured === undefined
    ? [
        `${plan.quorum === 1 ? "One result is enough, and nobody checks it" : `${plan.quorum} results on nodes of different owners must agree`}; ${attempts(plan)}.`,
        ...(plan.commit ? [commits] : []),
        "Nothing is audited, and what was paid stays paid: an assurance changes that.",
      ]
    : assuredText(plan, plan.assured, spec)),
];

const commits = "No result is shown before every node is bound to its own.";

const assuredText = (
  plan: Plan,
  {
    threshold,
    auditShare,
    arbitersToConvict,
    holdJobs,
    holdMs,
  }: Exclude<Plan["assured"], undefined>,
  { assurance }: JobSpec,
): readonly string[] => [
  `${assurance}: a result is accepted when the chance that it is right, from the audits that its nodes survived, is at least ${percent(threshold)}.`,
  `The job starts with ${plural(plan.replicasAtStart, "replica")} on average, never two with one owner; ${attempts(plan)}, and arbiters decide where results differ or too little is known of the nodes.`,
  commits,
  `Then a lottery that nobody can foresee draws ${percent(auditShare)} of the tasks of such nodes, on average: an arbiter computes those again, and its result decides.`,
  `Where results differ, ${arbitersToConvict === 1 ? "one arbiter decides" : `${arbitersToConvict} arbiters of different owners must agree`}; whose result is proven wrong is expelled.`,
  `Nodes get their points after ${holdJobs} more jobs of the network or ${duration(holdMs)}, whichever is first; a node that is convicted before loses them, and the job is computed anew.`,
];

const attempts = ({ replicasMax }: Plan): string =>
  `at most ${replicasMax} ${replicasMax === 1 ? "is" : "are"} tried`;

/** When two results agree, as the end of a sentence. */
export const agreement = (comparator: Comparator): string => {
  switch (comparator.kind) {
    case "exact":
      return "their bytes are the same";
    case "tolerance": {
      const { atol, rtol } = comparator;
      const absolute = atol === undefined ? `${atolOfScale} of the largest number` : `${atol}`;
      const relative = rtol === undefined ? "" : ` and ${rtol} of its own size`;
      return `names, types and shapes are the same and each number differs by at most ${absolute}${relative}`;
    }
    case "text": {
      const { maxDistance = 0 } = comparator;
      return maxDistance === 0
        ? "their text is the same"
        : `their text is the same but for at most ${percent(maxDistance)} of the characters`;
    }
    case "iou":
      return `they have as many boxes, each with one that it overlaps by at least ${percent(comparator.threshold ?? 0.9)}`;
    case "items":
      return `at most ${percent(comparator.maxDifferent ?? 0.1)} of the items differ`;
  }
};

/** `99 %`, `99.9 %`, `3.2 %`. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(4))} %`;

const plural = (count: number, noun: string): string => {
  const shown = Number(count.toFixed(2));
  return `${shown} ${noun}${shown === 1 ? "" : "s"}`;
};

const duration = (ms: number): string => {
  const hours = ms / 3_600_000;
  if (hours >= 1) return `${Number(hours.toFixed(1))} h`;
  return ms >= 60_000 ? `${Number((ms / 60_000).toFixed(1))} min` : `${ms / 1_000} s`;
};
