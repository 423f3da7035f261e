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

/**
 * Codes for faults of a sealed job's envelope, found before anything is computed: the client's doing,
 * or that of somebody on the way, and never the node's. Each node that finds one is out for this job.
 */
export const envelopeErrorCodes = [
  "wraps-malformed",
  "wrap-forged",
  "spec-of-another-job",
  "not-a-sealed-body",
  "wrong-content-key",
  "body-damaged",
] as const;
export type EnvelopeErrorCode = (typeof envelopeErrorCodes)[number];

export const isEnvelopeErrorCode = (code: string): code is EnvelopeErrorCode =>
  (envelopeErrorCodes as readonly string[]).includes(code);

/** Whether the code speaks of the job, so that the node that states it is not to blame. */
export const isJobFault = (code: string): boolean =>
  isAppErrorCode(code) || isEnvelopeErrorCode(code);

export const isAppErrorCode = (code: string): code is AppErrorCode =>
  (appErrorCodes as readonly string[]).includes(code);
