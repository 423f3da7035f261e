/** Turns what V8 throws when a module fails into one sentence, and decides whose fault it is. */

import { AppError } from "../../executor.ts";

/** The module called `env.abort`; both numbers are what it says. */
export class ModuleAborted extends Error {
  readonly line: number;
  readonly column: number;
  constructor(line: number, column: number) {
    super(`aborted at ${line}:${column}`);
    this.name = "ModuleAborted";
    this.line = line;
    this.column = column;
  }
}

const outOfStack = "the module called functions too deep";

const sentences: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [/unreachable/, "the module reached an unreachable instruction"],
  [/memory access out of bounds/, "the module read or wrote outside its memory"],
  [/divide by zero|remainder by zero/, "the module divided by zero"],
  [/divide result unrepresentable/, "the module divided and the result does not fit"],
  [/float unrepresentable/, "the module turned a float into a whole number that does not fit"],
  [/table index is out of bounds|table access/, "the module called outside its table"],
  [/null function|signature mismatch/, "the module called a function of another type"],
];

/**
 * @param stackLeft - Of the module's stack; below zero when that is why it stopped.
 * @returns Undefined when the machine is at fault.
 */
export const trapOf = (
  error: unknown,
  { stackLeft }: { readonly stackLeft: number },
): AppError | undefined => {
  if (error instanceof AppError) return error;
  const trap = (sentence: string) => new AppError("module-trap", sentence, error);
  if (error instanceof ModuleAborted)
    return trap(`the module stopped itself (line ${error.line}, column ${error.column})`);
  if (error instanceof WebAssembly.RuntimeError) {
    if (stackLeft < 0) return trap(outOfStack);
    const known = sentences.find(([pattern]) => pattern.test(error.message));
    return trap(known?.[1] ?? "the module trapped");
  }
  if (error instanceof RangeError && /call stack/.test(error.message)) return trap(outOfStack);
  return undefined;
};
