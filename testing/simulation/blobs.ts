/** Blobs in memory, with latency and outages. What was stored stays stored. */
import { hash } from "node:crypto";
import type { Random } from "../../domain/chance.ts";
import type { Digest } from "../../domain/ids.ts";
import { BlobError, type BlobSink, type BlobSource } from "../../streams/blob-store.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";

export interface BlobHost {
  /** Stores at once: what clients upload before they submit. */
  keep(bytes: Uint8Array): { readonly digest: Digest; readonly size: number };
  get(digest: Digest): Uint8Array | undefined;
  /** @param failing - Probability that a call is refused. */
  setFailing(failing: number): void;
  link(life: Life): BlobSource & BlobSink;
  failures(): number;
}

export const createBlobHost = (scheduler: Scheduler, random: Random): BlobHost => {
  const blobs = new Map<Digest, Uint8Array>();
  let failing = 0;
  let failures = 0;

  const keep = (bytes: Uint8Array) => {
    const digest = hash("sha256", bytes);
    blobs.set(digest, bytes);
    return { digest, size: bytes.byteLength };
  };
  const arrive = (life: Life, what: string): Promise<void> =>
    life.guard(
      new Promise((resolve, reject) => {
        const fails = failing > 0 && random() < failing;
        if (fails) failures++;
        scheduler.after(0.2 + random() * 3, `${life.name} ${what}`, () =>
          fails ? reject(new BlobError("unavailable", "blobs cannot be reached")) : resolve(),
        );
      }),
    );

  return {
    keep,
    get: (digest) => blobs.get(digest),
    setFailing: (next) => {
      failing = next;
    },
    link: (life) => ({
      get: async (digest) => {
        await arrive(life, "fetches");
        const bytes = blobs.get(digest);
        if (!bytes) throw new BlobError("blob-unknown", `no blob ${digest} is stored here`);
        return bytes;
      },
      put: async (bytes) => {
        await arrive(life, "stores");
        return keep(bytes);
      },
    }),
    failures: () => failures,
  };
};
