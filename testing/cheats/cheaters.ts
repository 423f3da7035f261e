/**
 * Workers that cheat: real ones, with an executor that lies. What each of them said against better
 * knowledge is noted, so that the campaign knows more than the network can.
 */
import type { Digest, JobHash, NodeId } from "../../domain/ids.ts";
import type { TaskSource } from "../../streams/task-queue.ts";
import type { Execution, Executor } from "../../worker/executor.ts";

/** What was computed wrongly: `<node> <input in hex>`. */
export type Lies = Set<string>;

export const lieOf = (nodeId: NodeId, input: Uint8Array): string =>
  `${nodeId} ${Buffer.from(input).toString("hex")}`;

const inputOf = ({ inputs }: Execution): Uint8Array => inputs["data"] ?? new Uint8Array();

/** What those who plan a lie together all say: it hangs on the input alone. */
const agreedLie = (input: Uint8Array): Uint8Array => Buffer.concat([Buffer.from("lie:"), input]);

/**
 * Lies about the same jobs as its friends, and says the same.
 *
 * @param honestAtFirst - So many tasks are computed before the first lie.
 * @param share - Of the jobs that are lied about, 0 to 1; by their input.
 */
export const colluding = (
  honest: Executor,
  {
    nodeId,
    honestAtFirst,
    share,
    lies,
  }: {
    readonly nodeId: NodeId;
    readonly honestAtFirst: number;
    readonly share: number;
    readonly lies: Lies;
  },
): Executor => {
  let computed = 0;
  return {
    ...honest,
    execute: async (execution) => {
      const input = inputOf(execution);
      const isTarget = (input[0] ?? 0) < share * 256;
      if (computed++ < honestAtFirst || !isTarget) return honest.execute(execution);
      lies.add(lieOf(nodeId, input));
      return { output: agreedLie(input), mediaType: "application/octet-stream" };
    },
  };
};

/** What others have answered for a job so far, as anybody can read it. */
export type Peek = (jobHash: JobHash) => Promise<readonly Uint8Array[]>;

export interface Copier {
  readonly executor: Executor;
  /** Learns which job an input belongs to. */
  readonly throughQueue: (source: TaskSource) => TaskSource;
}

/** Computes nothing: it hands in what another node has shown, and where there is nothing a guess. */
export const copying = (
  honest: Executor,
  {
    nodeId,
    digestOf,
    peek,
    patienceMs,
    lies,
  }: {
    readonly nodeId: NodeId;
    readonly digestOf: (input: Uint8Array) => Digest;
    readonly peek: Peek;
    readonly patienceMs: number;
    readonly lies: Lies;
  },
): Copier => {
  const jobs = new Map<Digest, JobHash>();
  const isRight = (output: Uint8Array, input: Uint8Array) => Buffer.compare(output, input) === 0;
  return {
    executor: {
      ...honest,
      execute: async (execution) => {
        const input = inputOf(execution);
        const jobHash = jobs.get(digestOf(input));
        const deadline = Date.now() + patienceMs;
        let output: Uint8Array | undefined;
        while (jobHash !== undefined && output === undefined && Date.now() < deadline) {
          output = (await peek(jobHash))[0];
          if (output === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
        }
        output ??= Buffer.from("a guess");
        if (!isRight(output, input)) lies.add(lieOf(nodeId, input));
        return { output, mediaType: "application/octet-stream" };
      },
    },
    throughQueue: (source) => ({
      ...source,
      consumeTasks: (wanted, handle) =>
        source.consumeTasks(wanted, (delivery) => {
          for (const { jobHash, inputs } of delivery.tasks)
            if (inputs["data"]) jobs.set(inputs["data"].digest, jobHash);
          handle(delivery);
        }),
    }),
  };
};
