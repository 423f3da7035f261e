/**
 * What scores are computed with: a part of the policy, which says what each parameter does. A score
 * is always that of the parameters in force where its events stand in the log.
 */
import { type Policy, policyDefaults } from "../policy/policy.ts";

export type ReputationParameters = Policy["reputation"];

export const reputationDefaults: ReputationParameters = policyDefaults.reputation;
