/** What proves to NATS who we are: a signed statement about a key, and the key's seed. */
import { readFile } from "node:fs/promises";
import { parseCreds } from "@nats-io/jwt";
import { TaskQueueError } from "./errors.ts";

export interface Credentials {
  readonly jwt: string;
  /** Of the key that the statement is about; never sent. */
  readonly seed: string;
}

/** Asked at each connection, so that credentials may be renewed while it lasts. */
export type CredentialsSource = () => Credentials;

/**
 * Reads a file of credentials as NATS' own tools write it.
 *
 * @throws {TaskQueueError} `denied` if there is none or it cannot be read.
 */
export const fileCredentials = async (path: string): Promise<CredentialsSource> => {
  try {
    const { jwt, key } = await parseCreds(await readFile(path));
    return () => ({ jwt, seed: key });
  } catch (error) {
    throw new TaskQueueError("denied", `${path} holds no credentials for NATS`, error);
  }
};
