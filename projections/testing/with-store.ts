/** A store and a directory for one test, gone afterwards. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wallClock } from "../../streams/clock.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../../streams/embedded/store.ts";
import { openProjections, type ProjectionsOptions } from "../open.ts";
import type { FoldedHere } from "../projections.ts";

export interface Bench {
  readonly store: EmbeddedStore;
  /** Where views go. */
  readonly directory: string;
  /** What the views complained about and announced so far. */
  readonly errors: unknown[];
  readonly notices: string[];
  readonly open: (options?: Partial<ProjectionsOptions>) => Promise<FoldedHere>;
}

export const withStore = async (work: (bench: Bench) => Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), "cnct-views-"));
  const store = await openEmbeddedStore({ directory: join(root, "log"), fsync: "none" });
  const directory = join(root, "views");
  const errors: unknown[] = [];
  const notices: string[] = [];
  const opened: FoldedHere[] = [];
  try {
    await work({
      store,
      directory,
      errors,
      notices,
      open: async (options = {}) => {
        const projections = await openProjections({
          store,
          directory,
          clock: wallClock,
          onError: (error) => errors.push(error),
          onNotice: (text) => notices.push(text),
          ...options,
        });
        opened.push(projections);
        return projections;
      },
    });
  } finally {
    for (const projections of opened) await projections.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  }
};
