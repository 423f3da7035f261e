/**
 * The executor port: how a worker computes one kind of app. `executors/` holds one file per app
 * engine. An executor gets bytes and parameters, answers bytes; it knows no network and no keys.
 */
import type { AppErrorCode } from "../domain/app-errors.ts";

export type { AppErrorCode };

/** The largest output that a node stores, bytes. */
export const outputBytesMax = 64 * 1024 * 1024;

/**
 * Everything that can change the bits of an output: two results are compared exactly only inside
 * one execution class (`docs/verification.md`). The text form is canonical and goes into events:
 * `<engine>@<version>/<provider>/<isa>/<threads>t/<optimisation>`.
 * Examples: `ort-web@1.30.0/wasm/any/1t/all`, `ort-node@1.30.0/cpu/x64-avx2/1t/all`.
 */
export type ExecutionClass = string;

export interface Execution {
  /** Catalogue name: `onnx`, `ocr`, `faces`, `noop`. */
  readonly app: string;
  /** From the job's spec, already checked to be a JSON object. */
  readonly params: Readonly<Record<string, unknown>>;
  /** By input name, as the job's spec names them; digests were checked. */
  readonly inputs: Readonly<Record<string, Uint8Array>>;
  /** Whose it is, where that is known: some processes compute tasks of one client only. */
  readonly client?: string;
  /** Aborts at the wall-clock limit or on cancel. */
  readonly signal: AbortSignal;
}

export interface ExecutionOutput {
  /** The canonical output: same input, same execution class, same bytes. */
  readonly output: Uint8Array;
  /** Media type of the output. */
  readonly mediaType: string;
}

export interface Executor {
  /** Apps that it computes, as the node declares them. */
  readonly apps: readonly string[];
  readonly executionClass: ExecutionClass;
  /**
   * @throws {AppError} When the input is at fault.
   * @throws {OutOfMemory} When it takes more than the app may have.
   * @throws {Error} Anything else is this machine's fault.
   */
  execute(execution: Execution): Promise<ExecutionOutput>;
  close(): Promise<void>;
}

/**
 * The job's own fault: any honest node would fail alike, so that no retry helps.
 * The code is stable and ends in the job's `failed` reason.
 */
export class AppError extends Error {
  readonly code: AppErrorCode;
  constructor(code: AppErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "AppError";
    this.code = code;
  }
}

/**
 * The task needs more memory than its app may have on a node (`docs/fence.md`). It is not said of the
 * job for good, since nodes may differ, and not of this machine's health either.
 */
export class OutOfMemory extends Error {
  readonly code = "out-of-memory";
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "OutOfMemory";
  }
}
