/** Secrets under a passphrase: scrypt makes a key of it, ChaCha20-Poly1305 seals. */

import { randomBytes, scrypt } from "node:crypto";
import { utf8 } from "../../crypto/bytes.ts";
import { nonceBytes } from "../../crypto/primitives.ts";
import { native } from "../../crypto/primitives-native.ts";
import { taggedText } from "../../domain/identity/keys.ts";

/** What a key is made of, besides the passphrase. All of it may be known. */
export interface Lock {
  readonly kdf: "scrypt";
  /** Cost: memory is 1,024 bytes times it. A power of two. */
  readonly n: number;
  readonly r: 8;
  readonly p: 1;
  /** 16 bytes in hex. */
  readonly salt: string;
  /** 12 bytes in hex. */
  readonly nonce: string;
}
export interface Sealed extends Lock {
  /** In base64. */
  readonly box: string;
}

/** 128 MiB and about half a second for each try at a passphrase. */
export const usualCost = 2 ** 17;
/** A file that wants less is no protection, one that wants more takes the machine's memory: 1 GiB. */
const costMin = 2 ** 14;
const costMax = 2 ** 20;

/** A shorter one is guessed too soon. */
export const passphraseCharactersMin = 8;

/**
 * @param bound - What lies open beside the box: a box that is put beside anything else does not open.
 */
export const sealUnder = async (
  passphrase: string,
  text: string,
  bound: unknown,
  cost: number = usualCost,
): Promise<Sealed> => {
  const lock: Lock = {
    kdf: "scrypt",
    n: cost,
    r: 8,
    p: 1,
    salt: randomBytes(16).toString("hex"),
    nonce: randomBytes(nonceBytes).toString("hex"),
  };
  const box = native.aeadSeal({
    ...(await opening(passphrase, lock, bound)),
    plaintext: utf8(text),
  });
  return { ...lock, box: Buffer.from(box).toString("base64") };
};

/** The text; undefined if the passphrase is another one, or anything was changed. */
export const openUnder = async (
  passphrase: string,
  { box, ...lock }: Sealed,
  bound: unknown,
): Promise<string | undefined> => {
  const sealed = new Uint8Array(Buffer.from(box, "base64"));
  const opened = native.aeadOpen({ ...(await opening(passphrase, lock, bound)), sealed });
  return opened && new TextDecoder().decode(opened);
};

/** Whether a value is a sealed box whose cost this machine should bear. */
export const isSealed = (value: unknown): value is Sealed => {
  if (typeof value !== "object" || value === null) return false;
  const { kdf, n, r, p, salt, nonce, box, ...more } = value as Partial<Sealed>;
  return (
    kdf === "scrypt" &&
    typeof n === "number" &&
    n >= costMin &&
    n <= costMax &&
    Number.isInteger(Math.log2(n)) &&
    r === 8 &&
    p === 1 &&
    isHex(salt, 16) &&
    isHex(nonce, nonceBytes) &&
    typeof box === "string" &&
    Object.keys(more).length === 0
  );
};

const isHex = (value: unknown, bytes: number): boolean =>
  typeof value === "string" && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);

const opening = async (passphrase: string, lock: Lock, bound: unknown) => ({
  key: await keyOf(passphrase, lock),
  nonce: new Uint8Array(Buffer.from(lock.nonce, "hex")),
  aad: utf8(taggedText("cnct/key-file/v1", { lock, bound })),
});

/** One passphrase may be typed in several ways that look the same: NFKC makes them one. */
const keyOf = (passphrase: string, { n, r, p, salt }: Lock): Promise<Uint8Array> =>
  new Promise((resolve, reject) =>
    scrypt(
      passphrase.normalize("NFKC"),
      Buffer.from(salt, "hex"),
      32,
      { N: n, r, p, maxmem: 2 * 128 * n * r },
      (error, key) => (error === null ? resolve(new Uint8Array(key)) : reject(error)),
    ),
  );
