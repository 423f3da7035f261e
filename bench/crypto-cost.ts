/**
 * What signing and sealing cost, by implementation: `npm run bench` does not run it, since it
 * compares us with ourselves.
 *
 *     node bench/crypto-cost.ts
 */
import { hexOf, utf8 } from "../crypto/bytes.ts";
import { openBody } from "../crypto/open.ts";
import { createWrapOpener } from "../crypto/open-wraps.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { native } from "../crypto/primitives-native.ts";
import { portable } from "../crypto/primitives-portable.ts";
import { newContentKey, sealBody } from "../crypto/seal.ts";
import { keyRules, newEncryptionPair, newSigningPair, signText } from "../crypto/signatures.ts";
import { createWrapper } from "../crypto/wrapper.ts";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import {
  bundleOf,
  bundleText,
  checkBundle,
  checkReceipt,
  receiptsOf,
  type SignedBundle,
} from "../domain/receipts/bundle.ts";

/** Operations a second of CPU, from at least 400 ms of it, after a short warm-up. */
const rate = (work: () => unknown): number => {
  const spent = (since: NodeJS.CpuUsage): number => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1e6;
  };
  const warm = process.cpuUsage();
  while (spent(warm) < 0.1) work();
  const started = process.cpuUsage();
  let done = 0;
  for (; spent(started) < 0.4; done++) work();
  return done / spent(started);
};

const costs = (it: Primitives): Readonly<Record<string, number>> => {
  const message = utf8("x".repeat(200));
  const { secret, publicKey } = newSigningPair(it);
  const signature = it.ed25519.sign({ message, secret });
  const key = it.ed25519.publicKey(secret);
  const recipient = newEncryptionPair(it);
  const contentKey = newContentKey(it);
  const plaintext = new Uint8Array(1 << 20).fill(7);
  const body = sealBody(it, { contentKey, plaintext });
  const digest = hexOf(it.sha256(body));
  const recipients = [recipient.publicKey];
  const wrapping = { contentKey, jobHash: digest, recipients };
  const wrapFirst = () => createWrapper(it).wrap(wrapping);
  const wrapper = createWrapper(it);
  const wrapped = wrapper.wrap(wrapping);
  const keyId = encryptionKeyId(recipient.publicKey);
  const keys = (one: string) => (one === keyId ? recipient.secret : undefined);
  const opener = createWrapOpener(it, keys);
  const [wrap] = wrapped.ok ? wrapped.wraps.recipients : [];
  const opening = { wrap, jobHash: digest };
  const worker = `cnct:${"a".repeat(52)}`;
  const statement = {
    ...({ version: 1, jobHash: digest, replica: 0, attempt: 1, nodeId: "n-1", worker } as const),
    ...{ resultTag: digest, output: { digest, size: 1 }, appDigest: digest, executionClass: "e" },
    ...{ usage: { wallMs: 1, cpuMs: 1, memoryPeakBytes: 1 }, startedAt: 1 },
  };
  const statements = Array.from({ length: 100 }, () => statement);
  const sha256 = (bytes: Uint8Array | string): string =>
    hexOf(it.sha256(typeof bytes === "string" ? utf8(bytes) : bytes));
  const sign = (): SignedBundle => {
    const bundle = bundleOf({ worker, rootKey: publicKey, statements }, sha256);
    const signature = signText(it, { text: bundleText(bundle), secret });
    return { version: 1, bundle, signature, statements };
  };
  const signed = sign();
  const [receipt] = receiptsOf(signed, sha256);
  const by = { publicKey, verify: keyRules(it).verify, sha256 };
  const check = () => checkBundle(signed, by);
  if (!opener.open(opening).ok || !check().ok || !checkReceipt(receipt, by).ok)
    throw new Error("the figures would be those of failures");
  return {
    "sign 200 bytes": rate(() => it.ed25519.sign({ message, secret })),
    "verify strictly": rate(() => it.ed25519.verifyStrict({ signature, message, publicKey: key })),
    "seal 1 MiB": rate(() => sealBody(it, { contentKey, plaintext })),
    "open 1 MiB": rate(() => openBody(it, { contentKey, body, digest })),
    "first wrap for a recipient": rate(wrapFirst),
    "each wrap after it": rate(() => wrapper.wrap(wrapping)),
    "first wrap of a sender opened": rate(() => createWrapOpener(it, keys).open(opening)),
    "each wrap after it opened": rate(() => opener.open(opening)),
    "results signed, 100 at once": 100 * rate(sign),
    "results checked, 100 at once": 100 * rate(check),
    "receipt checked alone": rate(() => checkReceipt(receipt, by)),
  };
};

const [ours, theirs] = [costs(native), costs(portable)];
console.log(
  "operations a second of CPU".padEnd(36),
  "native".padStart(10),
  "portable".padStart(10),
  "ratio",
);
for (const [name, value] of Object.entries(ours)) {
  const other = theirs[name] ?? Number.NaN;
  const shown = [value, other].map((it) => it.toFixed(0).padStart(10));
  console.log(name.padEnd(36), ...shown, (value / other).toFixed(1).padStart(5));
}
