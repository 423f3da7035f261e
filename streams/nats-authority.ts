/**
 * The port of who may use NATS: nodes get credentials for their own subjects, for a while, and lose
 * them when their key is revoked. `nats/authority/` implements it on NATS' signed accounts.
 */
import type { Instant, Millis } from "../domain/decider.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import type { NatsUserKey } from "../domain/identity/nats-key.ts";
import type { NodeId } from "../domain/ids.ts";

export interface MintRequest {
  readonly nodeId: NodeId;
  /** Whoever shows the credentials must sign with this key. */
  readonly natsKey: NatsUserKey;
  /** `credentialsLifeMaxMs` if left out, and at most that. */
  readonly lifeMs?: Millis;
}

export interface NodeCredentials {
  /** Says, signed, what this key may do; it is no secret without the key's seed. */
  readonly jwt: string;
  readonly expiresAt: Instant;
}

export interface NatsAuthority {
  /**
   * @returns `revoked` for a key that was revoked lately.
   * @throws {RangeError} For a node id or a key that is none, or a life below a second.
   */
  mint(request: MintRequest): Promise<NodeCredentials | "revoked">;
  /**
   * Ends every credential that the key was ever given: whoever uses one is cut off, and cannot come
   * back. From the call on the key is given nothing. It is on disk when this resolves, and written and
   * said again until disk and server have it when this rejects.
   *
   * @throws {TaskQueueError} When the server does not answer now.
   * @throws {Error} Node's, when it cannot be written now.
   */
  revoke(natsKey: NatsUserKey, at: Instant): Promise<void>;
}

/** Credentials live a day at most, so that a revocation may be forgotten after one. */
export const credentialsLifeMaxMs: Millis = 86_400_000;

/** What the gateway needs of an authority: credentials for the nodes of an identity. */
export interface NodeAuthority {
  /**
   * @returns `revoked` as `NatsAuthority.mint`; `key-of-another` if another identity has stated the
   *   key before this one did.
   * @throws {Error} When the log does not tell in time whose key it is.
   */
  mintFor(
    owner: CnctId,
    request: MintRequest,
  ): Promise<NodeCredentials | "revoked" | "key-of-another">;
  /** PEM of the authority that has signed NATS' certificate; undefined if everybody knows it. */
  readonly ca: string | undefined;
}
