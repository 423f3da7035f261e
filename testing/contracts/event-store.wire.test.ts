import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveEmbeddedStore } from "../../streams/embedded/grpc/server.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { connectEventStoreDb } from "../../streams/eventstoredb/store.ts";
import { eventStoreContract } from "./event-store.ts";

const url = process.env["CNCT_EVENTSTORE_URL"];

// One connection a process: with a server given, the contract is tried on that one.
for (const libraryOnly of [false, true]) {
  const client = libraryOnly ? "the library" : "our own client";
  if (url !== undefined && url !== "")
    eventStoreContract(`the server of CNCT_EVENTSTORE_URL through ${client}`, async () => {
      const store = await connectEventStoreDb(url, { libraryOnly });
      return { store, close: () => store.close() };
    });
  else
    eventStoreContract(`the embedded store's wire through ${client}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), "cnct-events-"));
      const embedded = await openEmbeddedStore({ directory, segmentBytes: 1 << 17 });
      const server = await serveEmbeddedStore(embedded);
      const store = await connectEventStoreDb(server.url, { libraryOnly });
      return {
        store,
        close: async () => {
          await store.close();
          await server.close();
          await embedded.close();
          await rm(directory, { recursive: true });
        },
      };
    });
}
