/** Why a URL could not be collected, on the way up to its item. */

import type { CollectFault } from "../../domain/collection/items.ts";

/** The URL's or its host's fault, or the network's: the other URLs of the job go on. */
export class CollectError extends Error {
  readonly code: CollectFault;
  /** Of the answer, for `bad-status`. */
  readonly status: number | undefined;
  constructor(
    code: CollectFault,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(code, { cause: options.cause });
    this.name = "CollectError";
    this.code = code;
    this.status = options.status;
  }
}
