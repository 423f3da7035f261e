/**
 * Looks through an ONNX file before the runtime sees it, in bounded memory: for weights that are kept
 * in another file (a stranger's model could name any file of this machine), for tensors that claim
 * more than they bring, and for what the runtime will take to load it. A file of 64 MiB can hold 30
 * million nodes of two bytes each, and a node takes a kilobyte.
 */

/** What is found in a file; `loadBytes` is an estimate from above. */
export type ScanFinding =
  | { readonly fault: "external-data" | "malformed" | "overstated" }
  | { readonly fault?: never; readonly loadBytes: number };

type Kind = keyof typeof children;

/** Which fields of a message hold further messages that are looked into. @see onnx.proto. */
const children = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  graph: { 1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  tensor: {},
  value: {},
  sparse: { 1: "tensor", 2: "tensor" },
  function: { 7: "node", 11: "attribute" },
} as const satisfies Readonly<Record<string, Readonly<Record<number, string>>>>;

/**
 * What the runtime takes for one, bytes, beside what its fields take: about what ONNX Runtime 1.30
 * was seen to take for files full of them, and a half more.
 */
const costs: Readonly<Record<Kind, number>> = {
  model: 4_096,
  training: 4_096,
  graph: 16_384,
  node: 3_072,
  attribute: 512,
  tensor: 1_024,
  value: 1_024,
  sparse: 1_024,
  function: 16_384,
};
/** For any field, also one that nobody knows. */
const fieldCost = 64;
/** The file as it came, the parsed weights, those of the session, and those laid out anew. */
const weightCopies = 4;

const dimension = 1;
const sparseDimension = 3;
const externalData = 13;
const dataLocation = 14;
/**
 * Bytes that one byte of a tensor's data in the file becomes: numbers of one byte can be packed where
 * 4 or 8 are meant, and each text is an object.
 */
const tensorData: Readonly<Record<number, number>> = {
  4: 1,
  5: 4,
  6: 32,
  7: 8,
  9: 1,
  10: 1,
  11: 8,
};
/** A packed list of sizes or an attribute's numbers: 8 bytes for one in the file. */
const packedGrowth = 8;
/** The smallest elements have 4 bits. */
const elementsPerByteMax = 2;

/** Graphs inside nodes inside graphs: deeper than any real model. */
const depthMax = 100;

/** @param loadBytesMax - Nothing is looked at any more once so much is reached. */
export const scanOnnx = (
  model: Uint8Array,
  loadBytesMax = Number.POSITIVE_INFINITY,
): ScanFinding => {
  let loadBytes = 0;
  let graphs = 0;

  const walk = (kind: Kind, start: number, end: number, depth: number): ScanFinding["fault"] => {
    if (depth > depthMax) return "malformed";
    loadBytes += costs[kind];
    if (kind === "graph") graphs++;
    if (kind === "tensor") return tensorFault(start, end);
    let elements = 1;
    for (let at = start; at < end && loadBytes <= loadBytesMax; ) {
      const field = readField(model, at, end);
      if (field === undefined) return "malformed";
      const { number, from, value } = field;
      loadBytes += fieldCost;
      const child = (children[kind] as Readonly<Record<number, Kind>>)[number];
      if (child !== undefined) {
        if (from === undefined) return "malformed";
        const fault = walk(child, from, field.to, depth + 1);
        if (fault !== undefined) return fault;
      } else if (from !== undefined) loadBytes += packedGrowth * (field.to - from);
      if (kind === "sparse" && number === sparseDimension)
        for (const size of value === undefined ? packed(model, field) : [value]) elements *= size;
      at = field.to;
    }
    // The runtime makes them dense.
    if (kind === "sparse") loadBytes += elements * 8;
    return undefined;
  };

  const tensorFault = (start: number, end: number): ScanFinding["fault"] => {
    let elements = 1;
    let dataBytes = 0;
    for (let at = start; at < end; ) {
      const field = readField(model, at, end);
      if (field === undefined) return "malformed";
      const { number, from, value } = field;
      if (number === externalData) return "external-data";
      if (number === dataLocation && value !== 0) return "external-data";
      if (number === dimension)
        for (const size of value === undefined ? packed(model, field) : [value]) elements *= size;
      const growth = tensorData[number];
      const bytes = field.to - (from ?? at);
      loadBytes += fieldCost + (from === undefined ? 0 : bytes * (growth ?? 1));
      if (growth !== undefined) {
        dataBytes += bytes;
        loadBytes += bytes * growth * (weightCopies - 1);
      }
      at = field.to;
    }
    return elements <= dataBytes * elementsPerByteMax ? undefined : "overstated";
  };

  const fault = walk("model", 0, model.length, 0) ?? (graphs > 0 ? undefined : "malformed");
  return fault === undefined ? { loadBytes } : { fault };
};

interface Field {
  readonly number: number;
  /** Where the field ends. */
  readonly to: number;
  /** Where its bytes begin, if it has bytes. */
  readonly from?: number;
  /** Its number, if it is one. */
  readonly value?: number;
}

const readField = (bytes: Uint8Array, start: number, end: number): Field | undefined => {
  const key = readVarint(bytes, start, end);
  if (key === undefined) return undefined;
  const number = Math.floor(key.value / 8);
  const skip = (length: number): Field | undefined =>
    key.to + length <= end ? { number, to: key.to + length } : undefined;
  switch (key.value % 8) {
    case 0: {
      const varint = readVarint(bytes, key.to, end);
      return varint && { number, to: varint.to, value: varint.value };
    }
    case 1:
      return skip(8);
    case 5:
      return skip(4);
    case 2: {
      const length = readVarint(bytes, key.to, end);
      if (length === undefined || length.to + length.value > end) return undefined;
      return { number, from: length.to, to: length.to + length.value };
    }
    default:
      return undefined; // Groups: ONNX has none.
  }
};

/** Values beyond 2^53 lose their last digits, which no length, flag or size needs. */
const readVarint = (bytes: Uint8Array, start: number, end: number) => {
  let value = 0;
  for (let at = start; at < Math.min(end, start + 10); at++) {
    const byte = bytes[at] as number;
    value += (byte % 128) * 2 ** (7 * (at - start));
    if (byte < 128) return { value, to: at + 1 };
  }
  return undefined;
};

/** The numbers of a packed list, as far as it is one. */
function* packed(bytes: Uint8Array, { from, to }: Field): Generator<number> {
  for (let at = from ?? to; at < to; ) {
    const number = readVarint(bytes, at, to);
    if (number === undefined) return;
    yield number.value;
    at = number.to;
  }
}
