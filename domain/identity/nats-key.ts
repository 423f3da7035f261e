/** The public key by which NATS knows a user ("nkey"): what a worker's transport is bound to. */
import { fromBase32 } from "./base32.ts";

/** 56 characters, the first a U. */
export type NatsUserKey = string & { readonly __brand?: "NatsUserKey" };

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
