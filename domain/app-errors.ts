/**
 * Codes for faults of a job itself, which any honest node would find alike. A quorum of nodes that
 * reports one ends the job with it, so nodes may say only these; anything else counts as theirs.
 */
export const appErrorCodes = [
  "unknown-app",
  "bad-params",
  "missing-input",
  "bad-image",
  "image-too-large",
  "bad-model",
  "bad-tensor",
  "shape-mismatch",
  "output-too-large",
  "bad-url",
  "url-not-allowed",
  "bad-module",
  "module-trap",
] as const;
export type AppErrorCode = (typeof appErrorCodes)[number];

export const isAppErrorCode = (code: string): code is AppErrorCode =>
  (appErrorCodes as readonly string[]).includes(code);
