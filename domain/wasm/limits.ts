/**
 * What a module may be. These numbers are part of the execution class `wasm@1`: two nodes that read
 * them differently would disagree about a job, so that changing one needs a new class.
 */

/** Bytes of a memory page. */
export const pageBytes = 65_536;

/** The most memory that a job can declare: 256 MiB. */
export const memoryPagesMax = 4_096;

export const moduleLimits = {
  /** Bytes of the whole module. */
  moduleBytes: 2 * 1024 * 1024,
  /** Calls, and floats that get a canonical NaN, in all functions: each makes the code longer. */
  marks: 100_000,
  types: 1_000,
  params: 64,
  results: 16,
  imports: 16,
  functions: 5_000,
  globals: 1_000,
  exports: 1_000,
  /** Entries of the only table. */
  tableEntries: 65_536,
  elementSegments: 1_000,
  dataSegments: 10_000,
  customSections: 100,
  /** Bytes of one function. */
  bodyBytes: 128 * 1024,
  /** Locals of one function, its parameters too. */
  locals: 2_000,
  /**
   * For one function, its locals times its ways to a place where several meet (a loop counts for 4):
   * what an optimising compiler may have to remember for it, in words.
   */
  meetings: 600_000,
  /** Blocks inside blocks. */
  nesting: 1_000,
  /** Values on the operand stack of one function. */
  operands: 4_000,
  branchTargets: 20_000,
} as const;

/**
 * How much call stack a run has, in bytes as `frameBytes` counts them; less than what V8 is given, so
 * that every machine and every compiler tier runs out at the same call.
 */
export const stackBytesMax = 2 * 1024 * 1024;

/** A call that needs no more than this, with all that it calls, is not counted. */
export const uncountedBytesMax = 64 * 1024;

/** What one call takes of the stack: more than V8 needs for it in any tier. */
export const frameBytes = (locals: number, operandsMax: number): number =>
  128 + 16 * (locals + operandsMax);
