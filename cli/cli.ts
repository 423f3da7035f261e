/** What every command shares: the global flags and the connection that they describe. */

import type { Command } from "commander";
import type { Millis } from "../domain/decider.ts";
import { type CnctClient, connect } from "../sdk/index.ts";
import { type Sleep, sleep } from "../sdk/retry.ts";
import { say } from "./output.ts";
import { clientAccount, gatewayUrl } from "./settings.ts";

export interface GlobalFlags {
  readonly json?: boolean;
  readonly gateway?: string;
  readonly client?: string;
  /** The key file. */
  readonly id?: string;
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

export const flagsOf = (command: Command): GlobalFlags => command.optsWithGlobals<GlobalFlags>();

/** Runs `work` with a connection, and closes it whatever happens. */
export const withClient = async <T>(
  command: Command,
  work: (client: CnctClient, flags: { readonly json: boolean }) => Promise<T>,
): Promise<T> => {
  const { json = false, gateway, client: account } = flagsOf(command);
  const url = gatewayUrl(gateway);
  const client = connect({
    gateway: url,
    client: clientAccount(account),
    retry,
    sleep: tellingSleep(url),
  });
  try {
    return await work(client, { json });
  } finally {
    await client.close();
  }
};
