/** The port `NatsAuthority` on NATS' signed accounts: mints what nodes may do, and takes it back. */
import { encodeUser } from "@nats-io/jwt";
import type { Instant, Millis } from "../../../domain/decider.ts";
import { isNatsUserKey } from "../../../domain/identity/nats-key.ts";
import { isNodeId } from "../../../domain/ids.ts";
import { type Clock, type Timer, wallClock } from "../../clock.ts";
import { credentialsLifeMaxMs, type NatsAuthority } from "../../nats-authority.ts";
import { connectNats, type NatsLink, type NatsTls } from "../connection.ts";
import { fileCredentials } from "../credentials.ts";
import { TaskQueueError } from "../errors.ts";
import { accountClaims } from "./claims.ts";
import { openKeys } from "./keys.ts";
import { systemCredentialsFile } from "./operator-mode.ts";
import { readRevocations, stillNeeded, writeRevocations } from "./revocations.ts";

export interface NatsAuthorityOptions {
  /** With the keys, which `operatorMode` has made. One process at a time may have it. */
  readonly directory: string;
  readonly url: string;
  readonly tls?: NatsTls;
  readonly clock?: Clock;
  readonly firstConnectMs?: Millis;
  /** Hears of revocations that the server does not have yet; they are said again. */
  readonly onTrouble?: (error: unknown) => void;
}

export interface OpenNatsAuthority extends NatsAuthority {
  close(): Promise<void>;
}

const updateSubject = "$SYS.REQ.CLAIMS.UPDATE";
const updateTimeoutMs = 4_000;
const lifeMinMs = 1_000;
const pruneMs = 3_600_000;

/**
 * Opens the authority and tells the server every revocation that it may have missed.
 *
 * @throws {NatsServerError} `keys-readable` or `keys-incomplete`.
 * @throws {TaskQueueError} `unavailable` or `denied`.
 */
export const openNatsAuthority = async (
  options: NatsAuthorityOptions,
): Promise<OpenNatsAuthority> => {
  const { directory, url, tls, clock = wallClock, onTrouble, firstConnectMs } = options;
  const keys = await openKeys(directory);
  const accountKey = keys.account.getPublicKey();
  let revocations = stillNeeded(await readRevocations(directory), clock.now());
  const link: NatsLink = await connectNats({
    url,
    name: "authority",
    credentials: await fileCredentials(systemCredentialsFile(directory)),
    clock,
    ...(tls ? { tls } : {}),
    ...(firstConnectMs === undefined ? {} : { firstConnectMs }),
  });

  const push = async (): Promise<void> => {
    const claims = await accountClaims(keys, revocations);
    await link.whenConnected(updateTimeoutMs);
    const answer = await link.requests.ask({
      subject: updateSubject,
      data: claims,
      timeoutMs: updateTimeoutMs,
    });
    const { data, error } = answer.json<ClaimsAnswer>();
    if (data?.code !== 200)
      throw new TaskQueueError(
        "denied",
        `NATS did not take the account: ${error?.description ?? data?.message ?? "no reason given"}`,
      );
  };

  /** One at a time, so that what was said last is what the server has last. */
  let line: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = line.then(work, work);
    line = turn.catch(() => {});
    return turn;
  };
  /** True while the server may not have all of it. */
  let owed = true;
  /** True while the disk may not. */
  let isWritten = true;
  const write = async (): Promise<void> => {
    isWritten = false;
    await writeRevocations(directory, revocations);
    isWritten = true;
  };
  const say = async (): Promise<void> => {
    owed = true;
    try {
      if (!isWritten) await write();
    } finally {
      await push(); // Whoever is revoked is cut off also where the disk is full.
    }
    owed = false;
  };
  const sayAgain = (): void => {
    inTurn(say).catch((error: unknown) => {
      if (!link.connection.isClosed()) onTrouble?.(error);
    });
  };
  try {
    await inTurn(say);
  } catch (error) {
    await link.close();
    throw error;
  }
  // A server that was away may be another one, or an older state of the same.
  link.listen({ onReconnect: sayAgain });
  let lookAgain: Timer | undefined;
  const again = clock.every(retryMs, () => {
    if (owed) sayAgain();
  });
  const prune = clock.every(pruneMs, () => {
    void inTurn(async () => {
      const next = stillNeeded(revocations, clock.now());
      if (next.size === revocations.size) return;
      revocations = next;
      await write();
    }).catch((error: unknown) => onTrouble?.(error));
  });

  return {
    mint: async ({ nodeId, natsKey, lifeMs = credentialsLifeMaxMs }) => {
      if (!isNodeId(nodeId)) throw new RangeError("the node id is none");
      if (!isNatsUserKey(natsKey)) throw new RangeError("the NATS key is none");
      if (!(lifeMs >= lifeMinMs)) throw new RangeError("credentials live for a second at least");
      if (revocations.has(natsKey)) return "revoked";
      const exp = Math.floor((clock.now() + Math.min(lifeMs, credentialsLifeMaxMs)) / 1000);
      const jwt = await encodeUser(
        nodeId,
        natsKey,
        accountKey,
        {},
        { signer: keys.workerSigning, scopedUser: true, exp },
      );
      // It may have been revoked while this was signed.
      return revocations.has(natsKey) ? "revoked" : { jwt, expiresAt: exp * 1000 };
    },

    revoke: async (natsKey, at) => {
      if (!isNatsUserKey(natsKey)) throw new RangeError("the NATS key is none");
      const now = clock.now();
      // Said before, as by a log that is told again: only the server may not have it yet.
      if ((revocations.get(natsKey) ?? 0) >= at)
        return inTurn(async () => (owed ? await say() : undefined));
      // What was minted between the decision and now is void as well. From here on nothing is minted:
      // what is while the disk is written could be of a later second than the revocation, and live on.
      const until: Instant = Math.max(at, now, revocations.get(natsKey) ?? 0);
      revocations = new Map([...stillNeeded(revocations, now), [natsKey, until]]);
      isWritten = false;
      owed = true;
      await inTurn(say);
      lookAgain?.cancel();
      lookAgain = clock.after(lookAgainMs, sayAgain);
    },

    close: async () => {
      lookAgain?.cancel();
      again.cancel();
      prune.cancel();
      await line;
      await link.close();
    },
  };
};

const retryMs = 1_000;
/**
 * The server looks through its clients when it gets an account. One that was just being let in is not
 * among them yet, and is found when the account comes a second time. Claims count seconds, so that it
 * is another account by then.
 */
const lookAgainMs = 1_500;

interface ClaimsAnswer {
  readonly data?: { readonly code?: number; readonly message?: string };
  readonly error?: { readonly description?: string };
}
