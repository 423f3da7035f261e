import { type Eligible, type Quote, quoteOf } from "../../domain/quote/quote.ts";
import { activeNodes } from "../active-nodes.ts";
import { type Context, seen } from "../context.ts";
import { marketOf } from "../market.ts";
import type { EligibleNodes, JobQuote, Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { obstacleTo, readSpec } from "../submission.ts";
import { assuranceClasses, refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "quote"> = {
  quote: async (_, { spec: value, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    const read = readSpec(value, undefined);
    if (!read.ok) return refusal(read.refusal);
    const { policy } = await gateway.policy.find();
    const obstacle = obstacleTo(gateway, read.spec, policy);
    if (obstacle) return refusal(obstacle);
    const market = marketOf(gateway, read.spec.app, policy, atLeast);
    const { openJobs } = activeNodes(gateway);
    return wireQuote(quoteOf(read.spec, policy, market, { openJobs }));
  },
};

const wireQuote = (quote: Quote): JobQuote & { readonly __typename: "JobQuote" } => {
  const { assurance, plan } = quote;
  const { assured } = plan;
  return {
    __typename: "JobQuote",
    app: quote.app,
    assurance: assurance === undefined ? null : assuranceClasses[assurance],
    policyVersion: quote.policy,
    price: quote.price.toString(),
    escrow: quote.escrow.toString(),
    expected: quote.expected.toString(),
    executions: quote.executions,
    waitMs: quote.waitMs,
    eligible: wireEligible(quote.eligible),
    arbiters: wireEligible(quote.arbiters),
    plan: {
      comparator: plan.comparator,
      byTag: plan.byTag,
      oneClass: plan.oneClass,
      quorum: plan.quorum,
      replicasAtStart: plan.replicasAtStart,
      replicasMax: plan.replicasMax,
      commit: plan.commit,
      threshold: assured?.threshold ?? null,
      auditShare: assured?.auditShare ?? null,
      arbitersToConvict: assured?.arbitersToConvict ?? null,
      holdJobs: assured?.holdJobs ?? null,
      holdMs: assured?.holdMs ?? null,
      text: plan.text,
    },
  };
};

/** A node offers an app in a few classes, of which there may be as many as nodes. */
const classesMax = 100;

const wireEligible = ({ classes, ...rest }: Eligible): EligibleNodes => ({
  ...rest,
  classes: classes.toSorted((a, b) => b.nodes - a.nodes).slice(0, classesMax),
});
