/**
 * BOINC's adaptive replication, for comparison: a host that agreed with others often enough computes
 * alone most of the time. Our own rule is `../assurance.ts`.
 *
 * @see BOINC, sched/sched_send.cpp and sched/sched_config.h, and the wiki page AdaptiveReplication.
 */

/** Valid results in a row that a host needs before it may compute alone. */
export const trustedFrom = 10;

/**
 * Whether a job that is sent to this host is computed by others too.
 *
 * @param valid - The host's valid results in a row, of replicated jobs only.
 * @param draw - A random number from 0 (inclusive) to 1 (exclusive).
 */
export const isReplicated = (valid: number, draw: number): boolean =>
  valid < trustedFrom || draw <= 1 / valid;

/** A host's count after a replicated job; a job that it computed alone does not change it. */
export const validAfter = (valid: number, outcome: "agreed" | "differed" | "failed"): number =>
  outcome === "agreed" ? valid + 1 : 0;
