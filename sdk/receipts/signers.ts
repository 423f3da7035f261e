/** Who could sign, and from where to where in the log: an identity's events, checked one by one. */
import type { IdentityCommand, IdentityEvent } from "../../domain/identity/events.ts";
import { type Identity, identity as rulesOf } from "../../domain/identity/identity.ts";
import { type KeyRules, type PublicKey, signingKeyId } from "../../domain/identity/keys.ts";
import { commandTypes } from "../../domain/identity/signed-statement.ts";
import type { Digest } from "../../domain/ids.ts";
import type { LoggedEvent } from "./file.ts";

export interface SignerKey {
  readonly key: PublicKey;
  readonly keyId: Digest;
  /** Where it was replaced. */
  readonly until: bigint | undefined;
}

export interface SignerHistory {
  readonly keys: readonly SignerKey[];
  readonly revokedAt: bigint | undefined;
}

/**
 * Repeats the decisions that made the events, each of which has its signature.
 *
 * @returns Undefined if an event could not have come about so: the history is made up or cut.
 */
export const signerHistory = (
  id: string,
  events: readonly LoggedEvent[],
  keyRules: KeyRules,
): SignerHistory | undefined => {
  const { initial, decide, evolve } = rulesOf(keyRules);
  let state: Identity = initial;
  let keys: readonly SignerKey[] = [];
  let revokedAt: bigint | undefined;
  let last = -1n;
  for (const { position: text, data } of events) {
    const position = BigInt(text);
    const event = data as IdentityEvent;
    if (position <= last || event.id !== id) return undefined;
    last = position;
    const command = commandOf(event);
    const decision = command && decide(command, state);
    if (!decision?.ok || decision.events.length !== 1) return undefined;
    state = evolve(state, event);
    if (event.type === "IdentityRevoked") revokedAt = position;
    const key = rootKeyIn(event);
    if (key === undefined) continue;
    const former = keys.map((one) => ({ ...one, until: one.until ?? position }));
    keys = [...former, { key, keyId: signingKeyId(key), until: undefined }];
  }
  return keys.length === 0 ? undefined : { keys, revokedAt };
};

const rootKeyIn = (event: IdentityEvent): PublicKey | undefined => {
  if (event.type === "IdentityRegistered") return event.record.rootKey;
  return event.type === "RootKeyRotated" ? event.rootKey : undefined;
};

/** The wish that an event fulfilled. */
const commandOf = (event: IdentityEvent): IdentityCommand | undefined => {
  const by = { actor: event.id as string, now: event.at };
  if (event.type === "IdentityRegistered") return { ...event, type: "RegisterIdentity", ...by };
  const type = Object.hasOwn(commandTypes, event.type) ? commandTypes[event.type] : undefined;
  return type && ({ ...event, type, ...by } as IdentityCommand);
};
