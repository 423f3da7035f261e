/** What happened, line by line, as a hash of everything and the last lines as text. */
import { createHash } from "node:crypto";

export interface Trace {
  say(line: string): void;
  /** The last lines, oldest first; all of them when `keepAll`. */
  lines(): readonly string[];
  /** SHA-256 over all lines so far. */
  digest(): string;
}

const keptMax = 400;
const chunkLength = 16_384;

/** @param keepAll - Keeps every line and not only the last. */
export const createTrace = (
  now: () => number,
  { keepAll }: { readonly keepAll: boolean },
): Trace & {
  /** Goes into the hash, and into the text only when all is kept. */
  whisper(line: string): void;
} => {
  const hash = createHash("sha256");
  let kept: string[] = [];
  let chunk = "";
  const take = (line: string): void => {
    chunk += line;
    chunk += "\n";
    if (chunk.length < chunkLength) return;
    hash.update(chunk);
    chunk = "";
  };
  const stamped = (line: string): string => `${now().toFixed(3)} ${line}`;
  return {
    say: (text) => {
      const line = stamped(text);
      take(line);
      kept.push(line);
      if (!keepAll && kept.length >= 2 * keptMax) kept = kept.slice(-keptMax);
    },
    whisper: (text) => {
      const line = stamped(text);
      take(line);
      if (keepAll) kept.push(line);
    },
    lines: () => kept,
    digest: () => {
      hash.update(chunk);
      chunk = "";
      return hash.copy().digest("hex");
    },
  };
};
