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
import type { Credentials, CredentialsSource } from "../streams/nats/credentials.ts";

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
const retryMs: Millis = 15_000;
const refusedPauseMs: Millis = 3_000;

/**
 * @returns Undefined where NATS lets anybody in.
 * @throws {CnctRefusal} When the gateway gives none.
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
  let underWay: Promise<void> | undefined;
  let isClosed = false;

  const renewIn = (ms: Millis): void => {
    timer?.cancel();
    if (!isClosed) timer = clock.after(Math.max(0, ms), () => void renew());
  };
  const renew = (): Promise<void> => {
    underWay ??= mint(options)
      .then(
        (next) => {
          minted = next;
          renewIn(lifeMsOf(next) * renewAfter);
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
  renewIn(lifeMsOf(first) * renewAfter);

  return {
    ca: first.caPem ?? undefined,
    credentials: () => minted.credentials,
    refused: () => {
      const age = clock.now() - minted.at;
      if (underWay === undefined) renewIn(Math.max(0, refusedPauseMs - age));
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
  readonly expiresAt: Instant;
  /** By this machine's clock. */
  readonly at: Instant;
}

/** A clock that is wrong by hours makes it renew too often or too late, and a refusal mends the rest. */
const lifeMsOf = ({ expiresAt, at }: Minted): Millis => Math.max(refusedPauseMs, expiresAt - at);

const document = `mutation Mint($nodeId: NodeId!) { mintNatsCredentials(nodeId: $nodeId) {
  __typename
  ... on NatsCredentials { jwt expiresAt caPem }
  ... on Refusal { code message } } }`;

type Answer =
  | ({ readonly __typename: "NatsCredentials"; readonly jwt: string } & Pick<
      Minted,
      "caPem" | "expiresAt"
    >)
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
  const { jwt, caPem, expiresAt } = answer;
  return { credentials: { jwt, seed }, caPem, expiresAt, at };
};
