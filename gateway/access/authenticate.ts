/** From the headers of a request to the one who asks. */
import { clientAccountOf } from "../../domain/identity/inception.ts";
import { signingKeyId } from "../../domain/identity/keys.ts";
import { HttpFault } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { Identities } from "./identities.ts";
import type { Proofs } from "./proofs.ts";
import type { ServiceKeyBook } from "./service-keys.ts";
import type { Tokens } from "./tokens.ts";

/** What a client shows of itself, in headers or in `connection_init`. */
export interface Presented {
  readonly authorization: string | undefined;
  /** The proof. */
  readonly dpop: string | undefined;
  readonly method: string;
  /** The addresses by which the client may know what it asks for. */
  readonly addresses: readonly string[];
  /** Of the network. */
  readonly address: string;
}

export interface Known {
  readonly caller: Caller;
  /** The key of a proof that came without a token: what a login is bound to. */
  readonly proofKey?: string;
}

/**
 * Finds out who asks. Who shows nothing is anonymous; who shows something that is not good is refused.
 *
 * @throws {HttpFault} With status 401; `docs/errors.md` lists the codes.
 */
export const authenticate = async (
  {
    tokens,
    proofs,
    identities,
    keys,
  }: {
    readonly tokens: Tokens;
    readonly proofs: Proofs;
    readonly identities: Pick<Identities, "find">;
    readonly keys: Pick<ServiceKeyBook, "use">;
  },
  { authorization, dpop, method, addresses, address }: Presented,
): Promise<Known> => {
  if (authorization === undefined) {
    const caller = { kind: "anonymous", address } as const;
    if (dpop === undefined) return { caller };
    return { caller, proofKey: await proofs.spend(dpop, { method, addresses }) };
  }
  const [, given = "", secret = ""] =
    /^([A-Za-z]{1,16}) +([\x21-\x7e]+)$/.exec(authorization) ?? [];
  const scheme = given.toLowerCase();
  if (scheme === "bearer" && secret.startsWith("cnct_sk_")) {
    const { id, key } = await keys.use(secret);
    const identity = await identities.find(id);
    if (identity?.status !== "active")
      throw new HttpFault("identity-revoked", "the identity that issued the key was revoked");
    const { scopes } = key;
    const account = clientAccountOf(id);
    return { caller: { kind: "identity", id, account, scopes, via: "service-key", address } };
  }
  if (scheme !== "dpop")
    throw new HttpFault(
      "token-malformed",
      "write the header as Authorization: DPoP <token>, or Authorization: Bearer <service key>",
    );

  const { id, scopes, proofKey, rootKeyId } = await tokens.read(secret);
  if (dpop === undefined)
    throw new HttpFault("proof-missing", "a token needs a proof of its key in the header DPoP");
  await proofs.spend(dpop, { method, addresses, bound: { token: secret, proofKey } });
  const identity = await identities.find(id);
  if (identity === undefined)
    throw new HttpFault("token-of-another-gateway", "nobody of that id is registered here");
  if (identity.status === "revoked")
    throw new HttpFault("identity-revoked", "the identity was revoked");
  if (signingKeyId(identity.rootKey) !== rootKeyId)
    throw new HttpFault("token-expired", "the root key was rotated: log in again");
  const account = clientAccountOf(id);
  return { caller: { kind: "identity", id, account, scopes, via: "token", address } };
};
