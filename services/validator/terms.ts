/** On what a job with an assurance is judged, from what is known of its nodes at one place in the log. */
import type { NodeId } from "../../domain/ids.ts";
import { type AssuranceTerms, type OpenJob, received } from "../../domain/job/job.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";

/** What facts had told up to a position. */
export interface Known {
  /** The position: who repeats the judgement counts up to there. */
  readonly asOf: number;
  readonly policy: Policy;
  readonly survived: (nodeId: NodeId, runtime: string) => number;
  readonly isConvicted: (nodeId: NodeId) => boolean;
}

/** Undefined for a job without an assurance. */
export const termsOf = (
  job: OpenJob,
  { asOf, policy: { version, verification }, survived, isConvicted }: Known,
): AssuranceTerms | undefined => {
  const { assurance, app } = job.spec;
  if (!assurance) return undefined;
  const { adversaryShare, arbitersToConvict } = verification;
  const { epsilon } = verification[assurance];
  const results = received(job);
  return {
    policy: version,
    asOf,
    ...{ adversaryShare, epsilon, arbitersToConvict },
    survived: results
      .filter(({ role }) => role === undefined)
      .map(({ replica, nodeId, executionClass }) => {
        return { replica, survived: survived(nodeId, runtimeOf(app, executionClass)) };
      }),
    convicted: results.filter(({ nodeId }) => isConvicted(nodeId)).map(({ replica }) => replica),
  };
};
