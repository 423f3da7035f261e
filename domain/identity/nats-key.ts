/** The public key by which NATS knows a user ("nkey"): what a worker's transport is bound to. */
import { fromBase32, toBase32 } from "./base32.ts";

/** 56 characters, the first a U. */
export type NatsUserKey = string & { readonly __brand?: "NatsUserKey" };
/** The secret to a user key as NATS spells it: 58 characters, the first SU. Never printed or logged. */
export type NatsUserSeed = string & { readonly __brand?: "NatsUserSeed" };

/** Prefix byte, 32 bytes of Ed25519 key, checksum. */
const rawBytes = 1 + 32 + 2;
const userPrefix = 20 << 3;

export const isNatsUserKey = (value: unknown): value is NatsUserKey => {
  if (typeof value !== "string" || !/^U[A-Z2-7]{55}$/.test(value)) return false;
  const raw = fromBase32(value.toLowerCase());
  if (raw?.length !== rawBytes || raw[0] !== userPrefix) return false;
  const [low = 0, high = 0] = raw.subarray(rawBytes - 2);
  return crc16(raw.subarray(0, rawBytes - 2)) === (low | (high << 8));
};

/** @param publicKey - Of Ed25519, 32 bytes. */
export const natsUserKey = (publicKey: Uint8Array): NatsUserKey =>
  spelled(new Uint8Array([userPrefix, ...publicKey]));

/** First byte of a seed: an S, whose last three bits are the first ones of the kind of key. */
const seedPrefix = [(18 << 3) | (userPrefix >> 5), (userPrefix & 31) << 3];

/** @param secret - The seed of an Ed25519 key, 32 bytes. */
export const natsUserSeed = (secret: Uint8Array): NatsUserSeed =>
  spelled(new Uint8Array([...seedPrefix, ...secret]));

/** The seed of the Ed25519 key, 32 bytes; undefined if the text is no user's seed. */
export const secretOfNatsSeed = (seed: string): Uint8Array | undefined => {
  const secret = fromBase32(seed.toLowerCase())?.slice(2, 34);
  return secret?.length === 32 && natsUserSeed(secret) === seed ? secret : undefined;
};

const spelled = (bytes: Uint8Array): string => {
  const crc = crc16(bytes);
  return toBase32(new Uint8Array([...bytes, crc & 255, crc >> 8])).toUpperCase();
};

/** CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, from zero. */
const crc16 = (bytes: Uint8Array): number => {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
};
