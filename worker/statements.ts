/**
 * What a node states about a task, in the two forms in which it travels: in its own name, or as a
 * statement that the identity that owns the node signs, many at once.
 */
import { appDigest, isAppName } from "../domain/catalogue.ts";
import type { Instant } from "../domain/decider.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import type { PublicKey, Signature } from "../domain/identity/keys.ts";
import type { Digest, NodeId } from "../domain/ids.ts";
import { bundleOf, bundleText, type SignedBundle } from "../domain/receipts/bundle.ts";
import { failureMessageMax, type Statement } from "../domain/receipts/statement.ts";
import type { ResultStatement } from "../streams/task-queue.ts";

/** Signs for the identity that owns the node. */
export interface Signer {
  readonly worker: CnctId;
  /** The key that `sign` signs with. */
  readonly rootKey: PublicKey;
  readonly sign: (text: string) => Signature;
}

/** What a statement about a result says beyond the result itself. */
export interface Circumstances {
  /** Catalogue name of the app that computed it. */
  readonly app: string;
  readonly startedAt: Instant;
  readonly resultTag: Digest;
}

/**
 * The form that is signed.
 *
 * @param about - Only of results: failures and commits name no app.
 * @throws {RangeError} If a result comes without its circumstances: our bug.
 */
export const signedForm = (
  result: ResultStatement,
  by: { readonly nodeId: NodeId; readonly worker: CnctId },
  about?: Circumstances,
): Statement => {
  const { jobHash, replica, attempt, outcome } = result;
  const { nodeId, worker } = by;
  const task = { version: 1, jobHash, replica, attempt, nodeId, worker } as const;
  if (outcome === "committed") return { ...task, commit: result.commit };
  if (outcome === "failed") {
    const { code, retryable } = result;
    // Cut in the middle of a character it would be no text that can be signed.
    const message = result.message.slice(0, failureMessageMax).toWellFormed();
    return { ...task, code, message, retryable };
  }
  if (about === undefined || !isAppName(about.app))
    throw new RangeError(`a result of ${about?.app ?? "nothing"} cannot be stated`);
  const { executionClass, outputDigest, outputSize, elapsedMs, salt } = result;
  return {
    ...task,
    resultTag: about.resultTag,
    ...(salt === undefined ? {} : { salt }),
    output: { digest: outputDigest, size: outputSize },
    appDigest: appDigestOf(about.app),
    executionClass,
    usage: { wallMs: Math.round(elapsedMs) },
    startedAt: Math.round(about.startedAt),
  };
};

export const signBundle = (
  statements: readonly Statement[],
  { worker, rootKey, sign }: Signer,
  sha256?: Sha256,
): SignedBundle => {
  const bundle = bundleOf({ worker, rootKey, statements }, sha256);
  return { version: 1, bundle, signature: sign(bundleText(bundle)), statements };
};

const digests = new Map<string, Digest>();
/** A manifest does not change while the program runs. */
const appDigestOf = (app: Parameters<typeof appDigest>[0]): Digest => {
  let digest = digests.get(app);
  if (digest === undefined) {
    digest = appDigest(app);
    digests.set(app, digest);
  }
  return digest;
};
