/**
 * A receipt as the log keeps it: beside the facts of `ResultReceived`, what else was signed. Together
 * they are the receipt again, so that anybody can check from the log what a worker stated.
 */
import type { CnctId } from "../identity/inception.ts";
import type { Signature } from "../identity/keys.ts";
import type { Digest } from "../ids.ts";
import type { ResultReceived } from "../job/events.ts";
import type { Receipt } from "./bundle.ts";
import type { ResultStatement, Usage } from "./statement.ts";

export interface StoredReceipt {
  readonly worker: CnctId;
  readonly keyId: Digest;
  /** Of the bundle, as are root and signature. */
  readonly size: number;
  readonly root: Digest;
  readonly signature: Signature;
  readonly index: number;
  readonly path: readonly Digest[];
  readonly appDigest: Digest;
  readonly usage: Usage;
  readonly startedAt: number;
}

/** What the log keeps of a receipt that was checked. */
export const storedReceipt = ({
  statement,
  bundle,
  signature,
  index,
  path,
}: Receipt & { readonly statement: ResultStatement }): StoredReceipt => {
  const { worker, keyId, size, root } = bundle;
  const { appDigest, usage, startedAt } = statement;
  return { worker, keyId, size, root, signature, index, path, appDigest, usage, startedAt };
};

/** The receipt of a result in the log; undefined if it was not signed. */
export const receiptOf = (
  event: ResultReceived,
): (Receipt & { readonly statement: ResultStatement }) | undefined => {
  const { jobHash, replica, attempt, nodeId, executionClass, resultTag, salt, receipt } = event;
  if (receipt === undefined || resultTag === undefined) return undefined;
  const { worker, keyId, size, root, signature, index, path } = receipt;
  const { appDigest, usage, startedAt } = receipt;
  const output = { digest: event.outputDigest, size: event.outputSize };
  const task = { jobHash, replica, attempt, nodeId, worker };
  const what = { resultTag, output, appDigest, executionClass, usage, startedAt };
  const statement: ResultStatement = {
    version: 1,
    ...task,
    ...what,
    ...(salt === undefined ? {} : { salt }),
  };
  const bundle = { version: 1, worker, keyId, size, root } as const;
  return { version: 1, statement, bundle, signature, index, path };
};
