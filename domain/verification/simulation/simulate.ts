/** Runs one simulation: the same settings give the same report, on any machine. */
import type { Sha256 } from "../../hashing.ts";
import { policyDefaults, type VerificationPolicy } from "../../policy/policy.ts";
import { boinc, gonka, majority, poco } from "./others.ts";
import { ours, type Rules } from "./ours.ts";
import { faultIn, type Settings } from "./settings.ts";
import { newTally, type Report, reportOf, type Tally } from "./tally.ts";
import { createWorld, type World } from "./world.ts";

export interface Ways {
  /** Of our own schemes; the defaults if left out. */
  readonly policy?: VerificationPolicy;
  /** Of our own schemes; the real ones if left out. */
  readonly rules?: Rules;
  readonly sha256?: Sha256;
}

/**
 * @throws {RangeError} If the settings make no sense: ask `faultIn` first.
 */
export const simulateVerification = (settings: Settings, ways: Ways = {}): Report => {
  const fault = faultIn(settings);
  if (fault !== undefined) throw new RangeError(fault.message);
  const hidden = settings.scheme.startsWith("ours") || settings.scheme === "poco";
  const world = createWorld(settings, { hidden });
  const tally = newTally();
  const run = schemeOf(settings, world, tally, ways);
  for (let job = 0; job < settings.jobs; job++) run(job);
  return reportOf(settings, tally, world.workers);
};

const schemeOf = (
  settings: Settings,
  world: World,
  tally: Tally,
  { policy = policyDefaults.verification, ...ways }: Ways,
): ((job: number) => void) => {
  switch (settings.scheme) {
    case "ours-standard":
      return ours(world, tally, { settings, policy, assurance: "standard", ...ways });
    case "ours-high":
      return ours(world, tally, { settings, policy, assurance: "high", ...ways });
    case "boinc":
      return boinc(world, tally);
    case "poco":
      return poco(world, tally);
    case "gonka":
      return gonka(world, tally, settings.workers);
    case "majority":
      return majority(world, tally);
  }
};
