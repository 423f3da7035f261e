/** How a job's results were checked, in plain words. */

import { agreement, percent } from "../domain/quote/plan-text.ts";
import type { Comparator } from "../domain/verification/comparator.ts";
import type { JobVerification, JobView } from "../sdk/index.ts";
import { type Line, points } from "./output.ts";

export const verificationLines = (job: JobView, verification: JobVerification): readonly Line[] => [
  { name: "wanted", value: wantedText(job) },
  { name: "compared", value: comparedText(job, verification) },
  ...named("began", startText(job, verification)),
  ...named("audits", verification.draws.map(drawText)),
  ...named("more", verification.wishes.map(wishText)),
  ...named("results", verification.verdicts.map(verdictText)),
  ...named("sure", sureText(verification)),
  ...named(
    "taken back",
    verification.reopenings.map(
      ({ at, convicts }) =>
        `${instant(at)}: ${convicts.join(", ")} ${convicts.length === 1 ? "was" : "were"} proven wrong elsewhere, and no arbiter had looked here`,
    ),
  ),
  ...named("awards", job.awards.map(awardText)),
];

/** Under one name. */
const named = (name: string, values: readonly string[]): readonly Line[] =>
  values.map((value, at) => ({ name: at === 0 ? name : "", value }));

const wantedText = ({ assurance, quorum, replicasMax }: JobView): string => {
  if (assurance !== null)
    return `assurance ${assurance.toLowerCase()}: as sure as the policy says, from what is known of the nodes; at most ${replicasMax} replicas`;
  if (quorum === 1) return "one result, which nobody checks";
  return `${quorum} results that agree, of at most ${replicasMax}`;
};

const comparedText = ({ spec }: JobView, { comparator, verdicts }: JobVerification): string => {
  const kind = (spec as { readonly comparator: Comparator }).comparator;
  const rule = comparator === "tag" ? "their tags are the same" : agreement(kind);
  const bounds = verdicts.at(-1)?.bounds as Readonly<Record<string, number>> | null | undefined;
  const with_ =
    bounds === null || bounds === undefined
      ? ""
      : ` (${Object.entries(bounds)
          .map(([name, bound]) => `${name} ${bound}`)
          .join(", ")})`;
  return `${comparator}${with_}: two results agree when ${rule}`;
};

const startText = ({ assurance, tasks }: JobView, { wishes }: JobVerification) => {
  if (assurance === null || tasks.length === 0) return [];
  // Else it is told among what more was wanted.
  const isAlone = wishes.every(({ why }) => why !== "one-not-enough");
  return isAlone ? ["with one result, which could be believed alone unless it was audited"] : [];
};

const drawText = (draw: JobVerification["draws"][number]): string => {
  const { replica, nodeId, share, survived, atRisk, audited } = draw;
  const outcome = audited ? "drawn: an arbiter computes it too" : "not drawn";
  const known = `${survived} ${survived === 1 ? "audit" : "audits"} survived, ${points(atRisk)} points at risk`;
  return `replica ${replica} of ${nodeId}, by a chance of ${percent(share)} (${known}): ${outcome}`;
};

const whyTexts: Readonly<Record<string, string>> = {
  "one-not-enough": "the first node's result alone could not be believed",
  "not-credible": "the results agree and could not be believed yet",
  "audit-drawn": "the lottery drew an audit",
  audited: "an arbiter must have its say",
  "results-differ": "the results differ",
  reopened: "what the job rested on was a convict's",
};

const wishText = (wish: JobVerification["wishes"][number]): string => {
  const { at, why, wanted, arbitersWanted, credibility, threshold, groups, distance } = wish;
  const reason = why === null ? "more was wanted" : (whyTexts[why] ?? why);
  const apart =
    groups === null || distance === null
      ? ""
      : ` (replicas ${groups.map((group) => group.join("+")).join(" against ")}, distance ${figure(distance)})`;
  const isSure =
    credibility === null || threshold === null
      ? ""
      : `; ${sure(credibility)} sure, ${sure(threshold)} wanted`;
  return `${instant(at)}: ${reason}${apart}${isSure}; from then ${count(wanted, "result")} of nodes and ${arbitersWanted} of arbiters`;
};

const verdictText = (verdict: JobVerification["verdicts"][number]): string => {
  const { replica, nodeId, arbiter, accepted, distance, reason, audited, convicted } = verdict;
  const who = `replica ${replica} of ${arbiter ? "arbiter " : ""}${nodeId}`;
  const how = `distance ${figure(distance)}`;
  if (!accepted)
    return `${who}: rejected (${reason}), ${how}${convicted ? "; proven wrong, the node is expelled" : ""}`;
  return `${who}: accepted, ${how}${audited ? "; an arbiter computed the same" : ""}`;
};

const sureText = (verification: JobVerification): readonly string[] => {
  const { credibility, threshold, policyVersion, audited } = verification;
  if (credibility === null || threshold === null) return [];
  return [
    `${sure(credibility)}, where ${sure(threshold)} was wanted by policy version ${policyVersion}; ${audited ? "an arbiter has computed it too" : "no arbiter had to look"}`,
  ];
};

const awardText = ({ nodeId, amount, state, heldUntil }: JobView["awards"][number]): string => {
  const what = `${points(amount)} points for ${nodeId}`;
  switch (state) {
    case "HELD":
      return `${what}: held until ${heldUntil === null ? "they settle" : instant(heldUntil)} at the latest; until then it can be taken back`;
    case "VOIDED":
      return `${what}: taken back, since the node was convicted`;
    case "SETTLED":
      return `${what}: settled`;
    case "PAID":
      return `${what}: paid`;
  }
};

/** `99.4 %`, `99.9999 %`: never rounded up to certainty. */
const sure = (share: number): string => {
  const digits = Math.min(6, Math.max(1, Math.ceil(-Math.log10(Math.max(1 - share, 1e-9))) - 1));
  const scale = 10 ** digits;
  return `${Number((Math.floor(share * 100 * scale + 1e-6) / scale).toFixed(digits))} %`;
};

const figure = (value: number): string => String(Number(value.toPrecision(3)));
const instant = (at: number): string => new Date(at).toISOString();
const count = (value: number, noun: string): string => `${value} ${noun}${value === 1 ? "" : "s"}`;
