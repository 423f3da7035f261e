/** Who asks, and whether they may. */
import type { CnctId } from "../../domain/identity/inception.ts";
import { allows, type Operation, type Scope } from "../../domain/identity/scopes.ts";
import type { AccountId, JobHash } from "../../domain/ids.ts";
import type { Refusal } from "../errors.ts";

export type Caller =
  /** The gateway is open: everybody may do everything. */
  | { readonly kind: "anyone"; readonly address: string }
  | { readonly kind: "anonymous"; readonly address: string }
  | IdentifiedCaller;

export interface IdentifiedCaller {
  readonly kind: "identity";
  readonly id: CnctId;
  /** From which it pays. */
  readonly account: AccountId;
  readonly scopes: readonly Scope[];
  readonly via: "token" | "service-key";
  readonly address: string;
}

/**
 * Why the caller may not; undefined when it may.
 *
 * @param jobHash - The job that it is about: a grant for that job alone is then enough.
 */
export const mayI = (
  { caller }: { readonly caller: Caller },
  operation: Operation,
  jobHash?: JobHash,
): Refusal | undefined => {
  if (caller.kind === "anyone") return undefined;
  if (caller.kind === "anonymous")
    return {
      code: "login-needed",
      message: `"${operation}" needs an identity: log in, or use a service key`,
    };
  if (allows(caller.scopes, operation, jobHash)) return undefined;
  return {
    code: "scope-missing",
    message: `this ${nameOf[caller.via]} was not granted "${operation}"`,
  };
};

const nameOf = { token: "login", "service-key": "service key" } as const;

/** Why the caller may not act for an account; undefined when it may. */
export const mayActFor = (
  { caller }: { readonly caller: Caller },
  account: unknown,
): Refusal | undefined => {
  if (caller.kind === "anyone") return undefined;
  const own = caller.kind === "identity" ? caller.account : undefined;
  if (account === own) return undefined;
  return {
    code: "not-your-account",
    message: `you act for ${own ?? "no account"}, not for ${String(account).slice(0, 80)}`,
  };
};
