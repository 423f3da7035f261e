import { type AppName, catalogue, isAppName } from "../../domain/catalogue.ts";
import { defaultReplicasMax } from "../../domain/job/spec.ts";
import { type ActiveNodes, activeNodes } from "../active-nodes.ts";
import { type Context, type Gateway, lifeOf, seen } from "../context.ts";
import { GraphqlFault } from "../errors.ts";
import type { ExecutionClassOffer, Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "apps" | "app"> = {
  apps: async (_, { atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    const names = Object.keys(catalogue) as AppName[];
    return names.map((name) => ({ name, app: catalogue[name], atLeast }));
  },
  app: async (_, { name, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return isAppName(name) ? { name, app: catalogue[name], atLeast } : null;
  },
};

export const App: All["App"] = {
  title: ({ app }) => app.title,
  inputs: ({ app }) => app.inputs.map(({ many = false, ...input }) => ({ ...input, many })),
  params: ({ app }) => app.params,
  outputMediaType: ({ app }) => app.outputMediaType,
  comparator: ({ app }) => app.comparator,
  price: ({ app }) => app.priceMicroPoints,
  quote: ({ app }, { quorum = 2, replicasMax, price }) => {
    const most = replicasMax ?? defaultReplicasMax(quorum);
    if (quorum < 1 || quorum > 5) throw new GraphqlFault("BAD_USER_INPUT", "quorum must be 1 to 5");
    if (most < quorum || most > 9)
      throw new GraphqlFault("BAD_USER_INPUT", `replicasMax must be ${quorum} to 9`);
    const each = BigInt(price ?? app.priceMicroPoints);
    return {
      expected: (each * BigInt(quorum)).toString(),
      escrow: (each * BigInt(most)).toString(),
    };
  },
  wallMs: ({ app }) => app.limits.wallMs,
  memoryMb: ({ app }) => app.limits.memoryMb,
  models: ({ app }) => app.models,
  offers: ({ name, atLeast }, _, { gateway }) => offersOf(gateway, atLeast).get(name) ?? [],
};

type Offers = ReadonlyMap<string, readonly ExecutionClassOffer[]>;
/** Of one reading of the nodes. */
const counted = new WeakMap<ActiveNodes, Offers>();

const offersOf = (gateway: Gateway, atLeast: string | null | undefined): Offers => {
  const active = activeNodes(gateway, atLeast);
  const offers = counted.get(active) ?? countOffers(gateway, active);
  counted.set(active, offers);
  return offers;
};

const countOffers = (gateway: Gateway, { nodes }: ActiveNodes): Offers => {
  const counts = new Map<string, Map<string, { nodes: number; live: number; slots: number }>>();
  for (const { nodeId, capabilities } of nodes) {
    const isLive = lifeOf(gateway, nodeId) !== undefined;
    for (const { app, executionClass } of capabilities.apps) {
      const classes = counts.get(app) ?? new Map<string, never>();
      const { nodes, live, slots } = classes.get(executionClass) ?? noOffer;
      classes.set(executionClass, {
        nodes: nodes + 1,
        live: live + Number(isLive),
        slots: slots + (isLive ? capabilities.slots : 0),
      });
      counts.set(app, classes);
    }
  }
  return new Map(
    Array.from(counts, ([app, classes]) => [
      app,
      Array.from(classes, ([executionClass, count]) => ({ executionClass, ...count })),
    ]),
  );
};
const noOffer = { nodes: 0, live: 0, slots: 0 };
