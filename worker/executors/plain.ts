/** Apps that compute nothing: they measure and test the network around them. */

import { AppError, type Executor } from "../executor.ts";
import { refuseOtherParams, requiredInput } from "./request.ts";

/** No engine and no arithmetic, so that every machine gives the same bytes. */
const executionClass = "plain@1/js/any/1t/none";
const mediaType = "application/octet-stream";

/** App `noop`: any inputs, an empty output. */
export const openNoop = (): Executor => ({
  apps: ["noop"],
  executionClass,
  async execute({ app, params }) {
    if (app !== "noop")
      throw new AppError("unknown-app", `this executor computes noop, not ${app}`);
    refuseOtherParams(params, []);
    return { output: new Uint8Array(0), mediaType };
  },
  close: async () => {},
});

/** App `echo`: the output is the input `data`. */
export const openEcho = (): Executor => ({
  apps: ["echo"],
  executionClass,
  async execute({ app, params, inputs }) {
    if (app !== "echo")
      throw new AppError("unknown-app", `this executor computes echo, not ${app}`);
    refuseOtherParams(params, []);
    return { output: requiredInput(inputs, "data"), mediaType };
  },
  close: async () => {},
});
