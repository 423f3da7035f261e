/**
 * What a client asks for. The spec is hashed whole (`hash.ts`), so two jobs with one hash are one job.
 */

import { canonicalJson } from "../canonical-json.ts";
import type { Millis } from "../decider.ts";
import { type AccountId, type Digest, isClientAccount, isDigest } from "../ids.ts";
import { isMicroPoints, type MicroPointsText } from "../points.ts";
import { type Comparator, parseComparator } from "../verification/comparator.ts";

export interface BlobRef {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export type AssuranceClass = "standard" | "high";

export interface JobSpec {
  readonly version: 1;
  readonly client: AccountId;
  /** Catalogue name of the app, such as `ocr`. */
  readonly app: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, BlobRef>>;
  readonly comparator: Comparator;
  /** How many results must agree; so many replicas are assigned at first. 1 to 5. */
  readonly quorum: number;
  /** How many replicas may be tried when results disagree; from `quorum` to 9. */
  readonly replicasMax: number;
  /** Paid for each accepted result. */
  readonly price: MicroPointsText;
  /** Only nodes whose execution class begins so, such as `ort-web`; empty for any. */
  readonly engine: string;
  /**
   * Only nodes that surely compute at least so fast, WebAssembly instructions a second, as measured
   * for the app (`probe/speed.ts`); 1 to 10^12. Left out for any.
   */
  readonly minSpeed?: number;
  /** How long one attempt may take on the node, 100 ms to 1 hour. */
  readonly wallMs: Millis;
  /** How long after submission the job fails if it has not ended, 1 s to 30 days. */
  readonly deadlineMs: Millis;
  /** 1 (low) to 5 (high). */
  readonly priority: number;
  /** Makes equal work two jobs if the client wants so; at most 64 characters. */
  readonly nonce: string;
  /** No result is shown before all replicas are bound to theirs; left out where that is not wanted. */
  readonly commit?: true;
  /**
   * How sure the client wants to be. With it, results are accepted by the credibility of their nodes
   * and by audits: `commit` is true, `quorum` is 1, and `replicasMax` is 3 to 9. Left out for a plain
   * quorum.
   */
  readonly assurance?: AssuranceClass;
  /**
   * The inputs are sealed bodies, and so are the outputs; results are compared by their tags inside
   * one execution class. Left out, and never false, for a job that is open.
   */
  readonly sealed?: true;
}

export type SpecFault =
  | "spec-not-an-object"
  | "unknown-field"
  | "bad-version"
  | "bad-client"
  | "bad-app"
  | "bad-params"
  | "params-too-large"
  | "bad-inputs"
  | "too-many-inputs"
  | "bad-comparator"
  | "bad-quorum"
  | "bad-price"
  | "bad-engine"
  | "bad-min-speed"
  | "bad-limits"
  | "bad-priority"
  | "bad-nonce"
  | "bad-commit"
  | "bad-assurance"
  | "bad-sealed"
  | "nothing-to-seal";

/** Characters of the params' JSON. */
export const paramsMax = 16_384;
export const minSpeedMax = 1_000_000_000_000;
export const inputsMax = 16;
export const inputBytesMax = 64 * 1024 * 1024;

/** What the rest of a spec is when a client leaves it out. */
export const specDefaults = {
  version: 1,
  params: {},
  inputs: {},
  quorum: 2,
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
} as const;

/** Replicas that may be tried for a quorum when the client does not say: two spare ones, at most 9. */
export const defaultReplicasMax = (quorum: number): number => Math.min(quorum + 2, 9);

/** What the rest of a spec is with an assurance, when a client leaves it out. */
export const assuranceDefaults = (assurance: AssuranceClass) =>
  ({ commit: true, quorum: 1, replicasMax: assurance === "high" ? 9 : 5 }) as const;

/** Results of arbiters that one job may need. */
export const arbitersPerJobMax = 3;

/**
 * The most that a job can cost, and so what is put in escrow: each replica accepted, and with an
 * assurance each arbiter.
 */
export const budgetOf = ({ price, replicasMax, assurance }: JobSpec): bigint =>
  BigInt(price) * BigInt(replicasMax + (assurance ? arbitersPerJobMax : 0));

const fieldNames: ReadonlySet<string> = new Set([
  ...Object.keys(specDefaults),
  "client",
  "app",
  "comparator",
  "replicasMax",
  "price",
  "minSpeed",
  "commit",
  "assurance",
  "sealed",
]);
const appForm = /^[a-z][a-z0-9-]{0,31}$/;
const inputNameForm = /^[A-Za-z_][A-Za-z0-9_.:/-]{0,63}$/;
const engineForm = /^[a-z0-9@./-]{0,64}$/;

export type ParsedSpec =
  | { readonly ok: true; readonly spec: JobSpec }
  | { readonly ok: false; readonly code: SpecFault; readonly message: string };

const fault = (code: SpecFault, message: string): ParsedSpec => ({ ok: false, code, message });

/**
 * Reads a complete spec, as a client hashed it: every field must be there and nothing else, apart
 * from `sealed`, which is there for sealed jobs alone.
 */
export const parseSpec = (value: unknown): ParsedSpec => {
  if (!isObject(value)) return fault("spec-not-an-object", "a job spec is a JSON object");
  for (const key of Object.keys(value))
    if (!fieldNames.has(key))
      return fault("unknown-field", `a job spec has no field "${key.slice(0, 64)}"`);
  const { version, client, app, params, inputs, quorum, replicasMax, price, engine } =
    value as unknown as Partial<JobSpec>;
  const { wallMs, deadlineMs, priority, nonce } = value as unknown as Partial<JobSpec>;

  if (version !== 1) return fault("bad-version", "version must be 1");
  if (!isClientAccount(client))
    return fault("bad-client", 'client must look like "client:ada" (a-z, 0-9, hyphen)');
  if (typeof app !== "string" || !appForm.test(app))
    return fault("bad-app", 'app must be a catalogue name such as "ocr"');
  if (!isObject(params)) return fault("bad-params", "params must be a JSON object");
  const paramsText = canonicalText(params);
  if (!paramsText.ok) return fault("bad-params", `params: ${paramsText.why}`);
  if (paramsText.text.length > paramsMax)
    return fault("params-too-large", `params must have at most ${paramsMax} characters of JSON`);
  if (!isObject(inputs)) return fault("bad-inputs", "inputs must map names to digest and size");
  if (Object.keys(inputs).length > inputsMax)
    return fault("too-many-inputs", `a job has at most ${inputsMax} inputs`);
  for (const [name, ref] of Object.entries(inputs))
    if (!isInputName(name) || !isBlobRef(ref))
      return fault(
        "bad-inputs",
        `input "${name.slice(0, 64)}" must have a SHA-256 digest and a size of 0 to ${inputBytesMax} bytes`,
      );
  const comparator = parseComparator(value["comparator"]);
  if (!comparator.ok)
    return fault("bad-comparator", `the comparator is refused: ${comparator.reason}`);
  if (!isWhole(quorum, 1, 5)) return fault("bad-quorum", "quorum must be 1 to 5");
  if (!isWhole(replicasMax, quorum, 9))
    return fault("bad-quorum", `replicasMax must be ${quorum} (the quorum) to 9`);
  if (!isMicroPoints(price) || BigInt(price) > 1_000_000_000_000n)
    return fault(
      "bad-price",
      "price must be a whole number of micro-points from 0 to 1000000000000, as a string",
    );
  if (typeof engine !== "string" || !engineForm.test(engine))
    return fault("bad-engine", 'engine must be the start of an execution class, such as "ort-web"');
  if (Object.hasOwn(value, "minSpeed") && !isWhole(value["minSpeed"], 1, minSpeedMax))
    return fault(
      "bad-min-speed",
      `minSpeed must be 1 to ${minSpeedMax} WebAssembly instructions a second, or left out`,
    );
  if (!isWhole(wallMs, 100, 3_600_000)) return fault("bad-limits", "wallMs must be 100 to 3600000");
  if (!isWhole(deadlineMs, 1_000, 30 * 86_400_000))
    return fault("bad-limits", "deadlineMs must be 1000 to 2592000000 (30 days)");
  if (!isWhole(priority, 1, 5)) return fault("bad-priority", "priority must be 1 to 5");
  if (typeof nonce !== "string" || nonce.length > 64 || !nonce.isWellFormed())
    return fault("bad-nonce", "nonce must be a string of at most 64 characters");
  if (Object.hasOwn(value, "commit") && value["commit"] !== true)
    return fault("bad-commit", "commit must be true, or left out");
  if (Object.hasOwn(value, "assurance")) {
    const { assurance } = value;
    if (assurance !== "standard" && assurance !== "high")
      return fault("bad-assurance", 'assurance must be "standard" or "high", or left out');
    if (value["commit"] !== true || quorum !== 1 || replicasMax < 3)
      return fault(
        "bad-assurance",
        "a job with an assurance has commit true, quorum 1 and replicasMax 3 to 9",
      );
  }
  if (Object.hasOwn(value, "sealed")) {
    if (value["sealed"] !== true) return fault("bad-sealed", "sealed is true or left out");
    if (Object.keys(inputs).length === 0)
      return fault("nothing-to-seal", "a job without inputs has nothing to seal: leave out sealed");
  }
  return { ok: true, spec: value as unknown as JobSpec };
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

/** `__proto__` names nothing, since a program that copies inputs one by one would lose it. */
const isInputName = (name: string): boolean => inputNameForm.test(name) && name !== "__proto__";

const canonicalText = (
  value: unknown,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string } => {
  try {
    return { ok: true, text: canonicalJson(value) };
  } catch (error) {
    if (error instanceof TypeError) return { ok: false, why: error.message };
    throw error;
  }
};

const isBlobRef = (value: unknown): value is BlobRef =>
  isObject(value) &&
  Object.keys(value).length === 2 &&
  isDigest(value["digest"]) &&
  isWhole(value["size"], 0, inputBytesMax);
