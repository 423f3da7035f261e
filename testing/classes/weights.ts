/** Models with other weights: what a node computes that saves memory or time, or was tampered with. */

interface Field {
  readonly number: number;
  /** Of a value with a length. */
  readonly from: number;
  readonly to: number;
  /** Of a varint. */
  readonly value: number;
}

/** Smaller ones are sizes and factors, not what a model has learned. */
const weightsMin = 64;

/**
 * A copy of the model in which each float32 weight is what `change` makes of it. Structure and size
 * stay.
 *
 * @param change - Gets the weight, and the largest magnitude in its tensor.
 * @throws {Error} If the model has no weights that it could change.
 */
export const withWeights = (
  model: Uint8Array,
  change: (weight: number, largest: number) => number,
): Uint8Array => {
  const bytes = model.slice();
  let changed = 0;
  for (const graph of fieldsOf(bytes, { from: 0, to: bytes.length }, 7)) {
    const constants = fieldsOf(bytes, graph, 1)
      .flatMap((node) => fieldsOf(bytes, node, 5))
      .flatMap((attribute) => fieldsOf(bytes, attribute, 5));
    for (const tensor of [...fieldsOf(bytes, graph, 5), ...constants])
      changed += changeTensor(bytes, tensor, change);
  }
  if (changed === 0) throw new Error("the model has no float32 weights");
  return bytes;
};

const changeTensor = (
  bytes: Uint8Array,
  tensor: Field,
  change: (weight: number, largest: number) => number,
): number => {
  const float32 = fieldsOf(bytes, tensor, 2).some(({ value }) => value === 1);
  // Raw bytes, or packed floats: the same bytes either way.
  const [data] = [...fieldsOf(bytes, tensor, 9), ...fieldsOf(bytes, tensor, 4)];
  if (!float32 || !data || data.to - data.from < 4 * weightsMin) return 0;
  const view = new DataView(bytes.buffer, data.from, data.to - data.from);
  let largest = 0;
  for (let at = 0; at < view.byteLength; at += 4)
    largest = Math.max(largest, Math.abs(view.getFloat32(at, true)));
  for (let at = 0; at < view.byteLength; at += 4)
    view.setFloat32(at, change(view.getFloat32(at, true), largest), true);
  return view.byteLength / 4;
};

/** Protobuf's wire format: all fields of this number within a message. */
const fieldsOf = (
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
  wanted: number,
): readonly Field[] => {
  const found: Field[] = [];
  let at = from;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (at < to) {
    const key = varint();
    const [number, kind] = [Math.floor(key / 8), key % 8];
    const value = kind === 0 ? varint() : 0;
    const length = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : 0;
    if (number === wanted) found.push({ number, value, from: at, to: at + length });
    at += length;
  }
  return found;
};

/** The upper 16 bits alone, as bfloat16 has them, rounded. */
export const toBfloat16 = (weight: number): number => {
  const [bits] = new Uint32Array(Float32Array.of(weight).buffer);
  const rounded = ((bits as number) + 0x8000) & 0xffff0000;
  return new Float32Array(Int32Array.of(rounded).buffer)[0] as number;
};

/** A whole number of 255 parts of the tensor's range, as 8-bit quantisation has it. */
export const toInt8 = (weight: number, largest: number): number =>
  largest === 0 ? weight : (Math.round((weight / largest) * 127) / 127) * largest;
