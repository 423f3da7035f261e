/**
 * The keys by which the gateway signs access tokens, in a file that only its owner may read. A key
 * signs for a month; it is accepted until the last token that it signed has ended.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { readFileSync, renameSync, statSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint } from "jose";
import type { Instant } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";
import { OpenError } from "../errors.ts";

export interface TokenKey {
  /** The thumbprint of its public key (RFC 7638). */
  readonly kid: string;
  readonly secret: KeyObject;
  readonly publicKey: KeyObject;
}

export interface TokenKeys {
  /** Signs new tokens. */
  readonly current: () => TokenKey;
  /** The key of that name, as long as a token of it can be good. */
  readonly find: (kid: string) => TokenKey | undefined;
  /** Makes a new key if the current one is old. */
  readonly renew: () => Promise<void>;
}

interface StoredKey {
  readonly kid: string;
  /** PKCS #8. */
  readonly pem: string;
  readonly madeAt: Instant;
}
type Held = StoredKey & TokenKey & { readonly until: Instant };

/** For so long a key signs, ms: 30 days. */
export const signingMs = 30 * 86_400_000;
const fileName = "token-keys.json";

/**
 * Opens the keys in a directory, which is made if it is not there.
 *
 * @param tokenMs - How long a token is good at most.
 * @throws {OpenError} `token-keys-damaged`, and `token-keys-readable` when others may read the file.
 */
export const openTokenKeys = async ({
  directory,
  clock,
  tokenMs,
}: {
  readonly directory: string;
  readonly clock: Clock;
  readonly tokenMs: number;
}): Promise<TokenKeys> => {
  const path = join(directory, fileName);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  /** Newest first. */
  let held: readonly Held[] = (await read(path)).map((stored) => hold(stored, tokenMs));

  const good = ({ until }: Held): boolean => clock.now() < until;
  const renew = async (): Promise<void> => {
    const [newest] = held;
    if (newest !== undefined && clock.now() < newest.madeAt + signingMs) return;
    const kept = [hold(await make(clock.now()), tokenMs), ...held.filter(good)];
    await write(path, kept);
    held = kept;
  };
  await renew();
  return {
    current: () => {
      const [newest] = held;
      if (newest === undefined) throw new Error("there is no key to sign tokens with");
      return newest;
    },
    find: (kid) => held.find((key) => key.kid === kid && good(key)),
    renew,
  };
};

/** A key that is renewed late by one who was asleep signs a little longer than it should. */
const lateMs = 2 * 3_600_000;

const hold = (stored: StoredKey, tokenMs: number): Held => {
  const secret = createPrivateKey(stored.pem);
  const until = stored.madeAt + signingMs + lateMs + tokenMs;
  return { ...stored, secret, publicKey: createPublicKey(secret), until };
};

const make = async (madeAt: Instant): Promise<StoredKey> => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const kid = await calculateJwkThumbprint(publicKey.export({ format: "jwk" }));
  return { kid, pem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(), madeAt };
};

const read = async (path: string): Promise<readonly StoredKey[]> => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0)
      throw new OpenError(
        "token-keys-readable",
        `others may read ${path}, so they can make tokens: chmod 600 it, or remove it if they did`,
      );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const { keys } = JSON.parse(text) as { readonly keys: readonly StoredKey[] };
    for (const key of keys) {
      const jwk = createPublicKey(key.pem).export({ format: "jwk" });
      if ((await calculateJwkThumbprint(jwk)) !== key.kid || !Number.isSafeInteger(key.madeAt))
        throw new Error("a key is not what it says");
    }
    return keys;
  } catch (error) {
    throw new OpenError(
      "token-keys-damaged",
      `${path} cannot be read as keys; remove it, and everybody logs in again`,
      error,
    );
  }
};

/** The whole new file or the whole old one, whatever happens meanwhile. */
const write = async (path: string, keys: readonly Held[]): Promise<void> => {
  const stored = keys.map(({ kid, pem, madeAt }): StoredKey => ({ kid, pem, madeAt }));
  const next = `${path}.${process.pid}.new`;
  const file = await open(next, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ version: 1, keys: stored }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  renameSync(next, path);
};
