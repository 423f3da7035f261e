/**
 * Floats of every kind, for comparing machines: sums that amplify a difference in the last bit, and
 * all operations on numbers at the edges, with the bits of what comes out.
 *
 * Data: numbers to begin with (f64, little-endian). Output: bits, as they come.
 */

import { output } from "./abi";
export { alloc } from "./abi";

let to: usize = 0;

function put64(value: f64): void {
  store<u64>(to, reinterpret<u64>(value));
  to += 8;
}

function put32(value: f32): void {
  store<u32>(to, reinterpret<u32>(value));
  to += 4;
}

function putVector(value: v128): void {
  v128.store(to, value);
  to += 16;
}

/** The logistic map is chaotic: one bit at the start is another number after 60 steps. */
function chaos(seed: f64): void {
  let x = seed - Math.floor(seed);
  let y = f32(x);
  let z = f32x4.splat(y);
  const four = f32x4.splat(3.99);
  const one = f32x4.splat(1.0);
  for (let step = 0; step < 5_000; step++) {
    x = 3.99 * x * (1 - x);
    y = f32(3.99) * y * (f32(1) - y);
    z = f32x4.mul(f32x4.mul(four, z), f32x4.sub(one, z));
  }
  put64(x);
  put32(y);
  putVector(z);
}

/** Mathematical functions are part of the module, so they are arithmetic like any other. */
function functions(seed: f64): void {
  put64(Math.sin(seed * 1e3));
  put64(Math.exp(seed));
  put64(Math.pow(Math.abs(seed), 1 / 3.0));
  put64(Math.log(Math.abs(seed)));
  put64(Math.tan(seed));
  put64(Math.sqrt(seed));
  put64(Math.cbrt(seed));
  put64(Math.hypot(seed, 3));
}

/** A matrix by a vector, with the lanes summed in one order. */
function product(seed: f64): void {
  let sum = f64x2.splat(0);
  for (let at = 0; at < 2_000; at++) {
    const weight = f64x2.splat(seed / (at + 1));
    sum = f64x2.add(sum, f64x2.mul(weight, f64x2.sub(weight, f64x2.splat(0.1))));
  }
  putVector(sum);
  put64(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
}

function edge64(index: i32): f64 {
  switch (index) {
    case 0: return 0.0;
    case 1: return -0.0;
    case 2: return 1.5;
    case 3: return Infinity;
    case 4: return -Infinity;
    case 5: return reinterpret<f64>(<u64>0x7ff8000000000123); // A quiet NaN with something in it.
    case 6: return reinterpret<f64>(<u64>0xfff8000000000000);
    case 7: return reinterpret<f64>(<u64>0x7ff0000000000001); // A signalling one.
    case 8: return reinterpret<f64>(<u64>1); // The smallest of all.
    case 9: return -1.7976931348623157e308;
    case 10: return 1e-310;
    default: return -2.5;
  }
}

/** Of two numbers: each operation there is, the bits of a NaN too. */
function edges(a: f64, b: f64): void {
  put64(a + b);
  put64(a - b);
  put64(a * b);
  put64(a / b);
  put64(min(a, b));
  put64(max(a, b));
  put64(copysign(a, b));
  put64(sqrt(a));
  put64(nearest(a));
  put64(trunc(b));
  const x = f32(a);
  const y = f32(b);
  put32(x + y);
  put32(x * y);
  put32(x / y);
  put32(min(x, y));
  put32(max(x, y));
  put32(sqrt(y));
  put64(f64(x));
  const v = f64x2.replace_lane(f64x2.splat(a), 1, b);
  const w = f64x2.replace_lane(f64x2.splat(b), 1, a);
  putVector(f64x2.add(v, w));
  putVector(f64x2.div(v, w));
  putVector(f64x2.min(v, w));
  putVector(f64x2.max(v, w));
  putVector(f64x2.pmin(v, w));
  putVector(f64x2.sqrt(v));
  const p = f32x4.splat(x);
  const q = f32x4.splat(y);
  putVector(f32x4.sub(p, q));
  putVector(f32x4.mul(p, q));
  putVector(f32x4.div(p, q));
  putVector(f32x4.pmax(p, q));
  putVector(f32x4.sqrt(q));
  putVector(i32x4.trunc_sat_f32x4_s(p));
  putVector(i32x4.trunc_sat_f32x4_u(q));
}

export function run(data: usize, dataSize: u32, _args: usize, _argsSize: u32): u64 {
  const count = dataSize / 8;
  const from = heap.alloc(count * 256 + 144 * 512);
  to = from;
  for (let at: u32 = 0; at < count; at++) {
    const seed = load<f64>(data + at * 8);
    chaos(seed);
    functions(seed);
    product(seed);
  }
  for (let one = 0; one < 12; one++)
    for (let other = 0; other < 12; other++) edges(edge64(one), edge64(other));
  return output(from, to - from);
}
