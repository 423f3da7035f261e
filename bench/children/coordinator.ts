/** The coordinator with all its roles, as `cnct serve` runs it. */
import { serve } from "../../cli/serve.ts";
import { runChild } from "../link.ts";

interface Options {
  readonly dataDirectory: string;
  readonly natsUrl: string;
  readonly eventStoreUrl?: string;
}

await runChild<Options>(async (options) => {
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
  });
  return { ready: serving.url, close: serving.close };
});
