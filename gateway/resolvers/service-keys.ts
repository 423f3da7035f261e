import { randomBytes } from "node:crypto";
import {
  type ServiceKeyCommand,
  type ServiceKeyRefusal,
  serviceKeys,
  serviceKeysMax,
} from "../../domain/access/service-keys.ts";
import type { Actor } from "../../domain/decider.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { serviceKeyStream } from "../../streams/names.ts";
import { type IdentifiedCaller, mayI } from "../access/caller.ts";
import { newSecret, secretHash } from "../access/secrets.ts";
import type { ServiceKeyBook } from "../access/service-keys.ts";
import type { Context } from "../context.ts";
import { type Refusal, serviceKeyRefusals } from "../errors.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { accessOpen } from "./identities.ts";
import { refusal } from "./jobs.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "serviceKeys"> = {
  serviceKeys: async (_, __, { gateway, caller }) => {
    const { gate } = gateway.access;
    if (gate === undefined || caller.kind !== "identity") return [];
    const { keys } = gate;
    return (await keys.of(caller.id)).map((key) => ({
      ...key,
      graceUntil: key.earlier[0]?.until ?? null,
      revokedAt: key.revokedAt ?? null,
      lastUsedAt: keys.lastUsed(key.keyId) ?? null,
    }));
  },
};

/** Whoever manages keys has logged in: a key that leaked cannot make others. */
const manager = (
  context: Context,
):
  | { readonly ok: true; readonly caller: IdentifiedCaller; readonly keys: ServiceKeyBook }
  | { readonly ok: false; readonly refusal: Refusal } => {
  const { gateway, caller } = context;
  const { gate } = gateway.access;
  if (gate === undefined) return { ok: false, refusal: accessOpen };
  const not = mayI(context, "keys:manage");
  if (not) return { ok: false, refusal: not };
  if (caller.kind === "identity" && caller.via === "token")
    return { ok: true, caller, keys: gate.keys };
  return {
    ok: false,
    refusal: { code: "login-needed", message: "service keys are managed by whoever logged in" },
  };
};

const messages: Readonly<Record<ServiceKeyRefusal, string>> = {
  BadKeyId: "the id of the key is not well formed, or another key's",
  BadLabel: "a label has 1 to 64 characters that can be read",
  BadKeyScopes: "a key has 1 to 32 scopes that there are, and never keys:manage",
  BadExpiry: "a key ends in the future, within 400 days",
  BadGrace: "the grace is 0 to 30 days, in milliseconds",
  ScopesBeyondLogin: "the key would have a scope that the login does not have",
  TooManyServiceKeys: `at most ${serviceKeysMax} keys are good at a time: revoke one`,
  ServiceKeyUnknown: "you have no service key of that id",
  ServiceKeyEnded: "the service key has expired or was revoked: issue a new one",
};

const handle = async (
  { gateway }: Context,
  keys: ServiceKeyBook,
  command: ServiceKeyCommand,
): Promise<
  | { readonly ok: true; readonly keyId: string; readonly position: string }
  | { readonly ok: false; readonly refusal: Refusal }
> => {
  const { store, ids } = gateway;
  const { id, keyId } = command;
  const answer = await handleCommand(
    { store, ids },
    serviceKeys,
    { stream: serviceKeyStream(id) },
    command,
  );
  if (!answer.ok)
    return {
      ok: false,
      refusal: { code: serviceKeyRefusals[answer.reason], message: messages[answer.reason] },
    };
  keys.changed(id, answer.events);
  return { ok: true, keyId, position: String(answer.position ?? -1n) };
};

export const Mutation: Pick<
  All["Mutation"],
  "issueServiceKey" | "rollServiceKey" | "revokeServiceKey"
> = {
  issueServiceKey: async (_, { scopes, expiresAt, label }, context) => {
    const who = manager(context);
    if (!who.ok) return refusal(who.refusal);
    const { id, scopes: grantedScopes } = who.caller;
    const secret = newSecret();
    const answer = await handle(context, who.keys, {
      type: "IssueServiceKey",
      id,
      keyId: randomBytes(8).toString("hex"),
      secretHash: secretHash(secret),
      scopes: [...new Set(scopes)].sort(),
      label,
      expiresAt,
      grantedScopes,
      actor: id as string as Actor,
      now: context.gateway.clock.now(),
    });
    if (!answer.ok) return refusal(answer.refusal);
    const { keyId, position } = answer;
    return { __typename: "ServiceKeySecret", keyId, secret, position };
  },

  rollServiceKey: async (_, { keyId, graceMs }, context) => {
    const who = manager(context);
    if (!who.ok) return refusal(who.refusal);
    const { id, scopes: grantedScopes } = who.caller;
    const secret = newSecret();
    const answer = await handle(context, who.keys, {
      type: "RollServiceKey",
      id,
      keyId,
      secretHash: secretHash(secret),
      graceMs,
      grantedScopes,
      actor: id as string as Actor,
      now: context.gateway.clock.now(),
    });
    if (!answer.ok) return refusal(answer.refusal);
    return { __typename: "ServiceKeySecret", keyId, secret, position: answer.position };
  },

  revokeServiceKey: async (_, { keyId }, context) => {
    const who = manager(context);
    if (!who.ok) return refusal(who.refusal);
    const { id } = who.caller;
    const answer = await handle(context, who.keys, {
      type: "RevokeServiceKey",
      id,
      keyId,
      actor: id as string as Actor,
      now: context.gateway.clock.now(),
    });
    if (!answer.ok) return refusal(answer.refusal);
    return { __typename: "RevokedServiceKey", keyId, position: answer.position };
  },
};
