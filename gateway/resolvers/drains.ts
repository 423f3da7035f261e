/** An owner tells a node from outside to stop taking tasks, and to go on. */
import { type NodeCommand, node } from "../../domain/node/node.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { nodeStream } from "../../streams/names.ts";
import { mayI } from "../access/caller.ts";
import type { Context } from "../context.ts";
import { nodeRefusals } from "../errors.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;
type DrainCommand = Extract<NodeCommand, { type: "DrainNode" | "LiftDrain" }>;

export const Mutation: Pick<All["Mutation"], "drainNode" | "resumeNode"> = {
  drainNode: (_, { id, at }, context) => {
    const now = context.gateway.clock.now();
    const from = Math.max(now, at ?? now);
    return say(context, { type: "DrainNode", nodeId: id, from, ...whoAsks(context), now });
  },
  resumeNode: (_, { id }, context) => {
    const now = context.gateway.clock.now();
    return say(context, { type: "LiftDrain", nodeId: id, ...whoAsks(context), now });
  },
};

/** On a gateway that is open to all, whoever reaches it may ask for any node. */
const whoAsks = ({ caller }: Context): Pick<DrainCommand, "owner" | "actor"> =>
  caller.kind === "identity"
    ? { owner: caller.id, actor: caller.id as string }
    : { actor: "anybody" };

const say = async (context: Context, command: DrainCommand) => {
  const not = mayI(context, "nodes:register");
  if (not) return refusal(not);
  const { store, ids } = context.gateway;
  const { nodeId } = command;
  const answer = await handleCommand({ store, ids }, node, { stream: nodeStream(nodeId) }, command);
  if (answer.ok)
    return {
      __typename: "DrainedNode",
      id: nodeId,
      drainFrom: command.type === "DrainNode" ? command.from : null,
      position: String(answer.position ?? -1n),
    } as const;
  const code = nodeRefusals[answer.reason];
  if (code === undefined) throw new Error(`${command.type} was refused with ${answer.reason}`);
  const messages: Readonly<Partial<Record<typeof code, string>>> = {
    "node-unknown": `nobody registered a node ${nodeId}`,
    "node-owned-by-another": `node ${nodeId} is not yours: its owner alone may tell it`,
    "node-expelled": `node ${nodeId} is expelled, and gets no tasks anyway`,
  };
  return refusal({ code, message: messages[code] ?? answer.reason });
};
