/** Keys that are derived from a job's content key, each for one purpose. */
import { type TaskNumber, taskName } from "../domain/job/hash.ts";
import { utf8 } from "./bytes.ts";
import { keyBytes, type Primitives } from "./primitives.ts";

const none = new Uint8Array(0);

/** A key of 32 bytes for one purpose, from a secret that is used for nothing else than this. */
export const deriveKey = (
  { hkdfExtract, hkdfExpand }: Primitives,
  secret: Uint8Array,
  purpose: string,
  salt: Uint8Array = none,
): Uint8Array =>
  hkdfExpand({ key: hkdfExtract({ salt, secret }), info: utf8(purpose), bytes: keyBytes });

/** Two of them from one secret and salt, for less than each by itself. */
export const deriveKeys = (
  { hkdfExtract, hkdfExpand }: Primitives,
  secret: Uint8Array,
  [first, second]: readonly [string, string],
  salt: Uint8Array = none,
): readonly [Uint8Array, Uint8Array] => {
  const key = hkdfExtract({ salt, secret });
  const expand = (purpose: string) => hkdfExpand({ key, info: utf8(purpose), bytes: keyBytes });
  return [expand(first), expand(second)];
};

/**
 * The content key of one task's output. Whoever can read the job's inputs can compute it, and nobody
 * else: the client, and the nodes that compute or check the job. It opens no output of another task.
 */
export const outputKey = (
  primitives: Primitives,
  { contentKey, task }: { readonly contentKey: Uint8Array; readonly task: TaskNumber },
): Uint8Array => deriveKey(primitives, contentKey, `cnct/output/v1\n${taskName(task)}`);
