/** The message that tells a node to stop taking tasks, or to go on: one word. */

export const drainBytes = (drains: boolean): Uint8Array =>
  new TextEncoder().encode(drains ? "drain" : "resume");

/** @returns Undefined for anything else. */
export const readDrain = (bytes: Uint8Array): boolean | undefined => {
  const word = bytes.length > 8 ? "" : new TextDecoder().decode(bytes);
  if (word === "drain") return true;
  return word === "resume" ? false : undefined;
};
