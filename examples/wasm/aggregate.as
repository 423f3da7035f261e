/**
 * Groups the rows of a CSV file and sums up number columns.
 *
 * The arguments name the columns: `origin: mpg, horsepower` groups by `origin`. The output is JSON, a
 * group a line in the order of first appearance. Cells that are empty or no number are not counted.
 */

import { output } from "./abi";
export { alloc } from "./abi";

const comma: u8 = 0x2c;
const quote: u8 = 0x22;
const newline: u8 = 0x0a;
const colon: u8 = 0x3a;
const space: u8 = 0x20;

// Where the reader of cells is, and what it read last: raw bytes, without the quotes around them.
let at: usize = 0;
let end: usize = 0;
let cell: usize = 0;
let cellEnd: usize = 0;
let lastOfRow: bool = false;

/** Reads one cell. False at the end of the file. */
function readCell(): bool {
  if (at >= end) return false;
  if (load<u8>(at) == quote) {
    cell = ++at;
    while (at < end) {
      if (load<u8>(at) == quote) {
        if (at + 1 < end && load<u8>(at + 1) == quote) at++;
        else break;
      }
      at++;
    }
    cellEnd = at;
    if (at < end) at++;
    while (at < end && load<u8>(at) != comma && load<u8>(at) != newline) at++;
  } else {
    cell = at;
    while (at < end && load<u8>(at) != comma && load<u8>(at) != newline) at++;
    cellEnd = at;
    if (cellEnd > cell && load<u8>(cellEnd - 1) == 0x0d) cellEnd--;
  }
  lastOfRow = at >= end || load<u8>(at) == newline;
  at++;
  return true;
}

/** A decimal number, or NaN. Exact up to 15 digits. */
function numberIn(from: usize, to: usize): f64 {
  while (from < to && load<u8>(from) == space) from++;
  while (to > from && load<u8>(to - 1) == space) to--;
  const first = from;
  let negative = false;
  if (from < to && (load<u8>(from) == 0x2d || load<u8>(from) == 0x2b)) negative = load<u8>(from++) == 0x2d;
  let mantissa: u64 = 0;
  let digits = 0;
  let decimals = 0;
  let point = false;
  for (; from < to; from++) {
    const byte = load<u8>(from);
    if (byte == 0x2e && !point) point = true;
    else if (byte >= 0x30 && byte <= 0x39) {
      if (digits > 0 || byte != 0x30) digits++;
      if (digits > 15) break;
      mantissa = mantissa * 10 + (byte - 0x30);
      if (point) decimals++;
      continue;
    } else break;
  }
  if (from < to) return longNumberIn(first, to);
  if (to == first || (mantissa == 0 && decimals == 0 && load<u8>(to - 1) != 0x30)) return NaN;
  const size = decimals > 22 ? 0 : f64(mantissa) / powers[decimals];
  return negative ? -size : size;
}

/** With an exponent or many digits, or no number at all. */
function longNumberIn(from: usize, to: usize): f64 {
  for (let byte = from; byte < to; byte++) {
    const is = load<u8>(byte);
    const known = (is >= 0x30 && is <= 0x39) || is == 0x2b || is == 0x2d || is == 0x2e || (is | 0x20) == 0x65;
    if (!known) return NaN;
  }
  return F64.parseFloat(String.UTF8.decodeUnsafe(from, to - from));
}

const powers: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
];

/** A growing text. */
let text: usize = 0;
let textSize: usize = 0;
let textMax: usize = 0;

function add(from: usize, size: usize): void {
  if (textSize + size > textMax) {
    textMax = (textSize + size) * 2;
    const larger = heap.alloc(textMax);
    memory.copy(larger, text, textSize);
    text = larger;
  }
  memory.copy(text + textSize, from, size);
  textSize += size;
}

function addText(words: string): void {
  const bytes = String.UTF8.encode(words);
  add(changetype<usize>(bytes), bytes.byteLength);
}

/** A cell as a JSON string: doubled quotes become one escaped quote. */
function addCell(from: usize, to: usize): void {
  addText('"');
  for (; from < to; from++) {
    const byte = load<u8>(from);
    if (byte == quote) {
      addText('\\"');
      from++;
    } else if (byte == 0x5c) addText("\\\\");
    else if (byte < 0x20) addText("\\u00" + (byte < 16 ? "0" : "1") + "0123456789abcdef".charAt(byte & 15));
    else add(from, 1);
  }
  addText('"');
}

/** A name in the arguments, without the blanks around it. */
class Name {
  at: usize;
  end: usize;
  column: i32 = -1;
  constructor(from: usize, to: usize) {
    while (from < to && load<u8>(from) == space) from++;
    while (to > from && load<u8>(to - 1) == space) to--;
    this.at = from;
    this.end = to;
  }
}

function isSame(from: usize, to: usize, other: usize, otherEnd: usize): bool {
  return to - from == otherEnd - other && memory.compare(from, other, to - from) == 0;
}

/** Groups by their first row's cell; the numbers of group `g` and value `v` are at `g * values + v`. */
let keys: StaticArray<usize> = new StaticArray<usize>(0);
let keyEnds: StaticArray<usize> = new StaticArray<usize>(0);
let rows: StaticArray<u32> = new StaticArray<u32>(0);
let counts: StaticArray<u32> = new StaticArray<u32>(0);
let sums: StaticArray<f64> = new StaticArray<f64>(0);
let least: StaticArray<f64> = new StaticArray<f64>(0);
let most: StaticArray<f64> = new StaticArray<f64>(0);
let slots: StaticArray<i32> = new StaticArray<i32>(0);
let groups: i32 = 0;

