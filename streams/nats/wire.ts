/**
 * The messages: JSON with a version. What comes in is checked field by field, since a worker is a
 * stranger; what goes out is written field by field, so that nothing else slips in.
 */
import { isDigest } from "../../domain/ids.ts";
import { type BlobRef, inputBytesMax, inputsMax, paramsMax } from "../../domain/job/spec.ts";
import { isSignedBundle, type SignedBundle } from "../../domain/receipts/bundle.ts";
import { failureMessageMax } from "../../domain/receipts/statement.ts";
import {
  bundleBytesMax,
  bundleTasksMax,
  type Heartbeat,
  type Report,
  type ResultStatement,
  type TaskKey,
  type TaskOrder,
} from "../task-queue.ts";
import { TaskQueueError } from "./errors.ts";

export const wireVersion = 1;
/** Results go in smaller messages: a node's credentials allow 256 KiB. */
export const resultBytesMax = 192 * 1024;
/** Of an execution class, in characters. */
const classMax = 200;
const clientMax = 200;
const codeForm = /^[a-z][a-z0-9-]{0,63}$/;
const appForm = /^[a-z][a-z0-9-]{0,31}$/;
const wholeMax = Number.MAX_SAFE_INTEGER;

export type Decoded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

/**
 * The tasks in as many messages as they need; the same tasks always make the same messages.
 *
 * @throws {TaskQueueError} `too-large` if a single task is above `bundleBytesMax`.
 */
export const encodeTasks = (tasks: readonly TaskOrder[]): readonly Uint8Array[] =>
  bundlesOf("tasks", tasks.map(taskText), bundleBytesMax);

/** Commits travel on a subject of their own, results and failures on another. */
export type ReportKind = "commit" | "result";

/**
 * A report in as many messages as it needs, which go to the subject of their kind. A signed bundle is
 * one message, since its signature is for all of it.
 *
 * @throws {TaskQueueError} `too-large` if a message would be above `resultBytesMax`.
 * @throws {RangeError} If a signed bundle has commits and other statements: our bug.
 */
export const encodeReport = (
  report: Report,
): readonly { readonly kind: ReportKind; readonly bundles: readonly Uint8Array[] }[] => {
  if ("bundle" in report) return [encodeSigned(report)];
  const parts: { kind: ReportKind; bundles: readonly Uint8Array[] }[] = [];
  for (const kind of ["commit", "result"] as const) {
    const own = report.filter(({ outcome }) => (outcome === "committed") === (kind === "commit"));
    const bundles = bundlesOf("results", own.map(resultText), resultBytesMax);
    if (bundles.length > 0) parts.push({ kind, bundles });
  }
  return parts;
};

const encodeSigned = (signed: SignedBundle) => {
  const commits = signed.statements.filter((statement) => "commit" in statement).length;
  if (commits > 0 && commits < signed.statements.length)
    throw new RangeError("a signed bundle has commits only, or none");
  const bytes = Buffer.from(JSON.stringify({ v: wireVersion, signed }));
  if (bytes.length > resultBytesMax)
    throw new TaskQueueError(
      "too-large",
      `a signed bundle has ${bytes.length} bytes of at most ${resultBytesMax}`,
    );
  return { kind: commits > 0 ? "commit" : "result", bundles: [bytes] } as const;
};

/** Requests to show results, in as many messages as they need. */
/** To show results that it is bound to; to stop tasks that nobody needs any more. */
export type ControlVerb = "reveal" | "stop";

/** What a node is told outside its tasks, in as many messages as it takes. */
export const encodeControl = (
  verb: ControlVerb,
  tasks: readonly TaskKey[],
): readonly Uint8Array[] =>
  bundlesOf(
    verb,
    tasks.map(({ jobHash, replica, attempt }) => JSON.stringify({ jobHash, replica, attempt })),
    bundleBytesMax,
  );

const instanceForm = /^[A-Za-z0-9-]{1,128}$/;

export const encodeHeartbeat = (heartbeat: Heartbeat): Uint8Array => {
  const { instance, held, draining, drainAt } = heartbeat;
  const at = drainAt === undefined ? {} : { drainAt };
  return Buffer.from(JSON.stringify({ v: wireVersion, instance, held, draining, ...at }));
};

const bundlesOf = (
  field: string,
  texts: readonly string[],
  bytesMax: number,
): readonly Uint8Array[] => {
  const head = `{"v":${wireVersion},"${field}":[`;
  const bundles: Uint8Array[] = [];
  let bundle: string[] = [];
  let bytes = head.length + 2;
  const close = (): void => {
    if (bundle.length > 0) bundles.push(Buffer.from(`${head}${bundle.join(",")}]}`));
    bundle = [];
    bytes = head.length + 2;
  };
  for (const text of texts) {
    const size = Buffer.byteLength(text) + 1;
    if (head.length + 2 + size > bytesMax)
      throw new TaskQueueError(
        "too-large",
        `one of the ${field} has ${size} bytes of at most ${bytesMax}`,
      );
    if (bundle.length === bundleTasksMax || bytes + size > bytesMax) close();
    bundle.push(text);
    bytes += size;
  }
  close();
  return bundles;
};

