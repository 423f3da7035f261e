/** A history of facts for tests: the same for the same numbers, with every way that a job can end. */
import { createHash } from "node:crypto";
import type { InceptionRecord } from "../../domain/identity/inception.ts";
import type { JobEvent, TaskRef } from "../../domain/job/events.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { LedgerEvent } from "../../domain/ledger/events.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { type AnyEvent, encode } from "../../streams/codec.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore, Position } from "../../streams/event-store.ts";
import {
  blobStream,
  identityStream,
  jobStream,
  ledgerStream,
  nodeStream,
  policyStream,
  serviceKeyStream,
} from "../../streams/names.ts";

/** What is appended together. */
export interface Append {
  readonly stream: string;
  readonly events: readonly AnyEvent[];
}

export const noon = Date.UTC(2026, 0, 1, 12);
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

export const nodeCount = 40;
const nodeOf = (n: number): string => `node-${n % nodeCount}`;
export const clients = ["client:ada", "client:bob", "client:eve"] as const;
export const clientOf = (n: number): string => clients[n % clients.length] as string;
const apps = ["ocr", "faces", "embed"] as const;

export const specOf = (n: number): JobSpec => ({
  version: 1,
  client: clientOf(n),
  app: apps[n % apps.length] as string,
  params: { language: "en", page: n },
  inputs: { image: { digest: digestOf(`input ${n}`), size: 40_000 + n } },
  comparator: { kind: "exact" },
  quorum: 2,
  replicasMax: 4,
  price: "1000",
  engine: "ort-web",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: `${n}`,
});

/** Everything before the first job: nodes, one of them suspended, and points for the clients. */
export const beginning = (): readonly Append[] => [
  ...Array.from({ length: nodeCount }, (_, n): Append => {
    const nodeId = nodeOf(n);
    const capabilities = {
      apps: [
        { app: apps[n % 3] as string, executionClass: "ort-web@1.30.0/wasm" },
        { app: "ocr", executionClass: "ort-web@1.30.0/wasm" },
      ],
      slots: 4,
      backlog: 16,
      cpus: 8,
      memoryMb: 16_384,
      platform: "linux-x64",
      version: "0.1.0",
    };
    const at = noon + n;
    const registered: AnyEvent = {
      type: "NodeRegistered",
      nodeId,
      owner: `owner-${n % 7}`,
      capabilities,
      at,
    };
    const more: readonly AnyEvent[] =
      n % 10 === 9 ? [{ type: "NodeSuspended", nodeId, reason: "liar", at: at + 1 }] : [];
    return { stream: nodeStream(nodeId), events: [registered, ...more] };
  }),
  {
    stream: ledgerStream,
    events: clients.map(
      (account, n): LedgerEvent => ({
        type: "PointsIssued",
        transferId: `grant-${n}`,
        account,
        amount: "1000000000000",
        reason: "grant",
        at: noon + 100,
      }),
    ),
  },
];

/** Two identities, one of them revoked, a service key that was rolled, and a policy. */
export const people = (): readonly Append[] => {
  const [ada, bob] = [`cnct:${"a".repeat(52)}`, `cnct:${"b".repeat(51)}a`];
  const registered = (id: string): AnyEvent => {
    const record: InceptionRecord = {
      version: 1,
      rootKey: digestOf(`root of ${id}`),
      nextRootKeyHash: digestOf(`next of ${id}`),
      encryptionKeys: [digestOf(`encryption of ${id}`)],
      natsKey: "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
      roles: ["worker"],
      nonce: "00".repeat(16),
    };
    return { type: "IdentityRegistered", id, record, signature: "00".repeat(64), at: noon };
  };
  const signedBy = digestOf(`root of ${bob}`);
  const signed = { signature: "00".repeat(64), at: noon + 1 };
  const keyId = "00000000000000aa";
  const [first, second] = [digestOf("first secret"), digestOf("second secret")];
  const scopes = ["jobs:submit"];
  const life = { label: "nightly", scopes, expiresAt: noon + 86_400_000, at: noon };
  return [
    { stream: identityStream(ada), events: [registered(ada)] },
    {
      stream: identityStream(bob),
      events: [
        registered(bob),
        { type: "IdentityRevoked", id: bob, sequence: 1, reason: "retired", signedBy, ...signed },
      ],
    },
    {
      stream: serviceKeyStream(ada),
      events: [
        { type: "ServiceKeyIssued", id: ada, keyId, secretHash: first, ...life },
        {
          type: "ServiceKeyRolled",
          id: ada,
          keyId,
          secretHash: second,
          graceUntil: noon + 10,
          at: noon + 1,
        },
      ],
    },
    {
      stream: policyStream,
      events: [{ type: "PolicyAdopted", policy: { ...policyDefaults, version: 2 }, at: noon }],
    },
  ];
};

