/** Which keys were revoked lately, in a file, so that neither a crash nor a restart forgets one. */
import { join } from "node:path";
import type { Instant } from "../../../domain/decider.ts";
import { isNatsUserKey, type NatsUserKey } from "../../../domain/identity/nats-key.ts";
import { credentialsLifeMaxMs } from "../../nats-authority.ts";
import { NatsServerError } from "../server-error.ts";
import { readPrivateFile, writePrivateFile } from "./files.ts";

/** For each key the time up to which what it was given is void. */
export type Revocations = ReadonlyMap<NatsUserKey, Instant>;

const nameIn = (directory: string): string => join(directory, "revocations.json");

/** @throws {NatsServerError} `keys-incomplete` for a file that is not ours: to ignore it would forgive. */
export const readRevocations = async (directory: string): Promise<Revocations> => {
  const text = await readPrivateFile(nameIn(directory));
  if (text === undefined) return new Map();
  const unreadable = (cause?: unknown) =>
    new NatsServerError(
      "keys-incomplete",
      `${nameIn(directory)} cannot be read, so it is unknown which keys are revoked; bring it back from a copy`,
      cause,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(error);
  }
  if (typeof value !== "object" || value === null) throw unreadable();
  const entries = Object.entries(value);
  if (!entries.every(([key, at]) => isNatsUserKey(key) && Number.isSafeInteger(at)))
    throw unreadable();
  return new Map(entries as [NatsUserKey, Instant][]);
};

export const writeRevocations = (directory: string, revocations: Revocations): Promise<void> =>
  writePrivateFile(
    nameIn(directory),
    `${JSON.stringify(Object.fromEntries(revocations), undefined, 1)}\n`,
  );

/** Without those whose last credential has expired by itself. */
export const stillNeeded = (revocations: Revocations, now: Instant): Revocations =>
  new Map([...revocations].filter(([, at]) => at + credentialsLifeMaxMs + slackMs > now));

/** Clocks of servers may differ, and claims count whole seconds. */
const slackMs = 600_000;