const taskText = (task: TaskOrder): string =>
  JSON.stringify({
    jobHash: task.jobHash,
    replica: task.replica,
    attempt: task.attempt,
    app: task.app,
    params: task.params,
    inputs: task.inputs,
    executionClass: task.executionClass,
    wallMs: task.wallMs,
    expiresAt: task.expiresAt,
    commit: task.commit,
    sealed: task.sealed,
    client: task.client,
  });

const resultText = (result: ResultStatement): string => {
  const { jobHash, replica, attempt, outcome } = result;
  if (outcome === "done") {
    const { executionClass, outputDigest, outputSize, elapsedMs, resultTag, salt } = result;
    return JSON.stringify({
      jobHash,
      replica,
      attempt,
      outcome,
      executionClass,
      outputDigest,
      outputSize,
      elapsedMs,
      resultTag,
      salt,
    });
  }
  if (outcome === "committed")
    return JSON.stringify({ jobHash, replica, attempt, outcome, commit: result.commit });
  const { code, message, retryable } = result;
  return JSON.stringify({
    jobHash,
    replica,
    attempt,
    outcome,
    code,
    message: message.slice(0, failureMessageMax),
    retryable,
  });
};

export const decodeTasks = (bytes: Uint8Array): Decoded<readonly TaskOrder[]> =>
  decodeItems(parse(bytes), "tasks", taskFault);

/** @param kind - Of the subject that it came on. */
export const decodeReport = (bytes: Uint8Array, kind: ReportKind): Decoded<Report> => {
  if (bytes.length > resultBytesMax) return refused("too large");
  const message = parse(bytes);
  if (isObject(message) && Object.hasOwn(message, "signed")) return decodeSigned(message, kind);
  const decoded = decodeItems<ResultStatement>(message, "results", resultFault);
  const isOfKind = (outcome: string) => (outcome === "committed") === (kind === "commit");
  return !decoded.ok || decoded.value.every(({ outcome }) => isOfKind(outcome))
    ? decoded
    : refused(`not a ${kind}`);
};

/** Whether the signature is good is for others to say: here it only looks like one. */
const decodeSigned = (message: Fields, kind: ReportKind): Decoded<SignedBundle> => {
  const { v, signed } = message;
  if (v !== wireVersion) return refused("unknown version");
  if (Object.keys(message).length !== 2 || !isSignedBundle(signed))
    return refused("not a signed bundle");
  if (signed.statements.length > bundleTasksMax) return refused("too many statements");
  if (signed.statements.some((statement) => "commit" in statement !== (kind === "commit")))
    return refused(`not a ${kind}`);
  return { ok: true, value: signed };
};

export const decodeControl = (verb: ControlVerb, bytes: Uint8Array): Decoded<readonly TaskKey[]> =>
  decodeItems(parse(bytes), verb, (task) =>
    Object.keys(task).length === 3 ? keyFault(task) : "unknown or missing field",
  );

export const decodeHeartbeat = (bytes: Uint8Array): Decoded<Heartbeat> => {
  const message = parse(bytes);
  if (!isObject(message)) return refused("not a heartbeat");
  const { v, instance, held, draining, drainAt } = message;
  if (Object.keys(message).length !== (drainAt === undefined ? 4 : 5))
    return refused("not a heartbeat");
  if (typeof instance !== "string" || !instanceForm.test(instance)) return refused("bad instance");
  if (v !== wireVersion) return refused("unknown version");
  if (!isWhole(held, 0, wholeMax)) return refused("bad held");
  if (typeof draining !== "boolean") return refused("bad draining");
  if (drainAt === undefined) return { ok: true, value: { instance, held, draining } };
  if (!isWhole(drainAt, 0, wholeMax)) return refused("bad drainAt");
  return { ok: true, value: { instance, held, draining, drainAt } };
};

const decodeItems = <Item>(
  message: unknown,
  field: "tasks" | "results" | ControlVerb,
  faultOf: (item: Fields) => string | undefined,
): Decoded<readonly Item[]> => {
  if (!isObject(message)) return refused("not a JSON object");
  if (message["v"] !== wireVersion) return refused("unknown version");
  const items = message[field];
  if (!Array.isArray(items) || Object.keys(message).length !== 2) return refused(`not ${field}`);
  if (items.length === 0 || items.length > bundleTasksMax)
    return refused(`${items.length} ${field}, expected 1 to ${bundleTasksMax}`);
  for (const [index, item] of items.entries()) {
    const fault = isObject(item) ? faultOf(item) : "not an object";
    if (fault) return refused(`${field}[${index}]: ${fault}`);
  }
  return { ok: true, value: items as readonly Item[] };
};

