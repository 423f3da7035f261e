import type { NodeId } from "../../domain/ids.ts";
import { type Node, type NodeEvent, node } from "../../domain/node/node.ts";
import { decode } from "../../streams/codec.ts";
import { nodeStream } from "../../streams/names.ts";
import { mayI } from "../access/caller.ts";
import type { Context, Gateway } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Mutation: Pick<All["Mutation"], "mintNatsCredentials"> = {
  mintNatsCredentials: async (_, { nodeId }, context) => {
    const { gateway, caller } = context;
    const not = mayI(context, "nodes:work");
    if (not) return refusal(not);
    const { nodeAuthority, natsUrl, access } = gateway;
    if (nodeAuthority === undefined)
      return refusal({
        code: "nats-open",
        message: "the NATS of this network takes no credentials: connect without",
      });
    if (caller.kind !== "identity")
      return refusal({
        code: "access-open",
        message: "this gateway is open: it cannot tell whose node it is",
      });
    const owner = await ownerOf(gateway, nodeId);
    if (owner === undefined)
      return refusal({ code: "node-unknown", message: "nobody registered a node of that name" });
    if (owner !== caller.id)
      return refusal({
        code: "node-owned-by-another",
        message: `node ${nodeId} belongs to someone else than ${caller.id}`,
      });
    const identity = await access.identities.find(caller.id);
    if (identity?.status !== "active")
      return refusal({ code: "identity-revoked", message: "the identity was revoked" });
    const { natsKey } = identity;
    if (natsKey === undefined)
      return refusal({
        code: "not-a-worker",
        message: "the identity states no transport key; only a worker has one",
      });
    const minted = await nodeAuthority.mintFor(owner, { nodeId, natsKey });
    if (minted === "key-of-another")
      return refusal({
        code: "nats-key-of-another",
        message: "another identity has stated this transport key before: replace it by a new one",
      });
    if (minted === "revoked")
      return refusal({
        code: "nats-key-revoked",
        message: "the transport key was revoked: replace it by a new one",
      });
    return {
      __typename: "NatsCredentials",
      ...minted,
      natsUrl,
      caPem: nodeAuthority.ca ?? null,
    };
  },
};

/** As the log has it now: a node that was just registered may get its credentials at once. */
const ownerOf = async ({ store }: Gateway, nodeId: NodeId): Promise<string | undefined> => {
  let state: Node = node.initial;
  for await (const recorded of store.readStream(nodeStream(nodeId), "start")) {
    const event = decode(recorded);
    if (event) state = node.evolve(state, event as NodeEvent);
  }
  return state.status === "unknown" ? undefined : state.owner;
};
