/** The opening half of `hpke.ts`. */
import { type HpkeContext, kemSecret, keySchedule, nonceAt } from "./hpke.ts";
import { keyBytes, type Primitives } from "./primitives.ts";

/** SetupBaseR. Undefined if `enc` is no key of 32 bytes or has a small order. */
export const setupReceiver = (
  primitives: Primitives,
  { enc, secret, info }: Readonly<Record<"enc" | "secret" | "info", Uint8Array>>,
): HpkeContext | undefined => {
  if (enc.length !== keyBytes) return undefined;
  const dh = primitives.x25519.shared({ secret, publicKey: enc });
  if (dh === undefined) return undefined;
  const publicKey = primitives.x25519.publicKey(secret);
  return keySchedule(primitives, { shared: kemSecret(primitives, { dh, enc, publicKey }), info });
};

/** OpenBase: undefined if it was not sealed for this key with this info and aad. */
export const hpkeOpen = (
  primitives: Primitives,
  input: Readonly<Record<"enc" | "secret" | "info" | "aad" | "sealed", Uint8Array>>,
): Uint8Array | undefined => {
  const context = setupReceiver(primitives, input);
  if (context === undefined) return undefined;
  const { aad, sealed } = input;
  return primitives.aeadOpen({ key: context.key, nonce: nonceAt(context, 0), aad, sealed });
};
