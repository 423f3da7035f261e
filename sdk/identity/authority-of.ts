/** Which authority a connection has: an identity's, a service key's, or none. */

import type { Millis } from "../../domain/decider.ts";
import type { Scope } from "../../domain/identity/scopes.ts";
import { type Authority, type Fetch, serviceKeyAuthority } from "./authority.ts";
import { loginAuthority } from "./login.ts";
import type { OwnIdentity } from "./own-identity.ts";

export interface Acting {
  /**
   * Who acts, where the gateway asks for identities: it logs in by itself when it has to, and pays
   * for jobs that do not say. A function is asked at each login, so that rotated keys are found.
   */
  readonly identity?: OwnIdentity | (() => Promise<OwnIdentity>) | undefined;
  /** What a login asks for; what the identity's roles need if left out. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Acts for the identity that issued this key, as far as the key goes. */
  readonly serviceKey?: string | undefined;
}

/** @throws {CnctRefusal} `bad-service-key`, `insecure-gateway`. */
export const authorityOf = (
  { identity, scopes, serviceKey }: Acting,
  to: { readonly gateway: string; readonly fetch: Fetch; readonly timeoutMs: Millis },
): Authority | undefined => {
  if (serviceKey !== undefined) return serviceKeyAuthority({ ...to, serviceKey });
  if (identity === undefined) return undefined;
  const find = typeof identity === "function" ? identity : async () => identity;
  return loginAuthority({ ...to, identity: find, scopes });
};
