/**
 * What the collector knows of the network. The tests give another one, with servers of their own;
 * neither a job nor an option of the command line reaches it.
 */

import { lookup } from "node:dns/promises";
import { isPublicAddress } from "../../domain/collection/addresses.ts";
import { webPorts } from "../../domain/collection/urls.ts";

export interface CollectNetwork {
  /** Every address of a name, as text; none when it has none. */
  resolve(host: string): Promise<readonly string[]>;
  mayConnect(address: string): boolean;
  /** Which a URL may name. */
  readonly ports: readonly number[];
  /** Certificates (PEM) trusted instead of those that come with Node. */
  readonly trusted?: readonly string[];
}

/** The public internet, and nothing else. */
export const publicInternet: CollectNetwork = {
  resolve: async (host) => {
    try {
      return (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOTFOUND" || code === "ENODATA") return [];
      throw error;
    }
  },
  mayConnect: isPublicAddress,
  ports: webPorts,
};
