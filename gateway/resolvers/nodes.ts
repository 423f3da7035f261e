import { nodeAccount } from "../../domain/ids.ts";
import { type Capabilities, capabilitiesFault, node } from "../../domain/node/node.ts";
import { surelyAtLeast } from "../../domain/probe/speed.ts";
import { correctness, reliability } from "../../domain/reputation/standing.ts";
import type { NodeStatus, NodeView } from "../../projections/views.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import {
  heartbeatSubject,
  nodeStream,
  resultSubject,
  resultsStream,
  taskSubject,
  tasksStream,
} from "../../streams/names.ts";
import { mayI } from "../access/caller.ts";
import { type Context, type Gateway, heardOf, lifeOf, type NodeLife, seen } from "../context.ts";
import { nodeRefusals } from "../errors.ts";
import type { NodeFilter, Resolvers } from "../schema.types.ts";
import { type Connection, connection, type GatewaySources, given, pageOf } from "../sources.ts";
import { accountOf } from "./accounts.ts";
import { identityOf } from "./identities.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

const nodeStatus = {
  active: "ACTIVE",
  suspended: "SUSPENDED",
  expelled: "EXPELLED",
} as const satisfies Readonly<Record<NodeStatus, string>>;

const rowStatus = { ACTIVE: "active", SUSPENDED: "suspended", EXPELLED: "expelled" } as const;

/** Nodes that one request looks at, at most. */
const lookedAtMax = 2_000;

export const Query: Pick<All["Query"], "node" | "nodes"> = {
  node: async (_, { id, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return gateway.projections.views.node(id);
  },
  nodes: async (_, { filter, first, after, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return matching(gateway, filter ?? {}, pageOf({ first, after }));
  },
};

/** A page of the nodes that match; shorter than asked for when too many that do not lie between. */
const matching = (
  gateway: Gateway,
  filter: NodeFilter,
  { first, after }: { readonly first: number; readonly after?: string },
): Connection<NodeView> => {
  const { views } = gateway.projections;
  const { status, app } = filter;
  const indexed = {
    ...(app ? { app } : {}),
    ...(status ? { status: rowStatus[status] } : {}),
  };
  const edges: { readonly cursor: string; readonly node: NodeView }[] = [];
  let cursor = after;
  for (let lookedAt = 0; ; ) {
    const page = connection(views.nodes(indexed, pageOf({ first, after: cursor })));
    for (const edge of page.edges) {
      cursor = edge.cursor;
      lookedAt++;
      if (matches(gateway, edge.node, filter)) edges.push(edge);
      if (edges.length < first && lookedAt < lookedAtMax) continue;
      const isLast = edge === page.edges.at(-1);
      return listed(edges, { hasNextPage: !isLast || page.pageInfo.hasNextPage, cursor });
    }
    if (!page.pageInfo.hasNextPage) return listed(edges, { hasNextPage: false, cursor });
  }
};

const listed = (
  edges: Connection<NodeView>["edges"],
  { hasNextPage, cursor }: { readonly hasNextPage: boolean; readonly cursor: string | undefined },
): Connection<NodeView> => ({
  edges,
  nodes: edges.map((edge) => edge.node),
  pageInfo: { hasNextPage, endCursor: (hasNextPage ? cursor : edges.at(-1)?.cursor) ?? null },
});

const matches = (gateway: Gateway, view: NodeView, filter: NodeFilter): boolean => {
  const { app, executionClass, live, owner, memoryMbMin, slotsMin } = given(filter);
  const { apps, memoryMb, slots } = view.capabilities;
  if (owner !== undefined && view.owner !== owner) return false;
  if (memoryMbMin !== undefined && memoryMb < memoryMbMin) return false;
  if (slotsMin !== undefined && slots < slotsMin) return false;
  if (live !== undefined && (shownLife(gateway, view) !== undefined) !== live) return false;
  if (reliability(view.track).lower < (filter.reliabilityMin ?? 0)) return false;
  if (correctness(view.track).lower < (filter.correctnessMin ?? 0)) return false;
  return apps.some(
    (offer) =>
      (app === undefined || offer.app === app) &&
      offer.executionClass.startsWith(executionClass ?? ""),
  );
};

export const Mutation: Pick<All["Mutation"], "registerNode"> = {
  registerNode: async (_, { input }, context) => {
    const { gateway, caller } = context;
    const not = mayI(context, "nodes:register");
    if (not) return refusal(not);
    const { id, capabilities } = input;
    const owner = caller.kind === "identity" ? caller.id : (input.owner ?? "");
    if (!/^\S.{0,127}$/u.test(owner))
      return refusal({ code: "bad-owner", message: "owner must be 1 to 128 characters" });
    const fault = capabilitiesFault(capabilities as Capabilities);
    if (fault !== undefined) return refusal({ code: "bad-capabilities", message: fault });
    const { store, ids, clock, natsUrl } = gateway;
    const { apps, ...rest } = capabilities;
    const declared = { ...rest, apps: apps.map((offer) => ({ ...offer })) };
    const answer = await handleCommand(
      { store, ids },
      node,
      { stream: nodeStream(id) },
      {
        type: "RegisterNode",
        nodeId: id,
        owner,
        capabilities: declared,
        actor: nodeAccount(id) as string,
        now: clock.now(),
      },
    );
    if (!answer.ok) {
      const code = nodeRefusals[answer.reason];
      if (code === undefined) throw new Error(`RegisterNode was refused with ${answer.reason}`);
      const message =
        answer.reason === "NodeExpelled"
          ? `node ${id} is expelled: a result of it was proven wrong`
          : `node ${id} belongs to someone else than ${owner}`;
      return refusal({ code, message });
    }
    return {
      __typename: "RegisteredNode",
      id,
      position: String(answer.position ?? -1n),
      natsUrl,
      tasksStream,
      consumer: id,
      taskSubject: taskSubject(id),
      resultsStream,
      resultSubject: resultSubject(id),
      heartbeatSubject: heartbeatSubject(id),
    };
  },
};

export const MeasuredSpeed: All["MeasuredSpeed"] = {
  deviation: ({ variance }) => Math.sqrt(variance),
  atLeast: (speed) => surelyAtLeast(speed) ?? null,
};

/** One that its owner has drained takes no tasks for as long as it lives: that is not leaving. */
const shownLife = (gateway: Gateway, { nodeId, drainFrom }: NodeView): NodeLife | undefined =>
  drainFrom !== null && drainFrom <= gateway.clock.now()
    ? heardOf(gateway, nodeId)
    : lifeOf(gateway, nodeId);

export const Node: All["Node"] = {
  id: ({ nodeId }) => nodeId,
  status: ({ status }) => nodeStatus[status],
  identity: ({ owner }, _, context) => identityOf(context, owner),
  live: (view, _, { gateway }) => shownLife(gateway, view) !== undefined,
  lastSeen: ({ nodeId }, _, { gateway }) => gateway.live().get(nodeId)?.lastSeen ?? null,
  held: (view, _, { gateway }) => shownLife(gateway, view)?.held ?? null,
  speeds: ({ speeds }) => speeds,
  reputation: ({ record }) => record,
  account: ({ nodeId }, _, { gateway }) =>
    accountOf(gateway.projections.views, nodeAccount(nodeId)) ?? null,
};
