/**
 * Receipts for what workers state. A worker signs once for a bundle of statements: the root of their Merkle
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
import { leafHash, pathTo, rootFrom, rootOf, type Tree, treeOf } from "./merkle.ts";
import { isStatement, type Statement, statementText } from "./statement.ts";

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
  readonly statement: Statement;
  readonly bundle: BundleStatement;
  readonly signature: Signature;
  /** Place of the statement in the bundle, from 0. */
  readonly index: number;
  readonly path: readonly Digest[];
}

export const bundleMax = 4_096;

export const bundleText = (bundle: BundleStatement): string =>
  taggedText("cnct/result-bundle/v1", bundle);

/** What a worker sends: the whole bundle, from which anybody can make the receipts. */
export interface SignedBundle {
  readonly version: 1;
  readonly bundle: BundleStatement;
  readonly signature: Signature;
  readonly statements: readonly Statement[];
}

/**
 * Puts statements of one worker together for one signature, which is over `bundleText(bundle)`.
 *
 * @throws {RangeError} If there are none or more than `bundleMax`, or one is of another worker.
 */
export const bundleOf = (
  input: {
    readonly worker: CnctId;
    readonly rootKey: PublicKey;
    readonly statements: readonly Statement[];
  },
  sha256: Sha256 = portableSha256,
): BundleStatement => {
  const { worker, rootKey, statements } = input;
  const size = statements.length;
  if (size < 1 || size > bundleMax)
    throw new RangeError(`a bundle has 1 to ${bundleMax} statements, not ${size}`);
  if (statements.some((statement) => statement.worker !== worker))
    throw new RangeError(`a statement in the bundle is not of ${worker}`);
  const root = rootOf(treeFor(statements, sha256));
  return { version: 1, worker, keyId: signingKeyId(rootKey, sha256), size, root };
};

/**
 * The receipts of a bundle that was checked or made, in the order of its statements.
 *
 * @param tree - As `checkBundle` answered it, which saves to hash everything again.
 */
export const receiptsOf = (
  { bundle, signature, statements }: SignedBundle,
  sha256: Sha256 = portableSha256,
  tree: Tree = treeFor(statements, sha256),
): readonly Receipt[] => {
  return statements.map((statement, index) => {
    const path = pathTo(tree, index);
    return { version: 1, statement, bundle, signature, index, path };
  });
};

const treeFor = (statements: readonly Statement[], sha256: Sha256): Tree =>
  treeOf(
    statements.map((statement) => leafHash(statementText(statement), sha256)),
    sha256,
  );

export type ReceiptFault =
  | "receipt-malformed"
  /** The statement is of another worker than the bundle. */
  | "receipt-of-another-worker"
  /** The key is not the one that the bundle names. */
  | "receipt-of-another-key"
  | "statement-not-in-bundle"
  | "signature-wrong";

interface By {
  /**
   * The worker's root key that the bundle's `keyId` names, and that was good at that place in the
   * log, as the events of its identity say.
   */
  readonly publicKey: PublicKey;
  readonly verify: Verify;
  readonly sha256?: Sha256;
}

type Refused = { readonly ok: false; readonly code: ReceiptFault };
const refused = (code: ReceiptFault): Refused => ({ ok: false, code });

/** Checks one receipt, offline. */
export const checkReceipt = (
  receipt: unknown,
  by: By,
): { readonly ok: true; readonly statement: Statement } | Refused => {
  if (!isReceipt(receipt)) return refused("receipt-malformed");
  const { statement, bundle, signature, index, path } = receipt;
  if (statement.worker !== bundle.worker) return refused("receipt-of-another-worker");
  const leaf = leafHash(statementText(statement), by.sha256);
  if (rootFrom({ leaf, index, size: bundle.size, path }, by.sha256) !== bundle.root)
    return refused("statement-not-in-bundle");
  const code = signatureFault(bundle, signature, by);
  return code === undefined ? { ok: true, statement } : refused(code);
};

/** Checks a whole bundle for the price of one signature and two hashes a statement. */
export const checkBundle = (
  value: unknown,
  by: By,
): { readonly ok: true; readonly signed: SignedBundle; readonly tree: Tree } | Refused => {
  if (!isSignedBundle(value)) return refused("receipt-malformed");
  const { bundle, signature, statements } = value;
  if (statements.some(({ worker }) => worker !== bundle.worker))
    return refused("receipt-of-another-worker");
  const tree = treeFor(statements, by.sha256 ?? portableSha256);
  if (rootOf(tree) !== bundle.root) return refused("statement-not-in-bundle");
  const code = signatureFault(bundle, signature, by);
  return code === undefined ? { ok: true, signed: value, tree } : refused(code);
};

const signatureFault = (
  bundle: BundleStatement,
  signature: Signature,
  { publicKey, verify, sha256 }: By,
): ReceiptFault | undefined => {
  if (!isPublicKey(publicKey) || bundle.keyId !== signingKeyId(publicKey, sha256))
    return "receipt-of-another-key";
  return verify({ publicKey, text: bundleText(bundle), signature }) ? undefined : "signature-wrong";
};

const isBundle = (bundle: unknown): bundle is BundleStatement => {
  if (!hasOnly(bundle, "keyId root size version worker")) return false;
  const { version, worker, keyId, size, root } = bundle as BundleStatement;
  return (
    version === 1 &&
    isCnctId(worker) &&
    isDigest(keyId) &&
    isDigest(root) &&
    Number.isInteger(size) &&
    size >= 1 &&
    size <= bundleMax
  );
};

/** Whether it has the form of one; whether it is good, `checkBundle` says. */
export const isSignedBundle = (value: unknown): value is SignedBundle => {
  if (!hasOnly(value, "bundle signature statements version")) return false;
  const { version, bundle, signature, statements } = value as SignedBundle;
  return (
    version === 1 &&
    isBundle(bundle) &&
    isSignature(signature) &&
    Array.isArray(statements) &&
    statements.length === bundle.size &&
    statements.every(isStatement)
  );
};

const isReceipt = (value: unknown): value is Receipt => {
  if (!hasOnly(value, "bundle index path signature statement version")) return false;
  const { version, statement, bundle, signature, index, path } = value as Receipt;
  return (
    version === 1 &&
    isBundle(bundle) &&
    Number.isInteger(index) &&
    isSignature(signature) &&
    Array.isArray(path) &&
    path.length <= Math.log2(bundleMax) &&
    path.every(isDigest) &&
    isStatement(statement)
  );
};

const hasOnly = (value: unknown, names: string): value is object =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).sort().join(" ") === names;
