/**
 * What a job would cost, how long it would wait and how it would be checked, said before it is
 * submitted. What it says of the escrow is what the ledger takes; the rest is an estimate from what
 * is known now, and supposes that all nodes are honest.
 */

import type { Millis } from "../decider.ts";
import { type AssuranceClass, budgetOf, type JobSpec } from "../job/spec.ts";
import type { Policy } from "../policy/policy.ts";
import {
  type AssuranceLimits,
  consider,
  type JudgedResult,
  startReplicas,
} from "../verification/assurance.ts";
import { credibilityOf } from "../verification/credibility.ts";
import { auditShare } from "../verification/lottery.ts";
import { type Market, marketsOf, needsOneClass, nodesOf, type Offer, ownersOf } from "./offers.ts";
import type { Plan } from "./plan.ts";
import { planText } from "./plan-text.ts";

export interface Quote {
  readonly app: string;
  readonly assurance: AssuranceClass | undefined;
  /** Version of the policy that it was made under. */
  readonly policy: number;
  /** For each accepted result. Amounts are micro-points. */
  readonly price: bigint;
  /** The most that it can cost: set aside when it is submitted. */
  readonly escrow: bigint;
  /** What it costs as a rule: `executions` times the price. */
  readonly expected: bigint;
  /** Results that are computed and paid, on average: audits are among them. */
  readonly executions: number;
  /** Until the output is there; null while nobody that lives is known to compute it so fast. */
  readonly waitMs: Millis | null;
  readonly eligible: Eligible;
  /** Of whom the policy lists. */
  readonly arbiters: Eligible;
  readonly plan: Plan;
}

export interface Eligible {
  readonly nodes: number;
  /** Heard of just now. */
  readonly live: number;
  readonly owners: number;
  /** Whose result is enough alone; none without an assurance. */
  readonly trusted: number;
  readonly classes: readonly {
    readonly executionClass: string;
    readonly nodes: number;
    readonly live: number;
    readonly owners: number;
  }[];
}

/** What is under way in the network. */
export interface Load {
  /** Jobs that have not ended. */
  readonly openJobs: number;
}

/** The market in which the job would be computed: of those that could, the one with the most owners. */
const chosenMarket = (spec: JobSpec, market: Market): Market =>
  marketsOf(spec, market)[0] ?? { nodes: [], arbiters: [] };

export const quoteOf = (spec: JobSpec, policy: Policy, market: Market, load: Load): Quote => {
  const chosen = chosenMarket(spec, market);
  const live = chosen.nodes.filter((node) => node.live);
  const workers = live.length > 0 ? live : chosen.nodes;
  const course = courseOf(spec, policy, workers);
  const price = BigInt(spec.price);
  const plan = planOf(spec, policy, course);
  const text = planText({ ...plan, text: [] }, spec);
  return {
    app: spec.app,
    assurance: spec.assurance,
    policy: policy.version,
    price,
    escrow: budgetOf(spec),
    // In thousandths of an execution: amounts are never fractions.
    expected: (price * BigInt(Math.round(course.executions * 1_000)) + 500n) / 1_000n,
    executions: course.executions,
    waitMs: waitOf(live, course.executions, load),
    eligible: eligibleIn(chosen.nodes, isTrusted(spec, policy)),
    arbiters: eligibleIn(chosen.arbiters, () => false),
    plan: { ...plan, text },
  };
};

/** How the job goes on average, if every node is as likely as any other and all are honest. */
interface Course {
  readonly start: number;
  readonly executions: number;
  readonly auditShare: number;
}

const courseOf = (spec: JobSpec, policy: Policy, workers: readonly Offer[]): Course => {
  const { assurance, quorum } = spec;
  if (assurance === undefined) return { start: quorum, executions: quorum, auditShare: 0 };
  const { adversaryShare, arbitersToConvict } = policy.verification;
  const rates = policy.verification[assurance];
  const limits = { epsilon: rates.epsilon, replicasMax: spec.replicasMax, arbitersToConvict };
  const courses = standingsOf(workers).map(({ survived, atRisk, nodes }) => {
    const credibility = credibilityOf(survived, adversaryShare);
    const start = startReplicas(credibility, rates.epsilon);
    const share = auditShare(survived, rates, { award: BigInt(spec.price), atRisk });
    const drawn = 1 - (1 - share) ** start;
    const executions =
      drawn * executionsOf({ credibility, start, audited: true }, limits) +
      (1 - drawn) * executionsOf({ credibility, start, audited: false }, limits);
    return { nodes, start, executions, auditShare: share };
  });
  const total = courses.reduce((sum, { nodes }) => sum + nodes, 0);
  const mean = (of: (course: Course) => number) =>
    courses.reduce((sum, course) => sum + of(course) * course.nodes, 0) / total;
  return {
    start: mean(({ start }) => start),
    executions: mean(({ executions }) => executions),
    auditShare: mean(({ auditShare }) => auditShare),
  };
};

