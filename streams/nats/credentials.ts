/** What proves to NATS who we are: a signed statement about a key, and the key's seed. */
import { readFile } from "node:fs/promises";
import { decode, parseCreds } from "@nats-io/jwt";
import type { Millis } from "../../domain/decider.ts";
import { credentialsLifeMaxMs } from "../nats-authority.ts";
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

/**
 * How long credentials live at least, from when they were made; by the clock of whoever made them, so
 * that ours may be wrong. They count whole seconds: up to one of the life that they state is over when
 * they are made.
 *
 * @throws {TaskQueueError} `denied` if this is no signed statement.
 */
export const lifeMsOf = (jwt: string): Millis => {
  try {
    const { iat = 0, exp } = decode(jwt);
    return exp === undefined ? credentialsLifeMaxMs : Math.max(0, exp - iat - 1) * 1000;
  } catch (error) {
    throw new TaskQueueError("denied", "the credentials for NATS cannot be read", error);
  }
};
