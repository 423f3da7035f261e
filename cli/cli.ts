/** What every command shares: the global flags and the connection that they describe. */

import type { Command } from "commander";
import { type CnctClient, connect } from "../sdk/index.ts";
import { clientAccount, gatewayUrl } from "./settings.ts";

export interface GlobalFlags {
  readonly json?: boolean;
  readonly gateway?: string;
  readonly client?: string;
}

/** A person waits less long than a program: 4 tries within about 2 s. */
const retry = { attempts: 4, firstMs: 200, longestMs: 1_000 };

export const flagsOf = (command: Command): GlobalFlags => command.optsWithGlobals<GlobalFlags>();

/** Runs `work` with a connection, and closes it whatever happens. */
export const withClient = async <T>(
  command: Command,
  work: (client: CnctClient, flags: { readonly json: boolean }) => Promise<T>,
): Promise<T> => {
  const { json = false, gateway, client: account } = flagsOf(command);
  const client = connect({
    gateway: gatewayUrl(gateway),
    client: clientAccount(account),
    retry,
  });
  try {
    return await work(client, { json });
  } finally {
    await client.close();
  }
};
