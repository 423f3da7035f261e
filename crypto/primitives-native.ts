/** The primitives on Node. */
import * as nodeCrypto from "node:crypto";
import { nativeOver } from "./native-over.ts";
import type { Primitives } from "./primitives.ts";

export const native: Primitives = nativeOver(nodeCrypto);
