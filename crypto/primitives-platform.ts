/**
 * The fastest primitives of the platform that this runs on, for code that runs on Node and in pages
 * alike: no module of Node is named, so that a bundle for browsers holds none.
 */
import { type NodeCrypto, nativeOver } from "./native-over.ts";
import type { Primitives } from "./primitives.ts";
import { portable } from "./primitives-portable.ts";

interface NodeProcess {
  readonly release?: { readonly name?: string };
  getBuiltinModule?(name: "node:crypto"): NodeCrypto | undefined;
}

const { process } = globalThis as { readonly process?: NodeProcess };
// Others that have such a function have not all of its ciphers.
const nodeCrypto =
  process?.release?.name === "node" ? process.getBuiltinModule?.("node:crypto") : undefined;

export const platform: Primitives = nodeCrypto === undefined ? portable : nativeOver(nodeCrypto);
