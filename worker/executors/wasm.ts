/**
 * App `wasm`: a WebAssembly module of the client's own, bytes in and bytes out. The same bytes on
 * every machine: `domain/wasm/` refuses what could differ and rewrites what would (`docs/wasm.md`).
 *
 * This is code of strangers. It runs in a child that computes this one task and is killed at the
 * time limit (`children/pool.ts`); nothing here can stop a module that loops.
 */

import { memoryPagesMax } from "../../domain/wasm/limits.ts";
import { AppError, type Executor } from "../executor.ts";
import { refuseOtherParams, requiredInput } from "./request.ts";
import { runModule } from "./wasm/run-module.ts";

/** The engine's version does not matter: what a module can see of it is in the specification. */
const executionClass = "wasm@1/v8/any/1t/deterministic";

/**
 * App `wasm`: inputs `module` and `data`; parameters `memoryPages` (how many pages of 64 KiB the
 * module may declare) and `args` (a text for the module).
 *
 * @throws {Error} When this machine's engine lacks what modules may use.
 */
export const openWasm = (): Executor => {
  if (!WebAssembly.validate(vectorModule))
    throw new Error("this machine's WebAssembly engine has no SIMD");
  return {
    apps: ["wasm"],
    executionClass,
    async execute({ app, params, inputs }) {
      if (app !== "wasm")
        throw new AppError("unknown-app", `this executor computes wasm, not ${app}`);
      refuseOtherParams(params, ["memoryPages", "args"]);
      const output = runModule({
        module: requiredInput(inputs, "module"),
        data: requiredInput(inputs, "data"),
        args: argsIn(params["args"]),
        memoryPages: memoryPagesIn(params["memoryPages"]),
      });
      return { output, mediaType: "application/octet-stream" };
    },
    close: async () => {},
  };
};

const memoryPagesIn = (value: unknown): number => {
  if (value === undefined) return memoryPagesMax;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= memoryPagesMax)
    return value;
  throw new AppError(
    "bad-params",
    `the parameter "memoryPages" must be a whole number from 1 to ${memoryPagesMax}`,
  );
};

const argsIn = (value: unknown): Uint8Array => {
  if (value === undefined) return new Uint8Array(0);
  if (typeof value === "string" && value.isWellFormed()) return new TextEncoder().encode(value);
  throw new AppError("bad-params", 'the parameter "args" must be a text');
};

/** A function that gives a vector of zeros. */
const vectorModule = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 22, 1, 20, 0, 0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), 0x0b],
]);
