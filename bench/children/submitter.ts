/** A client of CNCT that submits through the SDK and hears of ends over its subscription. */

import { randomBytes } from "node:crypto";
import { connect, newIdentity } from "../../sdk/index.ts";
import { runChild } from "../link.ts";
import { type Loads, openLoads, type Target } from "../loads.ts";
import type { JobInputs } from "../network.ts";

interface Options {
  readonly gateway: string;
  readonly quorum: number;
  /** Whether it has an identity, and seals what it submits. */
  readonly secure: boolean;
  readonly input?: JobInputs;
}

await runChild<Options>(async ({ gateway, quorum, secure, input }) => {
  const identity = secure ? newIdentity() : undefined;
  const account = identity?.account ?? "client:bench";
  const client = connect({ gateway, client: account, identity });
  const leaving = new AbortController();
  let jobs = 0;
  const target: Target = {
    submit: async (count) => {
      const requests = Array.from({ length: count }, () => ({
        ...(input ? { app: "echo", inputs: { data: newInput(input) } } : { app: "noop" }),
        quorum,
        nonce: String(jobs++),
      }));
      const [first] = requests;
      if (first && count === 1) return [(await client.submit(first)).hash];
      const { hashes, refusals } = await client.submitMany(requests);
      if (refusals[0]) throw new Error(`a job was refused: ${refusals[0].message}`);
      return hashes.filter((hash) => hash !== null);
    },
    onEnded: async (listener) => {
      const { head } = await client.network();
      const hear = async () => {
        for await (const batch of client.ended({
          client: account,
          after: head,
          signal: leaving.signal,
        }))
          for (const { hash, status, reason } of batch.jobs) {
            if (status !== "COMPLETED") throw new Error(`job ${hash} is ${status}: ${reason}`);
            listener(hash);
          }
      };
      hear().catch((error: unknown) => {
        if (leaving.signal.aborted) return;
        process.stderr.write(`submitter: ${String(error)}\n`);
        process.exit(1);
      });
    },
  };
  const loads = await openLoads(target);
  return {
    answers: {
      throughput: (load: Parameters<Loads["throughput"]>[0]) => loads.throughput(load),
      latency: (load: Parameters<Loads["latency"]>[0]) => loads.latency(load),
    },
    close: async () => {
      leaving.abort();
      await client.close();
    },
  };
});

function newInput({ bytes }: JobInputs): Uint8Array {
  return new Uint8Array(randomBytes(bytes));
}
