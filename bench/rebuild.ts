/** How fast the views are folded anew from a log that a network wrote. */
import { join } from "node:path";
import { rebuildProjections } from "../projections/rebuild.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";

export interface Rebuild {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly cpuMicrosPerEvent: number;
}

/** @param dataDirectory - Of a network that has ended. */
export const measureRebuild = async (dataDirectory: string): Promise<Rebuild> => {
  const store = await openEmbeddedStore({ directory: join(dataDirectory, "events") });
  try {
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const { events } = await rebuildProjections({
      store,
      directory: join(dataDirectory, "views"),
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      events,
      seconds,
      eventsPerSecond: events / seconds,
      cpuMicrosPerEvent: (user + system) / events,
    };
  } finally {
    await store.close();
  }
};