interface Standing {
  readonly survived: number;
  readonly atRisk: bigint;
  readonly nodes: number;
}

/** Nodes of one record are alike; where there are none, as for a newcomer. */
const standingsOf = (workers: readonly Offer[]): readonly Standing[] => {
  const standings = new Map<string, Standing>();
  for (const { survived, atRisk } of workers) {
    const key = `${survived} ${atRisk}`;
    const nodes = (standings.get(key)?.nodes ?? 0) + 1;
    standings.set(key, { survived, atRisk, nodes });
  }
  return standings.size === 0 ? [{ survived: 0, atRisk: 0n, nodes: 1 }] : [...standings.values()];
};

/** Results until the job is accepted, by the very rule that the network goes by. */
const executionsOf = (
  {
    credibility,
    start,
    audited,
  }: { readonly credibility: number; readonly start: number; readonly audited: boolean },
  limits: AssuranceLimits,
): number => {
  const results: JudgedResult[] = [];
  const add = (arbiter: boolean) =>
    results.push({ replica: results.length, group: 0, credibility, arbiter });
  while (results.length < start) add(false);
  for (;;) {
    const verdict = consider(results, limits, { audited });
    if (verdict.kind === "accept" || verdict.kind === "none") return results.length;
    add(verdict.kind === "arbiter");
  }
};

const isTrusted =
  ({ assurance }: JobSpec, { verification }: Policy) =>
  ({ survived }: Offer): boolean =>
    assurance !== undefined &&
    startReplicas(
      credibilityOf(survived, verification.adversaryShare),
      verification[assurance].epsilon,
    ) === 1;

const planOf = (spec: JobSpec, policy: Policy, course: Course): Omit<Plan, "text"> => {
  const { comparator, quorum, replicasMax, assurance, commit = false, sealed = false } = spec;
  const { arbitersToConvict, holdJobs, holdMs } = policy.verification;
  return {
    comparator,
    byTag: sealed,
    oneClass: needsOneClass(spec),
    quorum,
    replicasMax,
    replicasAtStart: course.start,
    commit,
    ...(assurance === undefined
      ? {}
      : {
          assured: {
            threshold: 1 - policy.verification[assurance].epsilon,
            auditShare: course.auditShare,
            arbitersToConvict,
            holdJobs,
            holdMs,
          },
        }),
  };
};

/**
 * The mean turnaround of the live nodes, once for the job and once for each round in which their
 * slots work off what is open before it.
 */
const waitOf = (live: readonly Offer[], executions: number, { openJobs }: Load): Millis | null => {
  const known = live.flatMap(({ turnaroundMs }) => (turnaroundMs === null ? [] : [turnaroundMs]));
  if (known.length === 0) return null;
  const turnaroundMs = known.reduce((sum, ms) => sum + ms, 0) / known.length;
  const slots = live.reduce((sum, node) => sum + node.slots, 0);
  return Math.ceil(turnaroundMs * (1 + (openJobs * executions) / Math.max(1, slots)));
};

const eligibleIn = (offers: readonly Offer[], trusts: (offer: Offer) => boolean): Eligible => {
  const isLive = ({ live }: Offer) => live;
  const classes = [...new Set(offers.map(({ executionClass }) => executionClass))].toSorted();
  return {
    nodes: nodesOf(offers),
    live: nodesOf(offers.filter(isLive)),
    owners: ownersOf(offers),
    trusted: nodesOf(offers.filter(trusts)),
    classes: classes.map((executionClass) => {
      const of = offers.filter((offer) => offer.executionClass === executionClass);
      return {
        executionClass,
        nodes: nodesOf(of),
        live: nodesOf(of.filter(isLive)),
        owners: ownersOf(of),
      };
    }),
  };
};
