/** From what a caller says to a whole job spec, the one that is hashed. */

import { sealedSize } from "../crypto/body.ts";
import { type CatalogueApp, catalogue, isAppName } from "../domain/catalogue.ts";
import type { AccountId, Digest } from "../domain/ids.ts";
import {
  type AssuranceClass,
  assuranceDefaults,
  type BlobRef,
  defaultReplicasMax,
  type JobSpec,
  parseSpec,
  specDefaults,
} from "../domain/job/spec.ts";
import type { Comparator } from "../domain/verification/comparator.ts";
import { CnctRefusal } from "./errors.ts";

/** Bytes to be stored, or the name of bytes that are. */
export type JobInput =
  | Uint8Array
  | { readonly bytes: Uint8Array; readonly mediaType: string }
  | BlobRef;

/** What a caller says; the rest has defaults. */
export interface JobRequest {
  /** Catalogue name of the app, such as `ocr`. */
  readonly app: string;
  readonly inputs?: Readonly<Record<string, JobInput>>;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Who pays, such as `client:ada`; the client of the connection if left out. */
  readonly client?: AccountId;
  /** The app's own if left out. */
  readonly comparator?: Comparator;
  /** How sure you want to be that the output is right: by audits, not by agreement. */
  readonly assurance?: AssuranceClass;
  /** How many results must agree, 1 to 5; 2 if left out, and 1 with an assurance. */
  readonly quorum?: number;
  /** `quorum` to 9; if left out two more than the quorum, with an assurance 5 or 9. */
  readonly replicasMax?: number;
  /** Micro-points for each accepted result; the app's price if left out. */
  readonly price?: bigint | string;
  /** Only nodes whose execution class begins so. */
  readonly engine?: string;
  /** Only nodes that surely compute so many WebAssembly instructions a second, as measured; for `wasm`. */
  readonly minSpeed?: number;
  readonly wallMs?: number;
  readonly deadlineMs?: number;
  /** 1 to 5. */
  readonly priority?: number;
  /** Makes equal work two jobs. */
  readonly nonce?: string;
  /**
   * No node's result is shown before all are bound to theirs, so that none can copy. Left out: so
   * in a network of identities when two must agree, else not.
   */
  readonly commit?: boolean;
  /**
   * Whether everybody may read inputs and output. Left out, a client with an identity seals what
   * bytes it brings; `true` stores them as they are.
   */
  readonly open?: boolean;
}

export interface SpecDefaults {
  readonly client?: AccountId | undefined;
  /** Whether jobs that do not say ask for commits where more than one result must agree. */
  readonly commits?: boolean;
  /** Stores bytes and answers their name. */
  readonly upload: (bytes: Uint8Array, mediaType: string) => Promise<BlobRef>;
  /** Seals bytes before they are stored; the job is then a sealed one. */
  readonly seal?: ((plaintext: Uint8Array) => Uint8Array) | undefined;
  /** Looks up an app that this version of the SDK does not know; undefined if nobody does. */
  readonly findApp?: (name: string) => Promise<AppDefaults | undefined>;
}

/** What a spec takes from its app. */
export type AppDefaults = Pick<
  CatalogueApp,
  "inputs" | "comparator" | "limits" | "priceMicroPoints"
>;

/**
 * A whole spec: defaults filled in from the catalogue, bytes stored and replaced by their digests.
 *
 * @throws {CnctRefusal} `unknown-app`, `missing-client`, `missing-input`, `unknown-input`, or a
 *   `SpecFault` such as `bad-price`. Nothing is uploaded for a spec that is refused.
 */
