/** Whom a task that hangs is given to as well. */
import type { Millis } from "../decider.ts";
import type { Policy } from "../policy/policy.ts";
import type { Looked } from "./reason.ts";

/**
 * Whether a node may have a backup: a slot of it is idle, it stands no lower than one of which nothing
 * is known, and it has answered such tasks, in less time than this one has run.
 *
 * @param looked - As it is recorded, so that whoever reads the assignment comes to the same.
 * @param ranMs - How long the task has run that hangs.
 */
export const mayBackUp = (
  [, standing, held, reserved, slots, turnaroundMs]: Looked,
  ranMs: Millis,
  { reputation }: Policy,
): boolean =>
  held + reserved < slots &&
  standing >= Math.round(reputation.newcomerStanding * 10_000) &&
  turnaroundMs > 0 &&
  turnaroundMs <= ranMs;
