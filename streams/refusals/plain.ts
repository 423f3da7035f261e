/** Texts that are safe to keep and to print: short, without control characters, without secrets. */

/**
 * What looks like a secret of ours, whoever let it come so far: service keys, tokens (JWT), NATS
 * seeds, private keys in PEM.
 */
const secrets =
  /cnct_sk_[\w-]+|eyJ[\w-]+(?:\.[\w-]*)+|\bS[A-Z2-7]{56,}\b|-----BEGIN[^-]*PRIVATE KEY-----[^-]*(?:-----END[^-]*-----)?/g;

/** Characters that move a cursor, or make a text read otherwise than it is. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export const plain = (text: string, max: number): string => {
  // The start is enough, and a text without end must not cost more.
  const clean = text
    .slice(0, max * 4)
    .replace(secrets, "[secret]")
    .replace(unprintable, "?");
  return clean.length <= max ? clean : `${clean.slice(0, max - 1)}…`;
};
