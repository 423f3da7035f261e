/**
 * What lets a node into NATS: credentials that the gateway gives to whoever owns the node. They are
 * renewed before they end, and at once when the server does not let the node in: then its keys were
 * changed, or what it has was taken back.
 */

import type { Instant, Millis } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import type { Ask } from "../sdk/identity/registry.ts";
import { CnctRefusal, type OwnIdentity } from "../sdk/index.ts";
import type { Clock, Timer } from "../streams/clock.ts";
import { type Credentials, type CredentialsSource, lifeMsOf } from "../streams/nats/credentials.ts";

export interface NatsPass {
  /** PEM of the authority behind NATS' certificate, unless everybody knows it. */
  readonly ca: string | undefined;
  /** The newest ones. */
  readonly credentials: CredentialsSource;
  /** The server did not take them: gets others, but not more often than every few seconds. */
  readonly refused: () => void;
  readonly close: () => void;
}

export interface NatsPassOptions {
  readonly ask: Ask;
  readonly nodeId: NodeId;
  /** Asked for each time: the transport key may have been replaced. */
  readonly identity: () => Promise<OwnIdentity>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

/** Credentials are renewed when so much of their life is over. */
const renewAfter = 2 / 3;
/** Between two renewals at least, however short the life. */
const renewPauseMs: Millis = 500;
const retryMs: Millis = 15_000;
const refusedPauseMs: Millis = 3_000;

/**
 * @returns Undefined where NATS lets anybody in.
 * @throws {CnctRefusal} When the gateway gives none.
 * @throws {TaskQueueError} `denied` when what it gives cannot be read.
 */
export const openNatsPass = async (options: NatsPassOptions): Promise<NatsPass | undefined> => {
  const { clock, onTrouble } = options;
  const first = await mint(options).catch((error: unknown) => {
    if (error instanceof CnctRefusal && error.code === "nats-open") return undefined;
    throw error;
  });
  if (first === undefined) return undefined;

  let minted = first;
  let timer: Timer | undefined;
  let dueAt: Instant = Number.POSITIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  let isClosed = false;

  const renewIn = (ms: Millis): void => {
    timer?.cancel();
    dueAt = clock.now() + ms;
    if (!isClosed) timer = clock.after(ms, () => void renew());
  };
  const renewInTime = (): void =>
    renewIn(Math.max(renewPauseMs, minted.lifeMs * renewAfter - (clock.now() - minted.at)));
  const renew = (): Promise<void> => {
    underWay ??= mint(options)
      .then(
        (next) => {
          minted = next;
          renewInTime();
        },
        (error: unknown) => {
          onTrouble(error);
          renewIn(retryMs);
        },
      )
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };
  renewInTime();

  return {
    ca: first.caPem ?? undefined,
    credentials: () => minted.credentials,
    refused: () => {
      const now = clock.now();
      const at = Math.max(now, minted.at + refusedPauseMs);
      // What is due sooner stays so: an old connection's end says nothing about the newest credentials.
      if (underWay === undefined && at < dueAt) renewIn(at - now);
    },
    close: () => {
      isClosed = true;
      timer?.cancel();
    },
  };
};

interface Minted {
  readonly credentials: Credentials;
  readonly caPem: string | null;
  readonly lifeMs: Millis;
  /** When they were asked for, by this machine's clock. */
  readonly at: Instant;
}

const document = `mutation Mint($nodeId: NodeId!) { mintNatsCredentials(nodeId: $nodeId) {
  __typename
  ... on NatsCredentials { jwt caPem }
  ... on Refusal { code message } } }`;

type Answer =
  | {
      readonly __typename: "NatsCredentials";
      readonly jwt: string;
      readonly caPem: string | null;
    }
  | { readonly __typename: "Refusal"; readonly code: string; readonly message: string };

const mint = async ({ ask, nodeId, identity, clock }: NatsPassOptions): Promise<Minted> => {
  const own = await identity();
  const seed = own.natsSeed();
  if (seed === undefined) throw new CnctRefusal("not-a-worker", `${own.id} has no NATS key`);
  const at = clock.now();
  const { mintNatsCredentials: answer } = await ask<{ mintNatsCredentials: Answer }>(document, {
    nodeId,
  });
  if (answer.__typename === "Refusal") throw new CnctRefusal(answer.code, answer.message);
  const { jwt, caPem } = answer;
  return { credentials: { jwt, seed }, caPem, lifeMs: lifeMsOf(jwt), at };
};