export type Ending = "completed" | "completed-late" | "failed" | "cancelled" | "rejected" | "open";

/** Seven of ten jobs are completed at once, the others in each other way in turn. */
export const endingOf = (n: number): Ending => {
  const rest: readonly Ending[] = ["completed-late", "failed", "cancelled", "rejected", "open"];
  return n % 10 < 7 ? "completed" : (rest[(n + Math.floor(n / 10)) % rest.length] as Ending);
};

/** The life of the `n`-th job. */
export const lifeOf = (n: number, ending: Ending = endingOf(n)): readonly Append[] => {
  const spec = specOf(n);
  const jobHash = digestOf(`job ${n}`);
  const job = (...events: readonly JobEvent[]): Append => ({ stream: jobStream(jobHash), events });
  const ledger = (event: LedgerEvent): Append => ({ stream: ledgerStream, events: [event] });
  const start = noon + 1000 + n * 10;
  const { client } = spec;
  const submitted = job({
    type: "JobSubmitted",
    jobHash,
    spec,
    deadlineAt: start + spec.deadlineMs,
    at: start,
  });
  if (ending === "rejected") {
    const reason = "insufficient-funds";
    return [submitted, job({ type: "JobRejected", jobHash, reason, at: start + 1 })];
  }
  const forgetAt = start + 2 * spec.deadlineMs;
  const funded = ledger({
    type: "JobFunded",
    jobHash,
    client,
    amount: "4000",
    forgetAt,
    at: start + 1,
  });
  const blobAt = { mediaType: "image/png", place: "gateway-1", expiresAt: start + 86_400_000 };
  const input: Append = {
    stream: blobStream(digestOf(`input ${n}`)),
    events: [
      {
        type: "BlobStored",
        digest: digestOf(`input ${n}`),
        size: 40_000 + n,
        ...blobAt,
        at: start,
      },
    ],
  };
  const ref = (replica: number, attempt = 1): TaskRef => ({
    jobHash,
    replica,
    attempt,
    nodeId: nodeOf(n * 7 + replica + attempt * 11),
  });
  const executionClass = "ort-web@1.30.0/wasm";
  const assigned = (task: TaskRef, at: number): JobEvent => ({
    type: "TaskAssigned",
    ...task,
    executionClass,
    expiresAt: at + 30_000,
    fundedAt: n,
    reason: { policy: 1, seed: n, candidates: 12, score: 0.75 },
    at,
  });
  const received = (task: TaskRef, at: number, output = "output"): JobEvent => ({
    type: "ResultReceived",
    ...task,
    executionClass,
    outputDigest: digestOf(`${output} ${n}`),
    outputSize: 1_234,
    elapsedMs: 20 + (n % 13),
    at,
  });
  const judged = (task: TaskRef, at: number, good = true): JobEvent =>
    good
      ? { type: "ResultAccepted", ...task, comparator: "exact", distance: 0, at }
      : {
          type: "ResultRejected",
          ...task,
          comparator: "exact",
          distance: 1,
          reason: "bytes differ",
          at,
        };
  const completed = (tasks: readonly TaskRef[], at: number): JobEvent => ({
    type: "JobCompleted",
    jobHash,
    outputDigest: digestOf(`output ${n}`),
    outputSize: 1_234,
    accepted: tasks.map(({ replica, nodeId }) => ({ replica, nodeId })),
    at,
  });
  const awarded = (tasks: readonly TaskRef[], at: number): Append =>
    ledger({
      type: "PointsAwarded",
      jobHash,
      client,
      awards: tasks.map(({ replica, nodeId }) => ({
        awardId: digestOf(`award ${n} ${replica}`),
        replica,
        nodeId,
        amount: "1000",
      })),
      refund: "2000",
      at,
    });
  const refunded = (reason: string, at: number): Append =>
    ledger({ type: "JobRefunded", jobHash, client, amount: "4000", reason, at });
  const [a, b, c] = [ref(0), ref(1), ref(2)];
  const paidFor = [input, submitted, funded, job(assigned(a, start + 2), assigned(b, start + 2))];

  switch (ending) {
    case "open":
      return paidFor;
    case "completed":
      return [
        ...paidFor,
        job(
          received(a, start + 5),
          received(b, start + 6),
          judged(a, start + 7),
          judged(b, start + 7),
          completed([a, b], start + 7),
        ),
        awarded([a, b], start + 8),
      ];
    case "completed-late":
      return [
        ...paidFor,
        job(received(a, start + 5), received(b, start + 6, "nonsense"), {
          type: "ResultsDisagreed",
          jobHash,
          comparator: "exact",
          groups: [[0], [1]],
          distance: 1,
          reason: "bytes differ",
          at: start + 7,
        }),
        job(assigned(c, start + 8)),
        job(
          received(c, start + 12),
          judged(a, start + 13),
          judged(b, start + 13, false),
          judged(c, start + 13),
          completed([a, c], start + 13),
        ),
        awarded([a, c], start + 14),
      ];
    case "failed": {
      const again = ref(0, 2);
      const fault = { code: "worker-fault", retryable: true };
      return [
        ...paidFor,
        job(
          { type: "TaskFailed", ...a, ...fault, at: start + 3 },
          { type: "TaskExpired", ...b, at: start + 30_002 },
        ),
        job(assigned(again, start + 30_003)),
        job(
          { type: "TaskFailed", ...again, ...fault, at: start + 30_004 },
          { type: "JobFailed", jobHash, reason: "attempts-exhausted", at: start + 30_004 },
        ),
        refunded("attempts-exhausted", start + 30_005),
        {
          stream: blobStream(digestOf(`input ${n}`)),
          events: [
            {
              type: "BlobExpired",
              digest: digestOf(`input ${n}`),
              place: "gateway-1",
              at: start + 86_400_000,
            },
          ],
        },
      ];
    }
    case "cancelled":
      return [
        ...paidFor,
        job({ type: "JobCancelled", jobHash, at: start + 4 }),
        refunded("cancelled", start + 5),
      ];
  }
};

/** Writes appends one after another without waiting for each; answers the last position. */
export const write = async (
  store: EventStore,
  appends: readonly Append[],
  prefix = "000000000001",
): Promise<Position> => {
  const ids = eventIds(prefix);
  const results = await Promise.all(
    appends.map(({ stream, events }) =>
      store.append(
        stream,
        events.map((event) => encode(event, ids.next(), "service:test")),
        "any",
      ),
    ),
  );
  let last: Position = -1n;
  for (const result of results) if (result.ok && result.position > last) last = result.position;
  return last;
};

/** The lives of jobs `from` to `to` (exclusive). */
export const lives = (from: number, to: number): readonly Append[] =>
  Array.from({ length: to - from }, (_, at) => lifeOf(from + at)).flat();
