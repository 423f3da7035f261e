/** From a request to a whole spec: its bytes stored, or only named where nothing is submitted yet. */

import type { AccountId } from "../domain/ids.ts";
import type { BlobRef, JobSpec } from "../domain/job/spec.ts";
import { digestOf } from "./digest.ts";
import type { Queries } from "./queries.ts";
import type { Sealing } from "./sealing.ts";
import { type AppDefaults, buildSpec, type JobRequest } from "./spec.ts";

export interface Preparing {
  /** The bytes are stored, sealed where the request is. */
  prepare(request: JobRequest): Promise<JobSpec>;
  /** Nothing is stored, and the spec cannot be submitted: its sealed inputs are gone. */
  draft(request: JobRequest): Promise<JobSpec>;
}

export const openPreparing = ({
  commits,
  payer,
  upload,
  sealing,
  queries,
}: {
  /** Whether jobs that do not say ask for commits where more than one result must agree. */
  readonly commits: boolean;
  readonly payer: () => Promise<AccountId | undefined>;
  readonly upload: (bytes: Uint8Array, mediaType: string) => Promise<BlobRef>;
  readonly sealing: Sealing | undefined;
  readonly queries: Pick<Queries, "app">;
}): Preparing => {
  const findApp = async (name: string): Promise<AppDefaults | undefined> => {
    const app = await queries.app(name);
    if (app === null) return undefined;
    const { comparator, price: priceMicroPoints, wallMs, memoryMb } = app;
    const inputs = app.inputs.map(({ name, mediaTypes, many }) =>
      many ? { name, mediaTypes, many } : { name, mediaTypes },
    );
    const limits = { wallMs, memoryMb };
    return { inputs, comparator: comparator as never, limits, priceMicroPoints };
  };
  const build = async (request: JobRequest, store: typeof upload) => {
    const sealer = await sealing?.sealerFor(request);
    const client = await payer();
    const seal = sealer?.seal;
    const spec = await buildSpec(request, { commits, client, upload: store, seal, findApp });
    return { spec, sealer };
  };

  return {
    prepare: async (request) => {
      const { spec, sealer } = await build(request, upload);
      if (sealer !== undefined) sealing?.remember(spec, sealer.contentKey);
      return spec;
    },
    draft: async (request) => (await build(request, nameOnly)).spec,
  };
};

const nameOnly = async (bytes: Uint8Array): Promise<BlobRef> => ({
  digest: await digestOf(bytes),
  size: bytes.length,
});