export const buildSpec = async (request: JobRequest, defaults: SpecDefaults): Promise<JobSpec> => {
  const app = isAppName(request.app)
    ? catalogue[request.app]
    : await defaults.findApp?.(request.app);
  if (app === undefined)
    throw new CnctRefusal(
      "unknown-app",
      `there is no app "${request.app}"; the catalogue has ${Object.keys(catalogue).join(", ")}`,
    );
  const client = request.client ?? defaults.client;
  if (client === undefined)
    throw new CnctRefusal("missing-client", 'say who pays: client "client:<name>"');
  const inputs = Object.entries(request.inputs ?? {});
  checkInputs(
    inputs.map(([name]) => name),
    request.app,
    app,
  );

  const { assurance } = request;
  const assured = assurance && assuranceDefaults(assurance);
  const { quorum = assured?.quorum ?? specDefaults.quorum } = request;
  const commit = request.commit ?? assured?.commit ?? (defaults.commits === true && quorum > 1);
  const draft = {
    ...specDefaults,
    client,
    app: request.app,
    params: request.params ?? {},
    inputs: Object.fromEntries(
      inputs.map(([name, input]) => [name, placeholderOf(input, defaults.seal)]),
    ),
    comparator: request.comparator ?? app.comparator,
    quorum,
    replicasMax: request.replicasMax ?? assured?.replicasMax ?? defaultReplicasMax(quorum),
    price: (request.price ?? app.priceMicroPoints).toString(),
    engine: request.engine ?? specDefaults.engine,
    ...(request.minSpeed === undefined ? {} : { minSpeed: request.minSpeed }),
    wallMs: request.wallMs ?? app.limits.wallMs,
    deadlineMs: request.deadlineMs ?? specDefaults.deadlineMs,
    priority: request.priority ?? specDefaults.priority,
    nonce: request.nonce ?? specDefaults.nonce,
    ...(commit ? { commit } : {}),
    ...(assurance === undefined ? {} : { assurance }),
    ...(defaults.seal === undefined ? {} : { sealed: true }),
  };
  const parsed = parseSpec(draft);
  if (!parsed.ok) throw new CnctRefusal(parsed.code, parsed.message);
  const stored = await Promise.all(
    inputs.map(async ([name, input]) => [name, await store(name, input, app, defaults)] as const),
  );
  return { ...parsed.spec, inputs: Object.fromEntries(stored) };
};

const checkInputs = (given: readonly string[], appName: string, app: AppDefaults): void => {
  const named = app.inputs.filter(({ many }) => many !== true).map(({ name }) => name);
  const missing = named.find((name) => !given.includes(name));
  if (missing !== undefined)
    throw new CnctRefusal("missing-input", `the app ${appName} needs the input "${missing}"`);
  const unknown = given.find((name) => !named.includes(name));
  if (unknown !== undefined && named.length === app.inputs.length)
    throw new CnctRefusal("unknown-input", `the app ${appName} reads no input "${unknown}"`);
};

/** Stands for bytes whose digest is not known yet, with their true size. */
const placeholderOf = (input: JobInput, seal: SpecDefaults["seal"]): BlobRef => {
  const bytes = bytesOf(input);
  return bytes === undefined
    ? { digest: (input as BlobRef).digest, size: (input as BlobRef).size }
    : {
        digest: "0".repeat(64) as Digest,
        size: seal === undefined ? bytes.length : sealedSize(bytes.length),
      };
};

const bytesOf = (input: JobInput): Uint8Array | undefined =>
  input instanceof Uint8Array ? input : "bytes" in input ? input.bytes : undefined;

const store = async (
  name: string,
  input: JobInput,
  app: AppDefaults,
  { upload, seal }: SpecDefaults,
): Promise<BlobRef> => {
  const bytes = bytesOf(input);
  if (bytes === undefined) return placeholderOf(input, seal);
  if (seal !== undefined) return upload(seal(bytes), "application/octet-stream");
  const declared =
    app.inputs.find((one) => one.name === name) ?? app.inputs.find((one) => one.many);
  const mediaType =
    "mediaType" in input
      ? input.mediaType
      : (declared?.mediaTypes[0] ?? "application/octet-stream");
  return upload(bytes, mediaType.includes("*") ? "application/octet-stream" : mediaType);
};