type Fields = Readonly<Record<string, unknown>>;

const taskFault = (task: Fields): string | undefined => {
  const { jobHash, replica, attempt, app, params, inputs, executionClass, wallMs, expiresAt } =
    task as Partial<Record<keyof TaskOrder, unknown>>;
  const { commit, sealed, client } = task as Partial<Record<keyof TaskOrder, unknown>>;
  const optional = [commit, sealed, client].filter((value) => value !== undefined).length;
  if (Object.keys(task).length !== 9 + optional) return "unknown or missing field";
  if (commit !== undefined && commit !== true) return "bad commit";
  if (sealed !== undefined && !isSealedOrder(sealed)) return "bad sealed";
  if (client !== undefined && !isText(client, clientMax)) return "bad client";
  if (!isDigest(jobHash)) return "bad jobHash";
  if (!isWhole(replica, 0, 255)) return "bad replica";
  if (!isWhole(attempt, 0, 65_535)) return "bad attempt";
  if (typeof app !== "string" || !appForm.test(app)) return "bad app";
  if (!isObject(params) || JSON.stringify(params).length > paramsMax) return "bad params";
  if (!isObject(inputs)) return "bad inputs";
  const refs = Object.entries(inputs);
  if (refs.length > inputsMax) return "too many inputs";
  for (const [name, ref] of refs) if (name.length > 64 || !isBlobRef(ref)) return "bad input";
  if (!isText(executionClass, classMax)) return "bad executionClass";
  if (!isWhole(wallMs, 1, 86_400_000)) return "bad wallMs";
  if (!isWhole(expiresAt, 0, wholeMax)) return "bad expiresAt";
  return undefined;
};

/** Whether the spec is the job's and the wrap opens, the worker finds out. */
const isSealedOrder = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).sort().join() === "spec,wrap" &&
  isObject(value["spec"]) &&
  isObject(value["wrap"]);

const keyFault = (task: Fields): string | undefined => {
  const { jobHash, replica, attempt } = task as Named;
  if (!isDigest(jobHash)) return "bad jobHash";
  if (!isWhole(replica, 0, 255)) return "bad replica";
  if (!isWhole(attempt, 0, 65_535)) return "bad attempt";
  return undefined;
};

const resultFault = (result: Fields): string | undefined => {
  const { outcome } = result as Named;
  const fault = keyFault(result);
  if (fault) return fault;
  if (outcome === "done") {
    const { executionClass, outputDigest, outputSize, elapsedMs, resultTag, salt } =
      result as Named;
    const reveals = [resultTag, salt].filter((value) => value !== undefined);
    if (Object.keys(result).length !== 8 + reveals.length) return "unknown or missing field";
    if (!reveals.every(isDigest)) return "bad resultTag or salt";
    if (!isText(executionClass, classMax)) return "bad executionClass";
    if (!isDigest(outputDigest)) return "bad outputDigest";
    if (!isWhole(outputSize, 0, wholeMax)) return "bad outputSize";
    if (typeof elapsedMs !== "number" || !(elapsedMs >= 0)) return "bad elapsedMs";
    return undefined;
  }
  if (outcome === "committed") {
    if (Object.keys(result).length !== 5) return "unknown or missing field";
    return isDigest((result as Named).commit) ? undefined : "bad commit";
  }
  if (outcome !== "failed") return "bad outcome";
  const { code, message, retryable } = result as Named;
  if (Object.keys(result).length !== 7) return "unknown or missing field";
  if (typeof code !== "string" || !codeForm.test(code)) return "bad code";
  if (!isText(message, failureMessageMax)) return "bad message";
  if (typeof retryable !== "boolean") return "bad retryable";
  return undefined;
};

/** The fields of a result by name, before any of them is believed. */
type Named = Partial<
  Record<
    | "jobHash"
    | "replica"
    | "attempt"
    | "outcome"
    | "executionClass"
    | "outputDigest"
    | "outputSize"
    | "elapsedMs"
    | "resultTag"
    | "salt"
    | "commit"
    | "code"
    | "message"
    | "retryable",
    unknown
  >
>;

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return undefined; // Whatever it was, it is refused as "not a JSON object".
  }
};

const refused = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

const isText = (value: unknown, max: number): value is string =>
  typeof value === "string" && value.length <= max;

const isBlobRef = (value: unknown): value is BlobRef =>
  isObject(value) &&
  Object.keys(value).length === 2 &&
  isDigest(value["digest"]) &&
  isWhole(value["size"], 0, inputBytesMax);
