/**
 * A planted fault: runs modules as they come, without the checks and the rewriting that make results
 * equal everywhere. For children, in the place of `worker/executors/open.ts`.
 */

import type { Executor } from "../../worker/executor.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly alloc: (size: number) => number;
  readonly run: (data: number, size: number, args: number, argsSize: number) => bigint;
}

export const openExecutors = async (): Promise<readonly Executor[]> => [
  {
    apps: ["wasm"],
    executionClass: "planted@1/v8/any/1t/unchecked",
    execute: async ({ inputs: { module, data = new Uint8Array() } }) => {
      const compiled = new WebAssembly.Module(module as BufferSource);
      const abort = () => {
        throw new Error("the module stopped itself");
      };
      const instance = new WebAssembly.Instance(compiled, { env: { abort } });
      const { memory, alloc, run } = instance.exports as unknown as Exports;
      const at = alloc(data.length);
      new Uint8Array(memory.buffer).set(data, at);
      const packed = BigInt.asUintN(64, run(at, data.length, alloc(0), 0));
      const from = Number(packed >> 32n);
      const output = new Uint8Array(memory.buffer).slice(from, from + Number(packed & 0xffffffffn));
      return { output, mediaType: "application/octet-stream" };
    },
    close: async () => {},
  },
];
