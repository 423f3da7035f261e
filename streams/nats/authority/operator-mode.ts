/** What a nats-server must be told, so that only our credentials let anybody in. */
import { join } from "node:path";
import {
  accountClaims,
  coordinatorCredentials,
  systemAccountClaims,
  systemCredentials,
} from "./claims.ts";
import { readPrivateFile, writePrivateFile } from "./files.ts";
import { openKeys } from "./keys.ts";
import { readRevocations } from "./revocations.ts";

/** Of the authority, in the directory of the nats-server. */
export const authorityDirectory = (natsDirectory: string): string =>
  join(natsDirectory, "authority");

/** Credentials of the services' side; every process of the coordinator needs them. */
export const coordinatorCredentialsFile = (authority: string): string =>
  join(authority, "coordinator.creds");
/** Credentials of who changes accounts: the authority itself. */
export const systemCredentialsFile = (authority: string): string => join(authority, "system.creds");

/**
 * Makes keys and credentials if there are none yet.
 *
 * @param resolver - Where the server keeps accounts; a directory in which it may write.
 * @returns Lines for the server's configuration, with every revocation that is known by now.
 * @throws {NatsServerError} `keys-readable` or `keys-incomplete`.
 */
export const operatorMode = async (authority: string, resolver: string): Promise<string> => {
  const keys = await openKeys(authority);
  const account = await accountClaims(keys, await readRevocations(authority));
  const files = [
    [coordinatorCredentialsFile(authority), () => coordinatorCredentials(keys)],
    [systemCredentialsFile(authority), () => systemCredentials(keys)],
  ] as const;
  for (const [file, text] of files)
    if ((await readPrivateFile(file)) === undefined) await writePrivateFile(file, await text());
  return `\
operator: ${keys.operatorJwt}
system_account: ${keys.systemAccount.getPublicKey()}
resolver {
  type: full
  dir: ${JSON.stringify(resolver)}
  allow_delete: false
}
resolver_preload {
  ${keys.systemAccount.getPublicKey()}: ${await systemAccountClaims(keys)}
  ${keys.account.getPublicKey()}: ${account}
}
`;
};
