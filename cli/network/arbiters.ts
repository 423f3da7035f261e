/** Arbiters of a network on one machine: workers with an owner each, which the policy lists. */

import { join } from "node:path";
import { native } from "../../crypto/primitives-native.ts";
import { newIdentity } from "../../sdk/index.ts";
import { CliFailure } from "../failures.ts";
import { usualRoles } from "../id/find-identity.ts";
import { createKeyFile, showKeyFile } from "../id/key-file.ts";

export interface LocalArbiter {
  readonly name: string;
  readonly owner: string;
}

/** Where a worker of such a network has its key file. */
export const keyFileOf = (dataDirectory: string, name: string): string =>
  join(dataDirectory, "nodes", `${name}.json`);

/**
 * `arbiter-1` and so on. With identities their owners are known before any gateway is there, so that
 * the policy lists them before they come.
 *
 * @throws {CliFailure} When a key file is there and damaged.
 */
export const localArbiters = async (
  count: number,
  { dataDirectory, access }: { readonly dataDirectory: string; readonly access: string },
): Promise<readonly LocalArbiter[]> => {
  const names = Array.from({ length: count }, (_, index) => `arbiter-${index + 1}`);
  if (access === "open") return names.map((name) => ({ name, owner: name }));
  return Promise.all(
    names.map(async (name) => ({ name, owner: await ownerIn(keyFileOf(dataDirectory, name)) })),
  );
};

const ownerIn = async (path: string): Promise<string> => {
  try {
    return (await showKeyFile(path)).state.id;
  } catch (error) {
    if (!(error instanceof CliFailure) || error.code !== "no-key-file") throw error;
  }
  const own = newIdentity({ roles: usualRoles }, native);
  await createKeyFile(path, { own, pending: undefined });
  return own.id;
};
