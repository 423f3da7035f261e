import type { Context } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Event: All["Event"] = {
  at: ({ data, recordedAt }) => {
    const { at } = data as { readonly at?: unknown };
    return typeof at === "number" ? at : recordedAt;
  },
};
