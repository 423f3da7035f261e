import { catalogue, isAppName } from "../../domain/catalogue.ts";
import type { JobHash } from "../../domain/ids.ts";
import { batchJobsMax, isBatch } from "../../domain/job/batch.ts";
import { job } from "../../domain/job/job.ts";
import {
  type AssuranceClass,
  assuranceDefaults,
  budgetOf,
  defaultReplicasMax,
  type JobSpec,
  specDefaults,
} from "../../domain/job/spec.ts";
import type { Receipt } from "../../domain/receipts/bundle.ts";
import { receiptOf } from "../../domain/receipts/stored-receipt.ts";
import type { JobRow, TaskRow } from "../../projections/views.ts";
import { decode } from "../../streams/codec.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { jobStream } from "../../streams/names.ts";
import { mayActFor, mayI } from "../access/caller.ts";
import { assignmentsIn } from "../assignments.ts";
import { type Context, seen } from "../context.ts";
import { jobRefusals, type Refusal } from "../errors.ts";
import type { ComparatorInput, Resolvers, SubmitJobInput, TaskStatus } from "../schema.types.ts";
import { connection, type GatewaySources, given, pageOf, type TaskSource } from "../sources.ts";
import { maySubmitAny, submit, unknownApp } from "../submission.ts";
import { awardState, readVerification } from "./verification.ts";

type All = Resolvers<GatewaySources, Context>;

export const jobStatus = {
  open: "OPEN",
  completed: "COMPLETED",
  failed: "FAILED",
  rejected: "REJECTED",
  cancelled: "CANCELLED",
} as const satisfies Readonly<Record<JobRow["status"], string>>;
const statusOf = Object.fromEntries(
  Object.entries(jobStatus).map(([row, wire]) => [wire, row]),
) as Readonly<Record<(typeof jobStatus)[JobRow["status"]], JobRow["status"]>>;

