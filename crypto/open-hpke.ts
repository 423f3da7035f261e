/** The opening half of `hpke.ts`. */
import { type ContextMessage, type HpkeContext, kemSecret, keySchedule, nonceAt } from "./hpke.ts";
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

/** ContextR.Open: undefined if it was not sealed in this context, with this number and this aad. */
export const openIn = (
  { aeadOpen }: Primitives,
  context: HpkeContext,
  { sequence, aad, sealed }: ContextMessage & { readonly sealed: Uint8Array },
): Uint8Array | undefined =>
  aeadOpen({ key: context.key, nonce: nonceAt(context, sequence), aad, sealed });
