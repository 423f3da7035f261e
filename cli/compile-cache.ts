/** What Node has compiled of this project is kept for the next start, which then takes half the CPU time. */

import { enableCompileCache } from "node:module";
import { join } from "node:path";

/**
 * In the project's own folder, and not where Node puts it by itself: what lies in a shared temporary
 * folder may be somebody else's, and compiled code is run without being read again.
 */
export const compiledDirectory = join(import.meta.dirname, "..", ".cnct", "compile-cache");

/**
 * Call it before the modules that it is for are loaded. Without effect where the folder cannot be
 * written; the environment's NODE_COMPILE_CACHE (another folder) and NODE_DISABLE_COMPILE_CACHE win.
 */
export const keepCompiled = (directory: string = compiledDirectory): void => {
  enableCompileCache(directory);
};
