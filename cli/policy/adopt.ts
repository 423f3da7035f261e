/** Puts a policy in force, at the store: whoever may write there is the operator. */

import type { Actor } from "../../domain/decider.ts";
import { adoption } from "../../domain/policy/adoption.ts";
import { changesBetween, type Policy, type PolicyChange } from "../../domain/policy/policy.ts";
import { readPolicy } from "../../services/policy.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { policyStream } from "../../streams/names.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { demandPolicy } from "./policy-file.ts";

export const operator: Actor = "operator";

export interface Adopting {
  readonly store: Pick<EventStore, "append" | "readStream">;
  readonly ids: EventIds;
  readonly clock: Clock;
}

export interface Adopted {
  readonly version: number;
  /** What is another now; empty if it was in force already. */
  readonly changes: readonly PolicyChange[];
}

/**
 * @throws {CliFailure} `policy-outdated` if the policy was written for another version than the one
 *   in force.
 */
export const adoptPolicy = async (
  { store, ids, clock }: Adopting,
  policy: Policy,
): Promise<Adopted> => {
  const before = await readPolicy(store);
  const answer = await handleCommand(
    { store, ids },
    adoption,
    { stream: policyStream },
    { type: "AdoptPolicy", policy, actor: operator, now: clock.now() },
  );
  if (answer.ok) {
    const [adopted] = answer.events;
    if (adopted === undefined) return { version: before.version, changes: [] };
    return { version: adopted.policy.version, changes: changesBetween(before, adopted.policy) };
  }
  if (answer.reason === "BadPolicy") demandPolicy(policy, "the policy");
  throw new CliFailure(
    "policy-outdated",
    `the policy was written for version ${policy.version}, and version ${before.version} is in force; change what cnct policy show --json prints, and adopt that`,
    exitCodes.refused,
  );
};

/** What a process is told at its start; what is left out stays as it is. */
export interface PolicyWish {
  /** Of any version. */
  readonly policy?: Policy;
  /** Take the place of those in it. */
  readonly arbiters?: readonly string[];
}

/** So often may somebody else adopt another one meanwhile. */
const triesMax = 5;

/**
 * Adopts what a wish says as far as it differs from what is in force.
 *
 * @throws {CliFailure} With the fault that `parsePolicy` finds, such as `too-few-arbiters`.
 */
export const adoptWish = async (adopting: Adopting, wish: PolicyWish): Promise<Adopted> => {
  for (let tries = 1; ; tries++) {
    const inForce = await readPolicy(adopting.store);
    const wanted = wish.policy ?? inForce;
    const { arbiters = wanted.verification.arbiters } = wish;
    const policy = {
      ...wanted,
      version: inForce.version,
      verification: { ...wanted.verification, arbiters },
    };
    try {
      return await adoptPolicy(adopting, demandPolicy(policy, "the policy"));
    } catch (error) {
      const isLate = error instanceof CliFailure && error.code === "policy-outdated";
      if (!isLate || tries === triesMax) throw error;
    }
  }
};

/** One line for each change: `verification.holdMs: 86400000 -> 60000`. */
export const changeLines = (changes: readonly PolicyChange[]): readonly string[] =>
  changes.map(
    ({ parameter, from, to }) => `${parameter}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`,
  );
