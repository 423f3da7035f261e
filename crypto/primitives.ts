/**
 * What all sealing and signing in CNCT rests on: one suite, two implementations.
 *
 * `primitives-portable.ts` runs anywhere, `primitives-native.ts` on Node at many times the speed, and
 * `primitives-platform.ts` is the one of both that the platform has.
 * They are held to the same vectors and to each other: same bytes, same verdicts.
 */

export interface Primitives {
  readonly name: "portable" | "native";

  /** SHA-256 of the parts, one after another. 32 bytes. */
  readonly sha256: (...parts: readonly Uint8Array[]) => Uint8Array;

  /** HMAC-SHA-256. 32 bytes. */
  readonly hmacSha256: (input: {
    readonly key: Uint8Array;
    readonly message: Uint8Array;
  }) => Uint8Array;

  /** HKDF with SHA-256 (RFC 5869), its two steps apart because HPKE needs them so. */
  readonly hkdfExtract: (input: {
    readonly salt: Uint8Array;
    readonly secret: Uint8Array;
  }) => Uint8Array;
  /** @param input.bytes - Length of the output, 1 to 8,160. */
  readonly hkdfExpand: (input: {
    readonly key: Uint8Array;
    readonly info: Uint8Array;
    readonly bytes: number;
  }) => Uint8Array;

  readonly ed25519: {
    /** @param secret - 32 bytes, the seed of RFC 8032. */
    readonly publicKey: (secret: Uint8Array) => Uint8Array;
    /** A signature of 64 bytes; the same input gives the same signature. */
    readonly sign: (input: {
      readonly message: Uint8Array;
      readonly secret: Uint8Array;
    }) => Uint8Array;
    /**
     * The one strict rule of `ed25519-strict.ts`: every verifier gives the same verdict, also on
     * crafted input. False for anything malformed. It believes the key to be one that
     * `isSafeSigningKey` let through when it was registered.
     */
    readonly verifyStrict: (input: {
      readonly signature: Uint8Array;
      readonly message: Uint8Array;
      readonly publicKey: Uint8Array;
    }) => boolean;
  };

  readonly x25519: {
    /** @param secret - Any 32 bytes; clamped as in RFC 7748. */
    readonly publicKey: (secret: Uint8Array) => Uint8Array;
    /**
     * The shared secret, 32 bytes; undefined if the other key has a small order (all zero).
     *
     * @param input.secret - One's own key, which lasts.
     * @param input.publicKey - Another's key, which may be seen once only.
     */
    readonly shared: (input: {
      readonly secret: Uint8Array;
      readonly publicKey: Uint8Array;
    }) => Uint8Array | undefined;
    /** A shared secret with a key drawn for this one use, which is forgotten; else as `shared`. */
    readonly sharedOnce: (
      recipient: Uint8Array,
    ) => { readonly publicKey: Uint8Array; readonly shared: Uint8Array } | undefined;
  };

  /** ChaCha20-Poly1305 (RFC 8439): ciphertext, then a tag of 16 bytes. */
  readonly aeadSeal: (input: AeadInput & { readonly plaintext: Uint8Array }) => Uint8Array;
  /** The plaintext; undefined if anything was changed. */
  readonly aeadOpen: (input: AeadInput & { readonly sealed: Uint8Array }) => Uint8Array | undefined;

  /** Bytes that nobody can guess, 0 to 65,536 of them. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface AeadInput {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes, never twice with one key. */
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

/** Bytes that an AEAD adds. */
export const tagBytes = 16;
/** Length of an AEAD's nonce. */
export const nonceBytes = 12;
/** Length of every key, public or secret, and of every digest. */
export const keyBytes = 32;
