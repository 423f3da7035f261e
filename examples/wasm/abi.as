/** What each module shares: how it gives memory to its host, and how it says where its output is. */

/** The host writes an input to where this points. Nothing is freed: a module runs once. */
export function alloc(size: u32): usize {
  return heap.alloc(size);
}

/** Place and size in one number, as `run` gives it back. */
// @ts-ignore: decorator
@inline
export function output(at: usize, size: usize): u64 {
  return (u64(at) << 32) | u64(size);
}
