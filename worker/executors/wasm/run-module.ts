/** Runs one module once: checks it, gives it its input, takes its output, and says whose fault a fault is. */

import { ModuleFault } from "../../../domain/wasm/reader.ts";
import { prepareModule, stackExport } from "../../../domain/wasm/rewrite.ts";
import { AppError, outputBytesMax } from "../../executor.ts";
import { ModuleAborted, trapOf } from "./traps.ts";

export interface ModuleRun {
  readonly module: Uint8Array;
  readonly data: Uint8Array;
  /** A text in UTF-8; may be empty. */
  readonly args: Uint8Array;
  /** The most pages that the module may declare. */
  readonly memoryPages: number;
}

interface ModuleExports {
  readonly memory: WebAssembly.Memory;
  readonly alloc: (size: number) => number;
  readonly run: (data: number, size: number, args: number, argsSize: number) => bigint;
  readonly [stackExport]: WebAssembly.Global;
}

/**
 * Computes until the module is done; only the end of the process stops it.
 *
 * @returns A copy of the module's output.
 * @throws {AppError} `bad-module`, `module-trap` or `output-too-large`.
 * @throws {Error} When this machine cannot give the memory.
 */
export const runModule = ({ module, data, args, memoryPages }: ModuleRun): Uint8Array => {
  const compiled = compile(module, memoryPages);
  let exports: ModuleExports | undefined;
  const give = (bytes: Uint8Array, { memory, alloc }: ModuleExports): number => {
    const at = alloc(bytes.length) >>> 0;
    if (at + bytes.length > memory.buffer.byteLength)
      throw new AppError("module-trap", "the module's alloc gave a place outside its memory");
    new Uint8Array(memory.buffer).set(bytes, at);
    return at;
  };
  try {
    const instance = new WebAssembly.Instance(compiled, { env: { abort } });
    exports = instance.exports as unknown as ModuleExports;
    const dataAt = give(data, exports);
    const argsAt = give(args, exports);
    const packed = BigInt.asUintN(64, exports.run(dataAt, data.length, argsAt, args.length));
    return outputOf(exports.memory, Number(packed >> 32n), Number(packed & 0xffff_ffffn));
  } catch (error) {
    throw trapOf(error, { stackLeft: Number(exports?.[stackExport].value ?? 0) }) ?? error;
  }
};

/** AssemblyScript calls it where it would throw. The text stays unread: it could be payload. */
const abort = (_message: number, _file: number, line: number, column: number): never => {
  throw new ModuleAborted(line >>> 0, column >>> 0);
};

const compile = (module: Uint8Array, memoryPages: number): WebAssembly.Module => {
  try {
    return new WebAssembly.Module(prepareModule(module, { memoryPages }).bytes as BufferSource);
  } catch (error) {
    if (error instanceof ModuleFault) throw new AppError("bad-module", error.message, error);
    if (error instanceof WebAssembly.CompileError)
      throw new AppError("bad-module", "the module is not valid WebAssembly", error);
    throw error;
  }
};

const outputOf = (memory: WebAssembly.Memory, at: number, size: number): Uint8Array => {
  if (size > outputBytesMax)
    throw new AppError(
      "output-too-large",
      `the output has ${size} bytes, more than ${outputBytesMax}`,
    );
  if (at + size > memory.buffer.byteLength)
    throw new AppError("module-trap", "the module's output lies outside its memory");
  return new Uint8Array(memory.buffer).slice(at, at + size);
};
