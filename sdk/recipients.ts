/**
 * Whom the key of a sealed job is wrapped for. Candidates are asked for every few seconds at most, and
 * each job gets some of them by chance, so that thousands of jobs do not all go to the same few nodes.
 */
import type { Random } from "../domain/chance.ts";
import type { PublicKey } from "../domain/identity/keys.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import { recipientsMax } from "../domain/job/wraps.ts";
import type { CandidateNode } from "./schema.types.ts";

/** An app, how the execution classes begin in which it may be computed, and whether arbiters may be needed. */
export type Wanted = Pick<JobSpec, "app" | "engine" | "assurance">;

export interface Recipients {
  /**
   * Keys of nodes for a new job: two more than it may have replicas, if there are so many; with an
   * assurance also of arbiters, whether it will need them or not.
   */
  choose(spec: JobSpec): Promise<readonly PublicKey[]>;
  /** Keys of nodes, asked for now, apart from those with these ids. */
  beyond(wanted: Wanted, keyIds: ReadonlySet<string>): Promise<readonly PublicKey[]>;
}

type Candidate = Pick<CandidateNode, "encryptionKey" | "keyId" | "executionClass" | "arbiter">;

const freshMs = 3_000;
const spareNodes = 2;

export const openRecipients = ({
  ask,
  random,
}: {
  readonly ask: <Data>(
    query: string,
    variables: Readonly<Record<string, unknown>>,
  ) => Promise<Data>;
  readonly random: Random;
}): Recipients => {
  const kept = new Map<
    string,
    { readonly at: number; readonly nodes: Promise<readonly Candidate[]> }
  >();

  const candidates = async ({ app, engine, assurance }: Wanted): Promise<readonly Candidate[]> => {
    const { candidates: found } = await ask<{ candidates: { nodes: readonly Candidate[] } }>(
      `query Candidates($app: String!, $engine: String!, $count: Int!, $assured: Boolean!) {
        candidates(app: $app, engine: $engine, count: $count, assured: $assured) {
          nodes { encryptionKey keyId executionClass arbiter } } }`,
      { app, engine, count: recipientsMax - 1, assured: assurance !== undefined },
    );
    return found.nodes;
  };

  const lately = (spec: JobSpec): Promise<readonly Candidate[]> => {
    const name = `${spec.app} ${spec.engine}${spec.assurance ? " assured" : ""}`;
    const known = kept.get(name);
    const now = performance.now();
    if (known !== undefined && now - known.at < freshMs) return known.nodes;
    const nodes = candidates(spec);
    kept.set(name, { at: now, nodes });
    nodes.catch(() => kept.delete(name)); // Whoever asked hears why.
    return nodes;
  };

  return {
    choose: async (spec) => {
      const all = await lately(spec);
      const arbiters = all.filter(({ arbiter }) => arbiter);
      const found = all.filter(({ arbiter }) => !arbiter);
      const most = recipientsMax - 1 - arbiters.length;
      const wanted = Math.min(spec.replicasMax + spareNodes, most);
      // Its results must come from one execution class: that of the first, if it has enough nodes.
      const alike = found.filter(
        ({ executionClass }) => executionClass === found[0]?.executionClass,
      );
      const pool = alike.length >= Math.min(wanted, spec.replicasMax) ? [...alike] : [...found];
      return [...drawn(pool, wanted, random), ...arbiters].map(
        ({ encryptionKey }) => encryptionKey,
      );
    },
    beyond: async (wanted, keyIds) =>
      (await candidates(wanted))
        .filter(({ keyId }) => !keyIds.has(keyId))
        .map(({ encryptionKey }) => encryptionKey),
  };
};

const drawn = <Item>(pool: Item[], most: number, random: Random): readonly Item[] => {
  if (pool.length <= most) return pool;
  for (let i = 0; i < most; i++) {
    const j = i + Math.floor(random() * (pool.length - i));
    [pool[i], pool[j]] = [pool[j] as Item, pool[i] as Item];
  }
  return pool.slice(0, most);
};