export const Query: Pick<All["Query"], "job" | "jobs"> = {
  job: async (_, { hash, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    return gateway.projections.views.job(hash);
  },
  jobs: async (_, { filter, atLeast, ...page }, { gateway }) => {
    await seen(gateway, atLeast);
    const { status, reopenedAfter, ...rest } = given(filter ?? {});
    const wanted = {
      ...rest,
      ...(status === undefined ? {} : { status: statusOf[status] }),
      ...(reopenedAfter === undefined ? {} : { reopenedAfter: BigInt(reopenedAfter) }),
    };
    return connection(gateway.projections.views.jobs(wanted, pageOf(page)));
  },
};

export const Mutation: Pick<All["Mutation"], "submitJob" | "submitJobs" | "cancelJob"> = {
  submitJob: async (_, { input, wraps }, context) => {
    const not = maySubmitAny(context);
    if (not) return refusal(not);
    const spec = specOf(input);
    if (!spec.ok) return refusal(spec.refusal);
    const [answer] = await submit(context, [spec.spec], {
      claimed: [input.hash ?? null],
      wraps: [wraps],
    });
    if (!answer) throw new Error("a submission without an answer");
    if (!answer.ok) return refusal(answer.refusal);
    const { hash, created, position } = answer;
    return { __typename: "SubmittedJob", hash, created, position: position.toString() };
  },

  submitJobs: async (_, { specs, hashes, wraps, batch }, context) => {
    const { gateway } = context;
    const not = maySubmitAny(context);
    if (not) return refusal(not);
    const most = gateway.limits.jobsPerSubmit;
    if (specs.length === 0) return refusal({ code: "no-jobs", message: "there is no spec" });
    if (specs.length > most)
      return refusal({
        code: "too-many-jobs",
        message: `at most ${most} jobs at once, not ${specs.length}`,
      });
    if (hashes && hashes.length !== specs.length)
      return refusal({
        code: "hashes-differ-in-number",
        message: `${specs.length} specs, but ${hashes.length} hashes`,
      });
    if (wraps && wraps.length !== specs.length)
      return refusal({
        code: "wraps-differ-in-number",
        message: `${specs.length} specs, but ${wraps.length} wraps`,
      });
    if (batch && !(isBatch(batch) && batch.size >= specs.length))
      return refusal({
        code: "bad-batch",
        message: `a batch has an id of 1 to 64 of a-z, A-Z, 0-9, - and _, and a size of at least its jobs here, ${specs.length}, and at most ${batchJobsMax}`,
      });
    const also = { claimed: hashes ?? [], wraps: wraps ?? [], batch: batch ?? undefined };
    const answers = await submit(context, specs, also);
    let position = -1n;
    let created = 0;
    const refusals: ({ readonly index: number } & Refusal)[] = [];
    const accepted = answers.map((answer, index) => {
      if (!answer.ok) {
        refusals.push({ index, ...answer.refusal });
        return null;
      }
      if (answer.position > position) position = answer.position;
      if (answer.created) created++;
      return answer.hash;
    });
    const at = position.toString();
    const isNew = answers.map((answer) => answer.ok && answer.created);
    return {
      __typename: "SubmittedJobs",
      hashes: accepted,
      created,
      isNew,
      refusals,
      position: at,
    };
  },

  cancelJob: async (_, { input: { hash, client } }, context) => {
    const { gateway } = context;
    const not = mayI(context, "jobs:cancel", hash) ?? mayActFor(context, client);
    if (not) return refusal(not);
    const { store, ids, clock } = gateway;
    const answer = await handleCommand(
      { store, ids },
      job,
      { stream: jobStream(hash) },
      { type: "CancelJob", client, actor: client, now: clock.now() },
    );
    if (answer.ok)
      return { __typename: "CancelledJob", hash, position: String(answer.position ?? -1n) };
    const code = jobRefusals[answer.reason];
    if (code === undefined) throw new Error(`CancelJob was refused with ${answer.reason}`);
    const messages: Readonly<Partial<Record<typeof code, string>>> = {
      "job-unknown": `nobody submitted a job ${hash}`,
      "job-ended": `job ${hash} has ended`,
      "not-the-client": `job ${hash} is not ${client}'s`,
    };
    return refusal({ code, message: messages[code] ?? answer.reason });
  },
};

export const Job: Omit<All["Job"], "sealed" | "recipients" | "wrap"> = {
  hash: ({ jobHash }) => jobHash,
  status: ({ status }) => jobStatus[status],
  params: ({ spec }) => spec.params,
  inputs: ({ spec }) => Object.entries(spec.inputs).map(([name, blob]) => ({ name, ...blob })),
  comparator: ({ spec }) => spec.comparator,
  assurance: ({ spec }) => (spec.assurance ? assuranceClasses[spec.assurance] : null),
  price: ({ spec }) => spec.price,
  budget: ({ spec }) => budgetOf(spec),
  engine: ({ spec }) => spec.engine,
  wallMs: ({ spec }) => spec.wallMs,
  deadlineMs: ({ spec }) => spec.deadlineMs,
  priority: ({ spec }) => spec.priority,
  nonce: ({ spec }) => spec.nonce,
  spec: ({ spec }) => spec,
  final: ({ status, provisional }) => status !== "open" && provisional !== true,
  reopenedAt: ({ reopenedPosition }) => reopenedPosition,
  output: ({ output }) => output && blobRef(output),
  tasks: ({ jobHash, tasks }, _, { gateway: { store } }) => {
    const receipts = receiptsIn(store, jobHash);
    const assignments = assignmentsIn(store, jobHash);
    return tasks.map((task) => ({ ...task, receipts, assignments }));
  },
  awards: ({ paid }) =>
    paid.map(({ awardId, ...award }) => ({
      id: awardId,
      ...award,
      state: awardState({ awardId, ...award }),
    })),
  verification: ({ jobHash }, _, { gateway: { store } }) => readVerification(store, jobHash),
  history: async ({ jobHash }, _, { gateway: { store } }) => {
    const events = [];
    for await (const event of store.readStream(jobStream(jobHash), "start")) events.push(event);
    return events;
  },
  position: ({ lastPosition }) => lastPosition,
};

/** The receipts of a job by `<replica>/<attempt>`: one read of its stream, when the first is asked for. */
const receiptsIn = (
  store: Context["gateway"]["store"],
  jobHash: JobHash,
): TaskSource["receipts"] => {
  let read: Promise<ReadonlyMap<string, Receipt>> | undefined;
  const all = async (): Promise<ReadonlyMap<string, Receipt>> => {
    const receipts = new Map<string, Receipt>();
    for await (const recorded of store.readStream(jobStream(jobHash), "start")) {
      const event = decode(recorded);
      if (event?.type !== "ResultReceived") continue;
      const receipt = receiptOf(event);
      if (receipt) receipts.set(`${event.replica}/${event.attempt}`, receipt);
    }
    return receipts;
  };
  return () => {
    read ??= all();
    return read;
  };
};

export const Task: All["Task"] = {
  arbiter: ({ arbiter }) => arbiter === true,
  assignment: async ({ replica, attempt, assignments }) =>
    (await assignments()).get(`${replica}/${attempt}`) ?? null,
  receipt: async ({ replica, attempt, status, receipts }) =>
    status === "received" ? ((await receipts()).get(`${replica}/${attempt}`) ?? null) : null,
  status: (task) => taskStatus(task),
  output: ({ outputDigest, outputSize }) =>
    outputDigest === null || outputSize === null
      ? null
      : blobRef({ digest: outputDigest, size: outputSize }),
};

const taskStatus = ({ status, verdict }: TaskRow): TaskStatus => {
  if (verdict === "accepted") return "ACCEPTED";
  if (verdict === "rejected") return "REJECTED";
  return taskStatuses[status];
};
const taskStatuses = {
  assigned: "ASSIGNED",
  committed: "COMMITTED",
  received: "RECEIVED",
  failed: "FAILED",
  expired: "EXPIRED",
  dropped: "DROPPED",
} as const satisfies Readonly<Record<TaskRow["status"], TaskStatus>>;

export const blobPath = (digest: string): string => `/blobs/${digest}`;
const blobRef = (blob: { readonly digest: string; readonly size: number }) => ({
  ...blob,
  path: blobPath(blob.digest),
});

export const refusal = (why: Refusal) => ({ __typename: "Refusal", ...why }) as const;

export const assuranceClasses = {
  standard: "STANDARD",
  high: "HIGH",
} as const satisfies Readonly<Record<AssuranceClass, string>>;
const assuranceOf = { STANDARD: "standard", HIGH: "high" } as const;

/** The whole spec that typed fields stand for; what is left out comes from the defaults and the app. */
const specOf = (
  input: SubmitJobInput,
):
  | {
      readonly ok: true;
      readonly spec: Readonly<
        Record<Exclude<keyof JobSpec, "commit" | "sealed" | "assurance" | "minSpeed">, unknown>
      >;
    }
  | { readonly ok: false; readonly refusal: Refusal } => {
  const { app } = input;
  if (!isAppName(app))
    return { ok: false, refusal: { code: "unknown-app", message: unknownApp(app) } };
  const known = catalogue[app];
  const inputs = new Map(
    (input.inputs ?? []).map(({ name, digest, size }) => [name, { digest, size }]),
  );
  if (inputs.size !== (input.inputs ?? []).length)
    return { ok: false, refusal: { code: "bad-inputs", message: "two inputs have one name" } };
  const assurance = input.assurance ? assuranceOf[input.assurance] : undefined;
  const assured = assurance && assuranceDefaults(assurance);
  const quorum = input.quorum ?? assured?.quorum ?? specDefaults.quorum;
  const commit = input.commit ?? assured?.commit;
  return {
    ok: true,
    spec: {
      version: 1,
      client: input.client,
      app,
      params: input.params ?? specDefaults.params,
      inputs: Object.fromEntries(inputs),
      comparator: input.comparator ? comparatorOf(input.comparator) : known.comparator,
      quorum,
      replicasMax: input.replicasMax ?? assured?.replicasMax ?? defaultReplicasMax(quorum),
      price: input.price ?? known.priceMicroPoints,
      engine: input.engine ?? specDefaults.engine,
      wallMs: input.wallMs ?? specDefaults.wallMs,
      deadlineMs: input.deadlineMs ?? specDefaults.deadlineMs,
      priority: input.priority ?? specDefaults.priority,
      nonce: input.nonce ?? specDefaults.nonce,
      ...given({ minSpeed: input.minSpeed }),
      ...(input.sealed ? { sealed: true } : {}),
      ...(commit ? { commit } : {}),
      ...(assurance === undefined ? {} : { assurance }),
    },
  };
};

const comparatorOf = (input: ComparatorInput): object => given(input);
