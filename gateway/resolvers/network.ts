import { type Context, lifeOf, seen } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "network"> = {
  network: async (_, { atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return {};
  },
};

export const Network: All["Network"] = {
  access: (_, __, { gateway }) => (gateway.access.mode === "open" ? "OPEN" : "IDENTITIES"),
  version: (_, __, { gateway }) => gateway.version,
  natsUrl: (_, __, { gateway }) => gateway.natsUrl,
  head: (_, __, { gateway }) => gateway.store.head(),
  position: (_, __, { gateway }) => gateway.projections.position(),
  events: (_, __, { gateway }) => gateway.projections.views.totals().events,
  jobs: (_, __, { gateway }) => gateway.projections.views.totals().jobs,
  nodes: (_, __, { gateway }) => {
    const { active, suspended } = gateway.projections.views.totals().nodes;
    let live = 0;
    for (const nodeId of gateway.live().keys()) if (lifeOf(gateway, nodeId)) live++;
    return { registered: active + suspended, suspended, live };
  },
  points: (_, __, { gateway }) => {
    const { points, ledgerSum } = gateway.projections.views.totals();
    const { issued, funded, awarded, refunded, voided, slashed } = points;
    return {
      issued: issued.toString(),
      funded: funded.toString(),
      awarded: awarded.toString(),
      refunded: refunded.toString(),
      voided: voided.toString(),
      slashed: slashed.toString(),
      sum: ledgerSum.toString(),
    };
  },
  blobs: (_, __, { gateway }) => gateway.blobs.usage(),
  limits: (_, __, { gateway }) => gateway.limits,
};
