/**
 * Looks through an ONNX file for weights that are kept in another file. A stranger's model could
 * name any file of this machine in this way, so that such a model never reaches the runtime.
 */

/** What is found in a file, before the runtime sees it. */
export type ScanFinding = "fine" | "external-data" | "malformed";

type Kind = "model" | "graph" | "node" | "attribute" | "tensor" | "sparse" | "function";

/** Which fields of a message hold further messages that lead to tensors. @see onnx.proto. */
const children: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: "graph", 25: "function" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  tensor: {},
  sparse: { 1: "tensor", 2: "tensor" },
  function: { 7: "node", 11: "attribute" },
};

const externalData = 13;
const dataLocation = 14;
/** Graphs inside nodes inside graphs: deeper than any real model. */
const depthMax = 100;

export const scanOnnx = (model: Uint8Array): ScanFinding => {
  const pending: { kind: Kind; from: number; to: number; depth: number }[] = [
    { kind: "model", from: 0, to: model.length, depth: 0 },
  ];
  let graphs = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    const { kind, to, depth } = part;
    let at = part.from;
    while (at < to) {
      const field = readField(model, at, to);
      if (field === undefined || depth > depthMax) return "malformed";
      const { number, from, value } = field;
      if (kind === "tensor" && number === externalData) return "external-data";
      if (kind === "tensor" && number === dataLocation && value !== 0) return "external-data";
      const child = children[kind][number];
      if (child !== undefined) {
        if (from === undefined) return "malformed";
        pending.push({ kind: child, from, to: field.to, depth: depth + 1 });
        if (child === "graph") graphs++;
      }
      at = field.to;
    }
  }
  return graphs > 0 ? "fine" : "malformed";
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

/** Values beyond 2^53 lose their last digits, which no length or flag needs. */
const readVarint = (bytes: Uint8Array, start: number, end: number) => {
  let value = 0;
  for (let at = start; at < Math.min(end, start + 10); at++) {
    const byte = bytes[at] as number;
    value += (byte % 128) * 2 ** (7 * (at - start));
    if (byte < 128) return { value, to: at + 1 };
  }
  return undefined;
};
