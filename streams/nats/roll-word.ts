/**
 * The message that asks a node whether it lives: one word. A node can have the server answer it on any
 * subject, another node's too, and some of these answers are empty: so nothing at all is not the word.
 */

const word = "beat";

export const rollBytes = (): Uint8Array => new TextEncoder().encode(word);

export const isRollCall = (bytes: Uint8Array): boolean =>
  bytes.length === word.length && new TextDecoder().decode(bytes) === word;
