/** What the supervisor and a child say to each other, and how each is read from a frame. */

import type { AppErrorCode, Execution, ExecutionClass } from "../executor.ts";
import type { EngineName } from "../executors/inference.ts";
import { type Frame, FrameError, type FrameLimits } from "./frames.ts";

/**
 * The pipes that a child finds open, by file descriptor. On `frames` both sides talk; `lifeline`
 * stays open for as long as the supervisor lives, and a child may say there why it ends itself.
 */
export const pipes = { frames: 3, lifeline: 4 } as const;

/** Given to a child as its only argument, as JSON: by who starts it, never by a job. */
export interface ChildSettings {
  /** A module that exports `openExecutors`, as `executors/open.ts` does; a file URL. */
  readonly programs: string;
  readonly engine: EngineName;
  readonly apps: readonly string[];
  /** Options for its V8, such as `--wasm-max-mem-pages=4096`. */
  readonly v8Options: readonly string[];
  /** The most that it may have; with more it ends itself, also in the middle of a task. */
  readonly memoryBytes: number;
}

/** What a child can compute once it has opened its apps. */
export interface Offer {
  readonly apps: readonly string[];
  readonly executionClass: ExecutionClass;
}

/** A child computes one at a time; the signal stays behind, because aborting is killing the child. */
export type Request = Omit<Execution, "signal" | "client">;

export type Answer =
  | { readonly type: "opened"; readonly offers: readonly Offer[] }
  | { readonly type: "unopened"; readonly code?: AppErrorCode; readonly message: string }
  | ({ readonly type: "done"; readonly mediaType: string; readonly output: Uint8Array } & Resident)
  | ({ readonly type: "refused"; readonly code: AppErrorCode; readonly message: string } & Resident)
  /** It took more memory than it may have; the child is not used again. */
  | ({ readonly type: "exhausted"; readonly message: string } & Resident)
  | ({ readonly type: "fault"; readonly message: string } & Resident);

interface Resident {
  /** The child's resident memory after the task. */
  readonly residentBytes: number;
}

/** The supervisor makes requests itself: these only catch a broken pipe. */
export const requestLimits: FrameLimits = {
  headerBytesMax: 16 * 1024 * 1024,
  partsMax: 10_000,
  partBytesMax: 2 ** 32,
};

/** Of answers: one output, and a header of a few short texts. */
export const answerLimits = (outputBytesMax: number): FrameLimits => ({
  headerBytesMax: 64 * 1024,
  partsMax: 1,
  partBytesMax: outputBytesMax,
});

export const requestFrame = ({ app, params, inputs }: Request): Frame => ({
  header: { app, params, inputs: Object.keys(inputs) },
  parts: Object.values(inputs),
});

/** Only for frames of our own supervisor. */
export const requestIn = ({ header, parts }: Frame): Request => {
  const { app, params, inputs } = header as {
    readonly app: string;
    readonly params: Request["params"];
    readonly inputs: readonly string[];
  };
  const pairs = inputs.map((name, index) => [name, parts[index] ?? new Uint8Array(0)] as const);
  return { app, params, inputs: Object.fromEntries(pairs) };
};

export const answerFrame = (answer: Answer): Frame => {
  if (answer.type !== "done") return { header: answer, parts: [] };
  const { output, ...header } = answer;
  return { header, parts: [output] };
};

/** @throws {FrameError} When it is no answer; an unknown code of a refusal is none. */
export const answerIn = ({ header, parts }: Frame): Answer => {
  const fields = isRecord(header) ? header : {};
  const { type, message, code, mediaType, residentBytes, offers } = fields;
  switch (type) {
    case "opened":
      if (Array.isArray(offers) && offers.every(isOffer)) return { type, offers };
      break;
    case "unopened":
      if (typeof message === "string")
        return { type, message, ...(isAppErrorCode(code) ? { code } : {}) };
      break;
    case "done":
      if (typeof mediaType === "string" && isSize(residentBytes) && parts[0] !== undefined)
        return { type, mediaType, residentBytes, output: parts[0] };
      break;
    case "refused":
      if (isAppErrorCode(code) && typeof message === "string" && isSize(residentBytes))
        return { type, code, message, residentBytes };
      break;
    case "exhausted":
    case "fault":
      if (typeof message === "string" && isSize(residentBytes))
        return { type, message, residentBytes };
  }
  throw new FrameError("malformed", `a child's answer of type ${JSON.stringify(type)} is not one`);
};

type Fields = { readonly [name in string]?: unknown };

const isRecord = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const isOffer = (value: unknown): value is Offer => {
  const { apps, executionClass } = (isRecord(value) ? value : {}) as Fields & Partial<Offer>;
  return (
    typeof executionClass === "string" &&
    Array.isArray(apps) &&
    apps.every((app) => typeof app === "string")
  );
};

/** Every code of the port: the compiler asks for a new one. */
const appErrorCodes: Readonly<Record<AppErrorCode, true>> = {
  "unknown-app": true,
  "bad-params": true,
  "missing-input": true,
  "bad-image": true,
  "image-too-large": true,
  "bad-model": true,
  "bad-tensor": true,
  "shape-mismatch": true,
  "output-too-large": true,
  "bad-url": true,
  "url-not-allowed": true,
  "bad-module": true,
  "module-trap": true,
};

const isAppErrorCode = (value: unknown): value is AppErrorCode =>
  typeof value === "string" && Object.hasOwn(appErrorCodes, value);
