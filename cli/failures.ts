/** Every way in which a command fails, as one sentence, a stable code and an exit code. */

import { catalogue } from "../domain/catalogue.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

/** A failure that a command states itself. The message says what to do. */
export class CliFailure extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  constructor(code: string, message: string, exit: ExitCode, cause?: unknown) {
    super(message, { cause });
    this.name = "CliFailure";
    this.code = code;
    this.exit = exit;
  }
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exit: ExitCode;
}

interface Known {
  readonly exit: ExitCode;
  /** Takes the place of the code, where the code is a system's. */
  readonly code?: string;
  /** What to do, added to the sentence. */
  readonly advice?: string;
}

const { badInput, machine, refused, unknown, unreachable, timedOut, usage } = exitCodes;

const startOrPoint = "start a network with npm start, or give --gateway";
const anotherDirectory = "stop the other program, or set CNCT_DATA to another directory";
const freeRoom = "make room on that disk, or use another one (CNCT_DATA for the network's data)";

/** By the `code` of what was thrown; the layers below each have their own error class. */
const known: Readonly<Record<string, Known>> = {
  unreachable: { exit: unreachable, advice: startOrPoint },
  "gateway-unreachable": { exit: unreachable, advice: startOrPoint },
  "untrusted-gateway": {
    exit: unreachable,
    advice: "copy the whole address that its operator gave you, with what begins at #sha256=",
  },
  unavailable: { exit: unreachable, advice: "try again in a moment" },
  "rate-limited": { exit: unreachable, advice: "ask for less at once" },
  timeout: { exit: unreachable, advice: "try again in a moment" },
  "timed-out": { exit: timedOut, advice: "ask again with cnct job, or wait longer" },
  closed: { exit: unreachable },

  "nats-not-found": { exit: machine, code: "no-nats-server" },
  "nats-failed": { exit: machine },
  "nats-not-public": { exit: usage, advice: "give --access identities and --tls auto" },
  "not-public": { exit: usage },
  "keys-readable": { exit: machine },
  "keys-incomplete": { exit: machine },
  denied: { exit: machine, advice: "check --nats-authority or --nats-creds" },
  "no-fence": {
    exit: machine,
    advice: "install bubblewrap and allow user namespaces, or take what there is with --fence auto",
  },
  "directory-in-use": { exit: machine, code: "data-locked", advice: anotherDirectory },
  "port-in-use": { exit: machine, advice: "give another one with --port or CNCT_PORT" },
  EADDRINUSE: {
    exit: machine,
    code: "port-in-use",
    advice: "give another one with --port or CNCT_PORT",
  },
  locked: { exit: machine, code: "data-locked", advice: anotherDirectory },
  "newer-version": {
    exit: machine,
    code: "data-of-newer-version",
    advice: "update CNCT, or set CNCT_DATA to another directory",
  },
  corrupt: { exit: machine, code: "data-corrupt", advice: "restore it with cnct store import" },
  "no-views": {
    exit: badInput,
    advice: "start the network there once, or name its directory with --data",
  },
  "views-unreadable": { exit: machine, advice: "start the network again, which folds them anew" },
  "views-of-another-version": {
    exit: machine,
    advice: "start the network again, which folds them anew",
  },
  "disk-full": { exit: machine, advice: freeRoom },
  ENOSPC: { exit: machine, code: "disk-full", advice: freeRoom },
  EDQUOT: { exit: machine, code: "disk-full", advice: freeRoom },
  EFBIG: { exit: machine, code: "disk-full", advice: freeRoom },

  ENOENT: { exit: badInput, code: "no-such-file", advice: "check the path" },
  EISDIR: { exit: badInput, code: "not-a-file", advice: "name a file, not a directory" },
  EACCES: { exit: machine, code: "no-permission", advice: "check who may read and write there" },

  "unknown-app": { exit: badInput },
  "job-unknown": { exit: unknown, advice: "cnct jobs lists them" },
  "blob-unknown": { exit: unknown },
  "body-too-large": { exit: badInput },
  "blob-too-large": { exit: badInput },
  "missing-input": { exit: badInput },
  "unknown-input": { exit: badInput },
  "unknown-param": { exit: badInput },
  "not-measured": { exit: badInput },
  "comparator-misfit": { exit: badInput },
  "tolerance-too-wide": { exit: badInput },
  "price-below-floor": { exit: badInput },
  "replicas-beyond-policy": { exit: badInput },
  "bad-owner": { exit: badInput },
  "too-many-inputs": { exit: badInput },
  "params-too-large": { exit: badInput },
};

