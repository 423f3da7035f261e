/** How the results of a job would be checked. */
import type { Millis } from "../decider.ts";
import type { Comparator } from "../verification/comparator.ts";

export interface Plan {
  readonly comparator: Comparator;
  /** Sealed results are compared by their tags. */
  readonly byTag: boolean;
  /** All results must come from one execution class. */
  readonly oneClass: boolean;
  /** So many results must agree; 1 with an assurance. */
  readonly quorum: number;
  readonly replicasMax: number;
  /** Replicas that are given out at first, on average. */
  readonly replicasAtStart: number;
  /** Nobody shows a result before all are bound to theirs. */
  readonly commit: boolean;
  /** The rest is of jobs with an assurance, and undefined without one. */
  readonly assured?: {
    /** A result is accepted when it is right with this probability at least. */
    readonly threshold: number;
    /** Share of tasks that an arbiter computes again, on average over the eligible nodes. */
    readonly auditShare: number;
    readonly arbitersToConvict: number;
    readonly holdJobs: number;
    readonly holdMs: Millis;
  };
  /** The same in sentences. */
  readonly text: readonly string[];
}
