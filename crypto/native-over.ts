/** The primitives over Node's `crypto`: OpenSSL, with imported keys kept, since an import costs more than a use. */
import type { KeyObject } from "node:crypto";
import { refusedAtSight } from "./ed25519-strict.ts";
import { hkdfOver } from "./hkdf.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";

/** As much of `node:crypto` as is used. */
export type NodeCrypto = Pick<
  typeof import("node:crypto"),
  | "createCipheriv"
  | "createDecipheriv"
  | "createHash"
  | "createHmac"
  | "createPrivateKey"
  | "createPublicKey"
  | "createSecretKey"
  | "diffieHellman"
  | "generateKeyPairSync"
  | "hash"
  | "randomBytes"
  | "sign"
  | "verify"
>;

type Curve = "ed25519" | "x25519";

export const nativeOver = ({
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  randomBytes,
  sign,
  verify,
}: NodeCrypto): Primitives => {
  /** What stands before the 32 bytes of a key in DER (RFC 8410). */
  const publicPrefix: Readonly<Record<Curve, Buffer>> = {
    ed25519: Buffer.from("302a300506032b6570032100", "hex"),
    x25519: Buffer.from("302a300506032b656e032100", "hex"),
  };
  const secretPrefix: Readonly<Record<Curve, Buffer>> = {
    ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
    x25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
  };

  /** Keys kept; the oldest goes first. About 1 KiB each. */
  const keptMax = 4_096;
  const kept = new Map<string, KeyObject>();

  const keep = (name: string, make: () => KeyObject): KeyObject => {
    const found = kept.get(name);
    if (found !== undefined) return found;
    const made = make();
    if (kept.size >= keptMax) for (const oldest of kept.keys()) if (kept.delete(oldest)) break;
    kept.set(name, made);
    return made;
  };

  const requireKey = (bytes: Uint8Array): void => {
    if (bytes.length !== keyBytes)
      throw new RangeError(`a key has ${keyBytes} bytes, not ${bytes.length}`);
  };

  const publicOnce = (curve: Curve, bytes: Uint8Array): KeyObject => {
    requireKey(bytes);
    const key = Buffer.concat([publicPrefix[curve], bytes]);
    return createPublicKey({ key, format: "der", type: "spki" });
  };

  const publicKept = (curve: Curve, bytes: Uint8Array): KeyObject =>
    keep(`${curve} ${Buffer.from(bytes).toString("latin1")}`, () => publicOnce(curve, bytes));

  /** Kept under a digest, so that no text holds the secret itself. */
  const secretKept = (curve: Curve, bytes: Uint8Array): KeyObject =>
    keep(`${curve} secret ${hash("sha256", bytes, "hex")}`, () => {
      requireKey(bytes);
      const key = Buffer.concat([secretPrefix[curve], bytes]);
      const made = createPrivateKey({ key, format: "der", type: "pkcs8" });
      key.fill(0);
      return made;
    });

  const rawOf = (key: KeyObject): Uint8Array => {
    const der = key.export({ format: "der", type: "spki" });
    return plain(der.subarray(der.length - keyBytes));
  };

  const publicOf = (curve: Curve, secret: Uint8Array): Uint8Array =>
    rawOf(
      keep(`${curve} public of ${hash("sha256", secret, "hex")}`, () =>
        createPublicKey(secretKept(curve, secret)),
      ),
    );

  const sharedOf = (keys: {
    privateKey: KeyObject;
    publicKey: KeyObject;
  }): Uint8Array | undefined => {
    try {
      return plain(diffieHellman(keys));
    } catch {
      return undefined; // With both keys imported, OpenSSL fails for a zero secret alone.
    }
  };

  /** A view without Buffer's own methods, so that both implementations return one type. */
  const plain = (buffer: Buffer): Uint8Array =>
    new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

  /** Symmetric keys are imported as well: Node takes 20 µs longer to find out what plain bytes are. */
  const hmacSha256: Primitives["hmacSha256"] = ({ key, message }) =>
    plain(createHmac("sha256", createSecretKey(key)).update(message).digest());

  const cipherName = "chacha20-poly1305";
  const cipherOptions = { authTagLength: tagBytes };

  return {
    name: "native",
    sha256: (...parts) => {
      const [only] = parts;
      if (only !== undefined && parts.length === 1) return plain(hash("sha256", only, "buffer"));
      const all = createHash("sha256");
      for (const part of parts) all.update(part);
      return plain(all.digest());
    },
    hmacSha256,
    ...hkdfOver(hmacSha256),

    ed25519: {
      publicKey: (secret) => publicOf("ed25519", secret),
      sign: ({ message, secret }) => plain(sign(null, message, secretKept("ed25519", secret))),
      verifyStrict: (claim) =>
        !refusedAtSight(claim) &&
        verify(null, claim.message, publicKept("ed25519", claim.publicKey), claim.signature),
    },

    x25519: {
      publicKey: (secret) => publicOf("x25519", secret),
      shared: ({ secret, publicKey }) =>
        sharedOf({
          privateKey: secretKept("x25519", secret),
          publicKey: publicOnce("x25519", publicKey),
        }),
      sharedOnce: (recipient) => {
        const other = publicKept("x25519", recipient);
        const { privateKey, publicKey } = generateKeyPairSync("x25519");
        const shared = sharedOf({ privateKey, publicKey: other });
        return shared && { publicKey: rawOf(publicKey), shared };
      },
    },

    aeadSeal: ({ key, nonce, aad, plaintext }) => {
      const cipher = createCipheriv(cipherName, createSecretKey(key), nonce, cipherOptions);
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const body = cipher.update(plaintext);
      return plain(Buffer.concat([body, cipher.final(), cipher.getAuthTag()]));
    },
    aeadOpen: ({ key, nonce, aad, sealed }) => {
      const decipher = createDecipheriv(cipherName, createSecretKey(key), nonce, cipherOptions);
      const end = sealed.length - tagBytes;
      if (end < 0) return undefined;
      decipher.setAAD(aad, { plaintextLength: end });
      decipher.setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(0, end));
      try {
        decipher.final();
      } catch {
        return undefined; // The tag is wrong.
      }
      return plain(plaintext);
    },

    randomBytes: (count) => plain(randomBytes(count)),
  };
};
