/**
 * Transforms a picture of raw pixels.
 *
 * Data and output: width and height (u32, little-endian), then 4 bytes for each pixel, row by row: red,
 * green, blue, alpha. The arguments are steps: `grayscale, resize 160 120, blur 2`. Whole numbers only.
 */

import { output } from "./abi";
export { alloc } from "./abi";

let width: i32 = 0;
let height: i32 = 0;
let pixels: usize = 0;

const sizeMax = 16_384;

/** Luma as in ITU-R BT.601, in 1/256. */
function grayscale(): void {
  const end = pixels + usize(width) * usize(height) * 4;
  for (let at = pixels; at < end; at += 4) {
    const luma =
      (77 * u32(load<u8>(at)) + 150 * u32(load<u8>(at, 1)) + 29 * u32(load<u8>(at, 2)) + 128) >> 8;
    store<u8>(at, u8(luma));
    store<u8>(at, u8(luma), 1);
    store<u8>(at, u8(luma), 2);
  }
}

/** Bilinear, with weights of 1/256, from pixel centre to pixel centre. */
function resize(newWidth: i32, newHeight: i32): void {
  assert(newWidth > 0 && newWidth <= sizeMax && newHeight > 0 && newHeight <= sizeMax, "a size from 1 to 16384");
  const target = heap.alloc(usize(newWidth) * usize(newHeight) * 4);
  let to = target;
  for (let y = 0; y < newHeight; y++) {
    const top = place(y, height, newHeight);
    const weightY = u32(top & 255);
    const rowA = pixels + usize(top >> 8) * usize(width) * 4;
    const rowB = pixels + usize(min<i64>((top >> 8) + 1, height - 1)) * usize(width) * 4;
    for (let x = 0; x < newWidth; x++) {
      const left = place(x, width, newWidth);
      const weightX = u32(left & 255);
      const a = usize(left >> 8) * 4;
      const b = usize(min<i64>((left >> 8) + 1, width - 1)) * 4;
      for (let channel: usize = 0; channel < 4; channel++) {
        const above = load<u8>(rowA + a + channel) * (256 - weightX) + load<u8>(rowA + b + channel) * weightX;
        const below = load<u8>(rowB + a + channel) * (256 - weightX) + load<u8>(rowB + b + channel) * weightX;
        store<u8>(to++, u8((above * (256 - weightY) + below * weightY + 32_768) >> 16));
      }
    }
  }
  pixels = target;
  width = newWidth;
  height = newHeight;
}

/** Where the centre of a new pixel lies between old ones, in 1/256, not outside of them. */
function place(index: i32, before: i32, now: i32): i64 {
  const at = ((2 * i64(index) + 1) * i64(before) * 128) / i64(now) - 128;
  return max<i64>(0, min<i64>(at, i64(before - 1) * 256));
}

/** The mean of a square of 2 * radius + 1 pixels; border pixels repeat. */
function blur(radius: i32): void {
  assert(radius >= 1 && radius <= 100, "a radius from 1 to 100");
  const between = heap.alloc(usize(width) * usize(height) * 4);
  for (let y = 0; y < height; y++) {
    const row = usize(y) * usize(width) * 4;
    blurLine(pixels + row, between + row, width, 4, radius);
  }
  for (let x = 0; x < width; x++)
    blurLine(between + usize(x) * 4, pixels + usize(x) * 4, height, usize(width) * 4, radius);
}

function blurLine(from: usize, to: usize, count: i32, step: usize, radius: i32): void {
  const size = u32(2 * radius + 1);
  const last = count - 1;
  for (let channel: usize = 0; channel < 4; channel++) {
    const line = from + channel;
    let sum: u32 = 0;
    for (let offset = -radius; offset <= radius; offset++)
      sum += load<u8>(line + usize(max(0, min(offset, last))) * step);
    for (let index = 0; index < count; index++) {
      store<u8>(to + channel + usize(index) * step, u8((sum + size / 2) / size));
      sum += load<u8>(line + usize(min(index + radius + 1, last)) * step);
      sum -= load<u8>(line + usize(max(index - radius, 0)) * step);
    }
  }
}

export function run(data: usize, size: u32, args: usize, argsSize: u32): u64 {
  assert(size >= 8, "the data begins with width and height");
  width = load<i32>(data);
  height = load<i32>(data, 4);
  assert(width > 0 && width <= sizeMax && height > 0 && height <= sizeMax, "a size from 1 to 16384");
  assert(u64(size) == 8 + u64(width) * u64(height) * 4, "the data has 4 bytes for each pixel");
  pixels = data + 8;

  const steps = String.UTF8.decodeUnsafe(args, argsSize).split(",");
  for (let index = 0; index < steps.length; index++) {
    const words = steps[index].trim().split(" ");
    const name = words[0];
    if (name == "grayscale") grayscale();
    else if (name == "blur" && words.length == 2) blur(I32.parseInt(words[1]));
    else if (name == "resize" && words.length == 3) resize(I32.parseInt(words[1]), I32.parseInt(words[2]));
    else assert(false, "a step is grayscale, blur <radius> or resize <width> <height>");
  }

  const bytes = usize(width) * usize(height) * 4;
  const result = heap.alloc(8 + bytes);
  store<i32>(result, width);
  store<i32>(result, height, 4);
  memory.copy(result + 8, pixels, bytes);
  return output(result, 8 + bytes);
}