function grown<T>(before: StaticArray<T>, length: i32): StaticArray<T> {
  const larger = new StaticArray<T>(length);
  for (let index = 0; index < before.length; index++) unchecked((larger[index] = before[index]));
  return larger;
}

function reserve(most_: i32, values: i32): void {
  keys = grown(keys, most_);
  keyEnds = grown(keyEnds, most_);
  rows = grown(rows, most_);
  counts = grown(counts, most_ * values);
  sums = grown(sums, most_ * values);
  least = grown(least, most_ * values);
  most = grown(most, most_ * values);
  slots = new StaticArray<i32>(most_ * 2);
  for (let group = 0; group < groups; group++) slots[slotOf(keys[group], keyEnds[group])] = group + 1;
}

/** Where the group of this key is, or would be. The number of slots is a power of two. */
function slotOf(from: usize, to: usize): i32 {
  let hash: u32 = 0x811c9dc5;
  for (let byte = from; byte < to; byte++) hash = (hash ^ load<u8>(byte)) * 0x01000193;
  const mask = slots.length - 1;
  let slot = i32(hash ^ (hash >> 15)) & mask;
  while (slots[slot] > 0 && !isSame(keys[slots[slot] - 1], keyEnds[slots[slot] - 1], from, to))
    slot = (slot + 1) & mask;
  return slot;
}

function groupOf(from: usize, to: usize, values: i32): i32 {
  let slot = slotOf(from, to);
  if (slots[slot] > 0) return slots[slot] - 1;
  if (groups == keys.length) {
    reserve(groups * 2, values);
    slot = slotOf(from, to);
  }
  const group = groups++;
  slots[slot] = group + 1;
  keys[group] = from;
  keyEnds[group] = to;
  for (let value = 0; value < values; value++) {
    least[group * values + value] = Infinity;
    most[group * values + value] = -Infinity;
  }
  return group;
}

export function run(data: usize, size: u32, args: usize, argsSize: u32): u64 {
  const argsEnd = args + argsSize;
  let split = args;
  while (split < argsEnd && load<u8>(split) != colon) split++;
  assert(split < argsEnd, "the arguments look like group: value, value");
  const key = new Name(args, split);
  const names: Name[] = [];
  for (let from = split + 1; from <= argsEnd; ) {
    let to = from;
    while (to < argsEnd && load<u8>(to) != comma) to++;
    names.push(new Name(from, to));
    from = to + 1;
  }
  const values = names.length;
  reserve(16, values);

  at = data;
  end = data + size;
  if (size >= 3 && load<u8>(at) == 0xef && load<u8>(at + 1) == 0xbb && load<u8>(at + 2) == 0xbf) at += 3;
  let columns = 0;
  do {
    assert(readCell(), "the data has no first row");
    if (isSame(cell, cellEnd, key.at, key.end)) key.column = columns;
    for (let value = 0; value < values; value++)
      if (isSame(cell, cellEnd, names[value].at, names[value].end)) names[value].column = columns;
    columns++;
  } while (!lastOfRow);
  assert(key.column >= 0, "the data has no such column to group by");
  const valueOf = new StaticArray<i32>(columns); // One more than the value's index; 0 for none.
  for (let value = 0; value < values; value++) {
    assert(names[value].column >= 0, "the data has no such column to sum up");
    valueOf[names[value].column] = value + 1;
  }

  const row = new StaticArray<f64>(values);
  while (at < end) {
    let keyAt: usize = 0;
    let keyEnd: usize = 0;
    row.fill(NaN);
    let column = 0;
    do {
      if (!readCell()) break;
      if (column == key.column) {
        keyAt = cell;
        keyEnd = cellEnd;
      }
      if (column < columns && valueOf[column] > 0) row[valueOf[column] - 1] = numberIn(cell, cellEnd);
      column++;
    } while (!lastOfRow);
    if (column == 1 && cellEnd == cell) continue; // An empty line.
    const group = groupOf(keyAt, keyEnd, values);
    rows[group]++;
    for (let value = 0; value < values; value++) {
      const number = row[value];
      if (isNaN(number)) continue;
      const place = group * values + value;
      counts[place]++;
      sums[place] += number;
      if (number < least[place]) least[place] = number;
      if (number > most[place]) most[place] = number;
    }
  }

  addText("[");
  for (let group = 0; group < groups; group++) {
    addText(group == 0 ? "\n" : ",\n");
    addText("{");
    addCell(key.at, key.end);
    addText(":");
    addCell(keys[group], keyEnds[group]);
    addText(',"rows":' + rows[group].toString());
    for (let value = 0; value < values; value++) {
      const place = group * values + value;
      const count = counts[place];
      addText(",");
      addCell(names[value].at, names[value].end);
      addText(':{"count":' + count.toString());
      if (count > 0) {
        addText(',"sum":' + sums[place].toString());
        addText(',"mean":' + (sums[place] / f64(count)).toString());
        addText(',"min":' + least[place].toString());
        addText(',"max":' + most[place].toString());
      }
      addText("}");
    }
    addText("}");
  }
  addText("\n]\n");
  return output(text, textSize);
}
