/** Whether who is said to have signed a result did so, by what the log says of nodes and identities. */

import type { Sha256 } from "../../../domain/hashing.ts";
import type { IdentityCommand, IdentityEvent } from "../../../domain/identity/events.ts";
import { type Identity, identity as rulesOf } from "../../../domain/identity/identity.ts";
import { isCnctId } from "../../../domain/identity/inception.ts";
import type { KeyRules } from "../../../domain/identity/keys.ts";
import { commandTypes } from "../../../domain/identity/signed-statement.ts";
import type { ResultReceived } from "../../../domain/job/events.ts";
import { checkReceipt } from "../../../domain/receipts/bundle.ts";
import { receiptOf } from "../../../domain/receipts/stored-receipt.ts";
import { identityStreamPrefix } from "../../../streams/names.ts";
import type { Fact } from "../../facts.ts";
import { createSigningKeys } from "../../signing-keys.ts";
import type { VerdictFaultCode } from "./faults.ts";

export interface Signers {
  /** Folds a fact. @returns What is wrong with it, if it is one of an identity. */
  hear(fact: Fact): VerdictFaultCode | undefined;
  /**
   * @param by.assignedAt - Where the task's assignment stands; undefined if it stands nowhere.
   * @returns Undefined also for a node of nobody, which signs nothing.
   */
  faultOf(
    result: ResultReceived,
    by: { readonly position: bigint; readonly assignedAt: bigint | undefined },
  ): VerdictFaultCode | undefined;
}

/** Signatures that were found good: one is for all results of a bundle. */
const signaturesKept = 1_000;

export const createSigners = ({
  keyRules,
  sha256,
}: {
  readonly keyRules: KeyRules;
  readonly sha256: Sha256;
}): Signers => {
  const keys = createSigningKeys();
  const rules = rulesOf(keyRules);
  const identities = new Map<string, Identity>();
  const good = new Set<string>();

  const verify: KeyRules["verify"] = (claim) => {
    const name = `${claim.publicKey} ${claim.signature} ${claim.text}`;
    if (good.has(name)) return true;
    if (!keyRules.verify(claim)) return false;
    const oldest = good.size === signaturesKept ? good.keys().next().value : undefined;
    if (oldest !== undefined) good.delete(oldest);
    good.add(name);
    return true;
  };

  /** Each event is a decision that can be made again, with the signature that it was made by. */
  const isProven = (event: IdentityEvent): boolean => {
    const state = identities.get(event.id) ?? rules.initial;
    const command = commandOf(event);
    const decision = command && rules.decide(command, state);
    identities.set(event.id, rules.evolve(state, event));
    return decision?.ok === true && decision.events.length === 1;
  };

  return {
    hear: (fact) => {
      keys.hear(fact);
      if (!fact.stream.startsWith(identityStreamPrefix)) return undefined;
      return isProven(fact.event as IdentityEvent) ? undefined : "identity-false";
    },
    faultOf: (result, { position, assignedAt }) => {
      const owner = keys.ownerOf(result.nodeId);
      const receipt = receiptOf(result);
      if (owner === undefined || !isCnctId(owner)) return undefined;
      if (receipt === undefined) return "result-unsigned";
      if (receipt.bundle.worker !== owner) return "receipt-of-another-worker";
      const identity = keys.identity(owner);
      if (identity === undefined) return "key-not-of-identity";
      const key = identity.keys.find(({ keyId }) => keyId === receipt.bundle.keyId);
      if (key === undefined) return "key-not-of-identity";
      const checked = checkReceipt(receipt, { publicKey: key.key, verify, sha256 });
      if (!checked.ok) return checked.code;
      if (identity.revokedAt !== undefined && identity.revokedAt < position)
        return "identity-revoked";
      if (key.until === undefined) return undefined;
      return assignedAt !== undefined && assignedAt < key.until ? undefined : "key-superseded";
    },
  };
};

/** The wish that an event fulfilled. */
const commandOf = (event: IdentityEvent): IdentityCommand | undefined => {
  const by = { actor: event.id as string, now: event.at };
  if (event.type === "IdentityRegistered") return { ...event, type: "RegisterIdentity", ...by };
  const type = Object.hasOwn(commandTypes, event.type) ? commandTypes[event.type] : undefined;
  return type && ({ ...event, type, ...by } as IdentityCommand);
};
