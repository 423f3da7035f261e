/** Keeps models loaded, because loading one costs as much as running it several times. */

import { createHash } from "node:crypto";
import type { InferenceEngine, InferenceSession } from "./inference.ts";

export interface SessionCache {
  /**
   * Calls `use` with a session of this model, loaded now or before. It stays loaded during the call.
   *
   * @throws {Error} What `load` or `use` throws. A failed load is not remembered.
   */
  withSession<T>(model: Uint8Array, use: (session: InferenceSession) => Promise<T>): Promise<T>;
  /** How many models are loaded. */
  readonly size: number;
  close(): Promise<void>;
}

interface Entry {
  readonly session: Promise<InferenceSession>;
  users: number;
  evicted: boolean;
}

/**
 * @param modelsMax - How many idle models stay loaded, at least 1: the least recently used goes first.
 */
export const openSessionCache = (engine: InferenceEngine, modelsMax: number): SessionCache => {
  const entries = new Map<string, Entry>(); // In order of last use.

  const releaseIfUnused = async (entry: Entry) => {
    if (entry.evicted && entry.users === 0) await (await entry.session).release();
  };

  const evict = async (digest: string, entry: Entry) => {
    entries.delete(digest);
    entry.evicted = true;
    await releaseIfUnused(entry);
  };

  return {
    get size() {
      return entries.size;
    },

    async withSession(model, use) {
      const digest = sha256Hex(model);
      const entry = entries.get(digest) ?? {
        session: engine.load(model),
        users: 0,
        evicted: false,
      };
      entries.delete(digest);
      entries.set(digest, entry);
      entry.users++;
      try {
        const session = await entry.session.catch((error: unknown) => {
          if (entries.get(digest) === entry) entries.delete(digest);
          throw error;
        });
        const oldest = entries.entries().next().value;
        if (entries.size > modelsMax && oldest) await evict(...oldest);
        return await use(session);
      } finally {
        entry.users--;
        await releaseIfUnused(entry);
      }
    },

    async close() {
      for (const [digest, entry] of [...entries]) await evict(digest, entry);
    },
  };
};

/** The lower-case hexadecimal SHA-256 that the catalogue and the cache name a model by. */
export const sha256Hex = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");
