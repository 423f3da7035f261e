/** From what a user types to a job's hash. */

import { isDigest, type JobHash } from "../domain/ids.ts";
import type { CnctClient } from "../sdk/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

/** A prefix is looked for among so many of the newest jobs. */
const searchedMax = 5_000;

/** @throws {CliFailure} `bad-hash`, `unknown-job`, `ambiguous-hash`. */
export const findJob = async (client: CnctClient, text: string): Promise<JobHash> => {
  if (isDigest(text)) return text;
  if (!/^[0-9a-f]{4,63}$/.test(text))
    throw new CliFailure(
      "bad-hash",
      `"${text}" is no job hash; give all 64 characters of 0-9 and a-f, or at least the first 4`,
      exitCodes.badInput,
    );
  const found: JobHash[] = [];
  let after: string | undefined;
  for (let searched = 0; searched < searchedMax; searched += 100) {
    const { jobs } = await client.ask<JobHashes>(
      `query Hashes($after: String) { jobs(first: 100, after: $after) {
        nodes { hash } pageInfo { hasNextPage endCursor } } }`,
      { after },
    );
    for (const { hash } of jobs.nodes) if (hash.startsWith(text)) found.push(hash);
    if (!jobs.pageInfo.hasNextPage || jobs.pageInfo.endCursor === null) break;
    after = jobs.pageInfo.endCursor;
  }
  const [first, second] = found;
  if (first === undefined)
    throw new CliFailure(
      "job-unknown",
      `no job among the newest ${searchedMax} begins with ${text}; cnct jobs lists them`,
      exitCodes.unknown,
    );
  if (second !== undefined)
    throw new CliFailure(
      "ambiguous-hash",
      `${found.length} jobs begin with ${text}; give more characters`,
      exitCodes.badInput,
    );
  return first;
};

interface JobHashes {
  readonly jobs: {
    readonly nodes: readonly { readonly hash: string }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}
