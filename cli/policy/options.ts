/** What commands that start a coordinator take about the policy, and whether they test nodes. */

import { Option } from "commander";
import type { PolicyWish } from "./adopt.ts";
import { readPolicyFile } from "./policy-file.ts";

export const policyOption = [
  "--policy <file>",
  "adopt this policy if it differs from the one in force, whatever its version",
] as const;
export const arbiterOption = [
  "--arbiter <owner>",
  "whose nodes decide what others dispute, instead of those in the policy; may be repeated",
  (owner: string, before: readonly string[]): readonly string[] => [...before, owner],
  [] as readonly string[],
] as const;

/** What the two options say; undefined for nothing. */
export const policyWish = async ({
  policy,
  arbiter,
}: {
  readonly policy?: string;
  readonly arbiter: readonly string[];
}): Promise<PolicyWish | undefined> =>
  policy === undefined && arbiter.length === 0
    ? undefined
    : {
        ...(policy === undefined ? {} : { policy: await readPolicyFile(policy) }),
        ...(arbiter.length === 0 ? {} : { arbiters: [...new Set(arbiter)] }),
      };

export type ProbesMode = "on" | "off";
/** Of every command that starts a coordinator. */
export const probesOption = (): Option =>
  new Option("--probes <how>", "whether nodes are tested with tasks whose answer is known")
    .choices(["on", "off"])
    .default("on");
