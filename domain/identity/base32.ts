/** Base32 after RFC 4648, lower case, without padding. */

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

export const toBase32 = (bytes: Uint8Array): string => {
  let text = "";
  let waiting = 0;
  let bits = 0;
  for (const byte of bytes) {
    waiting = ((waiting << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(waiting >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + alphabet[(waiting << (5 - bits)) & 31];
};

/** The bytes; undefined if the text is not what `toBase32` would give for any. */
export const fromBase32 = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let waiting = 0;
  let bits = 0;
  let at = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) return undefined;
    waiting = ((waiting << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (waiting >> bits) & 255;
    }
  }
  return toBase32(bytes) === text ? bytes : undefined;
};
