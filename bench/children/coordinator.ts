/** The coordinator with all its roles, as `cnct serve` runs it. */
import { serve } from "../../cli/serve.ts";
import { coordinatorCredentialsFile } from "../../streams/nats/authority/operator-mode.ts";
import { fileCredentials } from "../../streams/nats/credentials.ts";
import { runChild } from "../link.ts";

interface Options {
  readonly dataDirectory: string;
  readonly natsUrl: string;
  readonly eventStoreUrl?: string;
  /** Directory with the keys of NATS; with it everybody needs an identity. */
  readonly authority?: string;
}

await runChild<Options>(async ({ authority, ...options }) => {
  const serving = await serve({
    roles: ["dispatcher", "validator", "rewards", "gateway"],
    host: "127.0.0.1",
    port: 0,
    grant: "1000000000000000",
    onLog: (line) => {
      if (!line.startsWith("dispatcher draws") && !line.startsWith("nats is"))
        process.stderr.write(`coordinator: ${line}\n`);
    },
    ...options,
    ...(authority === undefined ? {} : await withIdentities(authority)),
  });
  return { ready: serving.url, close: serving.close };
});

async function withIdentities(authority: string) {
  const credentials = await fileCredentials(coordinatorCredentialsFile(authority));
  return { access: "identities", nats: { authority, credentials } } as const;
}