/** What to tell the user about anything that was thrown. */
export const explain = (error: unknown): Failure => {
  if (error instanceof CliFailure) return error;
  const { code, message } = (error instanceof Error ? error : {}) as {
    readonly code?: unknown;
    readonly message?: string;
  };
  if (typeof code === "string") {
    const entry = Object.hasOwn(known, code) ? known[code] : undefined;
    if (entry !== undefined)
      return {
        code: entry.code ?? code,
        message: sentence(systemText(error, message ?? code), entry.advice),
        exit: entry.exit,
      };
    const isOurs = /^[a-z][a-z0-9-]*$/.test(code);
    if (isOurs)
      return {
        code,
        message: message ?? code,
        exit: code.startsWith("bad-") ? badInput : refused,
      };
  }
  return {
    code: "internal",
    message: `${message ?? String(error)}; this is a fault of cnct: run again with CNCT_DEBUG=1 and report what it prints`,
    exit: exitCodes.bug,
  };
};

/** Node's own errors say `ENOENT: no such file or directory, open 'x'`. */
const systemText = (error: unknown, message: string): string => {
  const { syscall, path, port, address } = error as {
    readonly syscall?: string;
    readonly path?: string;
    readonly port?: number;
    readonly address?: string;
  };
  if (syscall === "listen" && port !== undefined)
    return `port ${port} of ${address ?? "this machine"} is in use`;
  const plain = /^E[A-Z]+: ([^,]+)/.exec(message)?.[1];
  return plain === undefined ? message : path === undefined ? plain : `${path}: ${plain}`;
};

const sentence = (message: string, advice: string | undefined): string => {
  const plain = message.replace(/[.;]$/, "");
  return advice === undefined ? plain : `${plain}; ${advice}`;
};

/** Why a job ended without an output, and what to do about it. */
const reasons: Readonly<Record<string, string>> = {
  "bad-image": "the input is no image that can be read: give a PNG, JPEG or WebP file",
  "image-too-large": "the image has too many pixels: scale it down",
  "bad-model": "the model is no ONNX model that the runtime can load: check the file",
  "bad-tensor":
    'a tensor is not understood: write {"dtype":"float32","shape":[…],"data":[…]}, with as many numbers as the shape holds',
  "shape-mismatch": "a tensor has another name, type or shape than the model reads",
  "bad-module": "the module breaks a rule of docs/wasm.md: see cnct job for which",
  "module-trap": "the module stopped in the middle: see cnct job for why",
  "bad-params": "a parameter has a value that the app cannot use",
  "missing-input": "an input that the model reads is missing: give it with --input name=file",
  "output-too-large": "the output is larger than the network carries",
  "insufficient-funds": "the client has too few points for the price times the replicas",
  "no-quorum": "the nodes' results did not agree: more replicas may help",
  "deadline-passed": "it did not end before its deadline: see cnct nodes for who could take it",
  "attempts-exhausted": "every attempt failed or timed out: see cnct job for each",
};

/** The sentence for a job that ended so. */
export const jobFailure = (job: {
  readonly hash: string;
  readonly status: string;
  readonly reason: string | null;
}): Failure => {
  const code = job.reason ?? `job-${job.status.toLowerCase()}`;
  const why = Object.hasOwn(reasons, code) ? reasons[code] : `the reason is ${code}`;
  const verb = job.status === "FAILED" ? "failed" : `was ${job.status.toLowerCase()}`;
  const message = `job ${job.hash.slice(0, 12)} ${verb}: ${why}`;
  return { code, message, exit: refused };
};

/** `there is no app "orc"; did you mean ocr? The catalogue has …` */
export const unknownApp = (name: string): CliFailure => {
  const names = Object.keys(catalogue);
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `did you mean ${near}? `;
  return new CliFailure(
    "unknown-app",
    `there is no app "${name}"; ${hint}the catalogue has ${names.join(", ")}`,
    badInput,
  );
};

/** The name within two edits (a swap of neighbours counts two), if any. */
const nearest = (name: string, names: readonly string[]): string | undefined => {
  const scored = names
    .map((candidate) => ({ candidate, edits: distance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits);
  const best = scored[0];
  return best !== undefined && best.edits <= 2 ? best.candidate : undefined;
};

/** Levenshtein, row by row. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min(
          (row[j + 1] ?? 0) + 1,
          (next[j] ?? 0) + 1,
          (row[j] ?? 0) + (letter === other ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
};
