import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventStoreContract } from "./event-store.ts";

eventStoreContract("the embedded store, in process", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-events-"));
  // Small segments, so that the contract also holds across their borders.
  const store = await openEmbeddedStore({ directory, segmentBytes: 1 << 17 });
  return {
    store,
    close: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
