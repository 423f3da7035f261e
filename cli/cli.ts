/** What every command shares: the global flags and the connection that they describe. */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { native } from "../crypto/primitives-native.ts";
import type { Millis } from "../domain/decider.ts";
import { clientAccountOf } from "../domain/identity/inception.ts";
import type { Scope } from "../domain/identity/scopes.ts";
import type { AccountId } from "../domain/ids.ts";
import {
  type CnctClient,
  type ConnectOptions,
  claimsOpen,
  connect,
  isThisMachine,
  openRegistry,
  scopesOfRoles,
} from "../sdk/index.ts";
import { type Sleep, sleep } from "../sdk/retry.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";
import { findIdentity } from "./id/find-identity.ts";
import { showKeyFile } from "./id/key-file.ts";
import { say } from "./output.ts";
import { clientAccount, givenClient, keyFilePath, serviceKey } from "./settings.ts";
import { trustedGateway } from "./tls/trusted-gateway.ts";

export interface GlobalFlags {
  readonly json?: boolean;
  readonly gateway?: string;
  readonly client?: string;
  /** The key file. */
  readonly id?: string;
}

interface ActorFlags extends GlobalFlags {
  readonly scopes: readonly Scope[];
  /** Of `cnct submit`. */
  readonly open?: boolean;
}

/** Long enough for a coordinator to start again; whoever waits is told so. */
const withinMs: Millis = 10_000;
const retry = { attempts: 100, firstMs: 200, longestMs: 1_000, withinMs };
/** A pause so long after the last one belongs to another outage. */
const sameOutageMs = 3_000;
/** A hiccup is not worth a line. */
const silentMs = 300;

/** Sleeps, and says once for each outage that the gateway is waited for. */
const tellingSleep = (gateway: string): Sleep => {
  let outage = { since: 0, last: Number.NEGATIVE_INFINITY, isTold: false };
  return async (ms, signal) => {
    const now = performance.now();
    if (now - outage.last > sameOutageMs) outage = { since: now, last: now, isTold: false };
    if (!outage.isTold && now + ms - outage.since > silentMs) {
      outage.isTold = true;
      say(`waiting for the gateway at ${gateway}, which does not answer`);
    }
    await sleep(ms, signal);
    outage.last = performance.now();
  };
};

/** How a command connects: it waits a while for a gateway that starts again, and says so. */
export const patientWith = (gateway: string) =>
  ({ gateway, retry, sleep: tellingSleep(gateway), primitives: native }) as const;

export const flagsOf = (command: Command): GlobalFlags => command.optsWithGlobals<GlobalFlags>();

type Work<T> = (client: CnctClient, flags: { readonly json: boolean }) => Promise<T>;

/** Runs `work` with a connection that acts for nobody, and closes it whatever happens. */
export const withClient = <T>(command: Command, work: Work<T>): Promise<T> =>
  withConnection(command, async () => ({}), work);

/**
 * As `withClient`, for commands that change something. Where the gateway asks for identities they act
 * as the one in the key file, which is made if it is not there.
 */
export const withActor = <T>(
  command: Command,
  work: Work<T>,
  { scopes = scopesOfRoles.client }: { readonly scopes?: readonly Scope[] } = {},
): Promise<T> =>
  withConnection(command, (plain) => actorOf(plain, { ...flagsOf(command), scopes }), work);

/** As `withActor` if there is a key file, else as `withClient`: for what only its owner can read. */
export const withReader = <T>(command: Command, work: Work<T>): Promise<T> =>
  withConnection(
    command,
    async (plain) =>
      existsSync(keyFilePath(flagsOf(command).id))
        ? actorOf(plain, { ...flagsOf(command), open: true, scopes: scopesOfRoles.client })
        : {},
    work,
  );

const withConnection = async <T>(
  command: Command,
  actor: (plain: CnctClient) => Promise<Partial<ConnectOptions>>,
  work: Work<T>,
): Promise<T> => {
  const { json = false, gateway, client: account } = flagsOf(command);
  const to = { ...patientWith(await trustedGateway(gateway)), client: clientAccount(account) };
  const plain = connect(to);
  let client = plain;
  try {
    const acting = await actor(plain);
    if (Object.keys(acting).length > 0) client = connect({ ...to, ...acting });
    return await work(client, { json });
  } finally {
    await Promise.all([plain.close(), client.close()]);
  }
};

/**
 * @throws {CliFailure} `not-your-account` when another client was named; and as `findIdentity`.
 * @throws {CnctRefusal} `gateway-claims-open`, unless `open` says that nothing is to be sealed.
 */
const actorOf = async (
  { ask, gateway }: CnctClient,
  { id, client, scopes, open }: ActorFlags,
): Promise<Partial<ConnectOptions>> => {
  if (!(await asksForIdentities(ask))) {
    if (open === true || isThisMachine(gateway)) return {};
    throw claimsOpen(gateway);
  }
  const key = serviceKey();
  if (key !== undefined) return { serviceKey: key };
  const path = keyFilePath(id);
  const { latest, current } = await findIdentity({ path, registry: openRegistry(ask), say });
  const { account } = latest();
  const named = givenClient(client);
  if (named !== undefined && named !== account)
    throw new CliFailure(
      "not-your-account",
      `you act for ${account} (${path}), not for ${named}; leave out --client and CNCT_CLIENT`,
      exitCodes.refused,
    );
  return { client: account, identity: current, scopes };
};

/** Whose jobs are one's own: of the client that was named, or of the identity in the key file. */
export const ownAccount = async (command: Command, { ask }: CnctClient): Promise<AccountId> => {
  const { client, id } = flagsOf(command);
  const named = givenClient(client);
  const path = keyFilePath(id);
  if (named !== undefined || !existsSync(path) || !(await asksForIdentities(ask)))
    return named ?? clientAccount(client);
  return clientAccountOf((await showKeyFile(path)).state.id);
};

/** Whether whoever changes something there has to be somebody. */
export const asksForIdentities = async (ask: CnctClient["ask"]): Promise<boolean> => {
  const { network } = await ask<{ network: { access: string } }>(
    "query Access { network { access } }",
  );
  return network.access === "IDENTITIES";
};
