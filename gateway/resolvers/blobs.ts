import { type Context, seen } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import { connection, type GatewaySources, pageOf } from "../sources.ts";
import { blobPath } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "blob" | "blobs"> = {
  blob: async (_, { digest, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return gateway.projections.views.blob(digest);
  },
  blobs: async (_, { atLeast, ...page }, { gateway }) => {
    await seen(gateway, atLeast);
    return connection(gateway.projections.views.blobs(pageOf(page)));
  },
};

export const Blob: All["Blob"] = { path: ({ digest }) => blobPath(digest) };
