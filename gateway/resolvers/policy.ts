import { type Context, seen } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "policy"> = {
  policy: async (_, { atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    const { policy, adoptedAt } = await gateway.policy.find();
    return { version: policy.version, adoptedAt: adoptedAt ?? null, parameters: policy };
  },
};
