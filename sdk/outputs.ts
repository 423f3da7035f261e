/** Outputs of jobs: fetched, verified, and opened where they are sealed. */

import type { Digest, JobHash } from "../domain/ids.ts";
import type { Endings } from "./endings.ts";
import { CnctRefusal } from "./errors.ts";
import type { SealedOutput } from "./schema.types.ts";
import type { Sealing } from "./sealing.ts";
import type { EndedJob } from "./selections.ts";

/** Answers as `CnctClient.output` says. */
export const openOutputs = ({
  download,
  accepted,
  sealing,
}: {
  readonly download: (digest: Digest) => Promise<Uint8Array>;
  readonly accepted: Endings["accepted"];
  readonly sealing: Sealing | undefined;
}): ((ended: EndedJob) => Promise<Uint8Array>) => {
  /** Any other accepted result will do if the first one cannot be read: their tags are equal. */
  const openAny = async (
    hash: JobHash,
    { outputDigest, sealed }: EndedJob,
  ): Promise<Uint8Array> => {
    if (sealing === undefined)
      throw new CnctRefusal(
        "sealed-output",
        `the output of job ${hash} is sealed: connect with the identity that submitted it`,
      );
    const openOne = async (digest: Digest, from: SealedOutput) =>
      sealing.openOutput(hash, { body: await download(digest), digest, sealed: from });
    let failure: unknown;
    if (outputDigest !== null && sealed !== null)
      try {
        return await openOne(outputDigest, sealed);
      } catch (error) {
        if (!(error instanceof CnctRefusal) || error.code === "content-key-unknown") throw error;
        failure = error;
      }
    for (const { digest, sealed: from } of await accepted(hash)) {
      if (from.resultTag !== sealed?.resultTag || digest === outputDigest) continue;
      try {
        return await openOne(digest, from);
      } catch (error) {
        if (!(error instanceof CnctRefusal)) throw error;
      }
    }
    throw failure;
  };

  return async (ended) => {
    const { hash, status, reason, outputDigest, sealed } = ended;
    if (outputDigest === null)
      throw new CnctRefusal(
        reason ?? `job-${status.toLowerCase()}`,
        `job ${hash} has no output: it is ${status.toLowerCase()}${reason === null ? "" : ` (${reason})`}`,
      );
    return sealed === null ? download(outputDigest) : openAny(hash, ended);
  };
};
