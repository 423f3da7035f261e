/** Sealed jobs: whom they can be wrapped for, and for whom they are. */
import { parseWraps } from "../../crypto/wraps.ts";
import { job } from "../../domain/job/job.ts";
import type { Wrap } from "../../domain/job/wraps.ts";
import { decode } from "../../streams/codec.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { jobStream } from "../../streams/names.ts";
import { mayI } from "../access/caller.ts";
import { candidatesFor, candidatesMax } from "../candidates.ts";
import { type Context, type Gateway, seen } from "../context.ts";
import { GraphqlFault, jobRefusals } from "../errors.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { wrapsRefusal } from "../submission.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "candidates"> = {
  candidates: async (_, asked, { gateway }) => {
    const { app, engine = "", count = 8, assured = false, atLeast } = asked;
    if (count < 1 || count > candidatesMax)
      throw new GraphqlFault("BAD_USER_INPUT", `count must be 1 to ${candidatesMax}`);
    await seen(gateway, atLeast);
    return { nodes: [...(await candidatesFor(gateway, { app, engine, count, assured }))] };
  },
};

export const Mutation: Pick<All["Mutation"], "wrapKeys"> = {
  wrapKeys: async (_, { hash, wraps: value }, context) => {
    const { gateway, caller } = context;
    const { store, ids, clock, clients } = gateway;
    const not = mayI(context, "jobs:keys", hash);
    if (not) return refusal(not);
    const parsed = parseWraps(value);
    const fault = wrapsRefusal(parsed, hash);
    if (fault || !parsed.ok) return refusal(fault ?? { code: "wraps-malformed", message: "" });
    // An open gateway lets everybody act for every client.
    const client =
      caller.kind === "identity" ? caller.account : ((await clients.find(hash)) ?? "client:nobody");
    const answer = await handleCommand(
      { store, ids },
      job,
      { stream: jobStream(hash) },
      {
        type: "WrapKeys",
        client,
        wraps: parsed.wraps.recipients,
        actor: client as string,
        now: clock.now(),
      },
    );
    if (answer.ok)
      return { __typename: "WrappedKeys", hash, position: String(answer.position ?? -1n) };
    const code = jobRefusals[answer.reason];
    if (code === undefined) throw new Error(`WrapKeys was refused with ${answer.reason}`);
    return refusal({ code, message: `job ${hash}: ${messages[answer.reason] ?? answer.reason}` });
  },
};

const messages: Readonly<Record<string, string>> = {
  JobUnknown: "nobody submitted it",
  JobEnded: "it has ended",
  NotTheClient: "it is another client's",
  NotSealed: "it is open, and has no key to wrap",
  TooManyRecipients: "it has as many recipients as a job may have",
};

/** The wraps of a job as they are now, by key id. They stand at the beginning of its stream. */
const wrapsOf = async ({ store }: Gateway, jobHash: string): Promise<ReadonlyMap<string, Wrap>> => {
  const wraps = new Map<string, Wrap>();
  for await (const recorded of store.readStream(jobStream(jobHash), "start")) {
    const event = decode(recorded);
    if (event?.type === "KeysWrapped") for (const wrap of event.wraps) wraps.set(wrap.keyId, wrap);
  }
  return wraps;
};

export const Job: Pick<All["Job"], "sealed" | "recipients" | "wrap"> = {
  sealed: ({ spec }) => spec.sealed === true,
  recipients: async ({ jobHash, spec }, _, { gateway }) =>
    spec.sealed ? [...(await wrapsOf(gateway, jobHash)).keys()] : [],
  wrap: async ({ jobHash, spec }, { keyId }, { gateway }) =>
    spec.sealed ? ((await wrapsOf(gateway, jobHash)).get(keyId) ?? null) : null,
};
