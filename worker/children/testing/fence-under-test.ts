/** The fence that this machine has, or none with `CNCT_FENCE=off`: the same tests hold for both. */

import { type Fence, openFence } from "../fence.ts";

export const fenceUnderTest: Fence = await openFence(
  process.env["CNCT_FENCE"] === "off" ? "off" : "auto",
);
