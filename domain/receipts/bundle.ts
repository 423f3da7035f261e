/**
 * Receipts for results. A worker signs once for a bundle of statements: the root of their Merkle
 * tree. Each receipt is a statement, its path, and that signature; it can be checked by anybody,
 * offline, and says nothing about the other results of the bundle.
 */
import { portableSha256, type Sha256 } from "../hashing.ts";
import { type CnctId, isCnctId } from "../identity/inception.ts";
import {
  isPublicKey,
  isSignature,
  type PublicKey,
  type Signature,
  signingKeyId,
  taggedText,
  type Verify,
} from "../identity/keys.ts";
import { type Digest, isDigest } from "../ids.ts";
import { leafHash, pathTo, rootFrom, rootOf, treeOf } from "./merkle.ts";
import { isResultStatement, type ResultStatement, statementText } from "./statement.ts";

/** What the worker signs. */
export interface BundleStatement {
  readonly version: 1;
  readonly worker: CnctId;
  /** `signingKeyId` of the worker's root key at the time. */
  readonly keyId: Digest;
  /** Statements in the bundle, 1 to `bundleMax`. */
  readonly size: number;
  readonly root: Digest;
}

export interface Receipt {
  readonly version: 1;
  readonly statement: ResultStatement;
  readonly bundle: BundleStatement;
  readonly signature: Signature;
  /** Place of the statement in the bundle, from 0. */
  readonly index: number;
  readonly path: readonly Digest[];
}

export const bundleMax = 4_096;

export const bundleText = (bundle: BundleStatement): string =>
  taggedText("cnct/result-bundle/v1", bundle);

/** A bundle before it is signed. */
export interface OpenBundle {
  readonly bundle: BundleStatement;
  /** The receipts, in the order of the statements, once the worker has signed `bundleText(bundle)`. */
  readonly receipts: (signature: Signature) => readonly Receipt[];
}

/**
 * Puts statements of one worker together for one signature.
 *
 * @throws {RangeError} If there are none or more than `bundleMax`, or one is of another worker.
 */
export const bundleOf = (
  input: {
    readonly worker: CnctId;
    readonly rootKey: PublicKey;
    readonly statements: readonly ResultStatement[];
  },
  sha256: Sha256 = portableSha256,
): OpenBundle => {
  const { worker, rootKey, statements } = input;
  const size = statements.length;
  if (size < 1 || size > bundleMax)
    throw new RangeError(`a bundle has 1 to ${bundleMax} statements, not ${size}`);
  if (statements.some((statement) => statement.worker !== worker))
    throw new RangeError(`a statement in the bundle is not of ${worker}`);
  const tree = treeOf(
    statements.map((statement) => leafHash(statementText(statement), sha256)),
    sha256,
  );
  const keyId = signingKeyId(rootKey, sha256);
  const bundle: BundleStatement = { version: 1, worker, keyId, size, root: rootOf(tree) };
  return {
    bundle,
    receipts: (signature) =>
      statements.map((statement, index) => {
        const path = pathTo(tree, index);
        return { version: 1, statement, bundle, signature, index, path };
      }),
  };
};

export type ReceiptFault =
  | "receipt-malformed"
  /** The statement is of another worker than the bundle. */
  | "receipt-of-another-worker"
  /** The key is not the one that the bundle names. */
  | "receipt-of-another-key"
  | "statement-not-in-bundle"
  | "signature-wrong";

/**
 * Checks a receipt, offline.
 *
 * @param by.publicKey - The worker's root key with the bundle's `keyId`, and good at that place in
 *   the log, as its identity's events say.
 * @param by.known - Texts of bundles whose signature was found good: one is checked once for all its
 *   receipts. The caller empties it.
 */
export const checkReceipt = (
  receipt: unknown,
  by: {
    readonly publicKey: PublicKey;
    readonly verify: Verify;
    readonly sha256?: Sha256;
    readonly known?: Set<string>;
  },
):
  | { readonly ok: true; readonly statement: ResultStatement }
  | { readonly ok: false; readonly code: ReceiptFault } => {
  const { publicKey, verify, sha256 = portableSha256, known } = by;
  const refused = (code: ReceiptFault) => ({ ok: false, code }) as const;
  if (!isReceipt(receipt)) return refused("receipt-malformed");
  const { statement, bundle, signature, index, path } = receipt;
  if (statement.worker !== bundle.worker) return refused("receipt-of-another-worker");
  if (!isPublicKey(publicKey) || bundle.keyId !== signingKeyId(publicKey, sha256))
    return refused("receipt-of-another-key");
  const leaf = leafHash(statementText(statement), sha256);
  if (rootFrom({ leaf, index, size: bundle.size, path }, sha256) !== bundle.root)
    return refused("statement-not-in-bundle");
  const text = bundleText(bundle);
  const name = `${publicKey} ${signature} ${text}`;
  if (known?.has(name) !== true) {
    if (!verify({ publicKey, text, signature })) return refused("signature-wrong");
    known?.add(name);
  }
  return { ok: true, statement };
};

const isReceipt = (value: unknown): value is Receipt => {
  if (!hasOnly(value, "bundle index path signature statement version")) return false;
  const { version, statement, bundle, signature, index, path } = value as unknown as Receipt;
  return (
    version === 1 &&
    hasOnly(bundle, "keyId root size version worker") &&
    bundle.version === 1 &&
    isCnctId(bundle.worker) &&
    isDigest(bundle.keyId) &&
    isDigest(bundle.root) &&
    Number.isInteger(bundle.size) &&
    bundle.size >= 1 &&
    bundle.size <= bundleMax &&
    Number.isInteger(index) &&
    isSignature(signature) &&
    Array.isArray(path) &&
    path.length <= Math.log2(bundleMax) &&
    path.every(isDigest) &&
    isResultStatement(statement)
  );
};

const hasOnly = (value: unknown, names: string): value is object =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).sort().join(" ") === names;
