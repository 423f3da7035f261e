/** The embedded event store in a process of its own, as `cnct store serve` runs it. */
import { serveEmbeddedStore } from "../../streams/embedded/grpc/server.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { runChild } from "../link.ts";

await runChild<{ readonly directory: string }>(async ({ directory }) => {
  const store = await openEmbeddedStore({ directory });
  const served = await serveEmbeddedStore(store);
  return {
    ready: served.url,
    close: async () => {
      await served.close();
      await store.close();
    },
  };
});
