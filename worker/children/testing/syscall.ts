/**
 * Asks the kernel for something that Node has no function for: a program of a few instructions is
 * written and run. For x86-64 Linux only, where tests of the fence run.
 */

import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSystemErrorMap } from "node:util";

export const canCallSystem: boolean = process.platform === "linux" && process.arch === "x64";

const address = 0x400000n;
const headerBytes = 120;
const texts = 0x600n;
const pageBytes = 0x1000;

const u16 = (value: number) => [value & 255, value >> 8];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: bigint) =>
  Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));

/** `mov` of 64 bits into rax, rdi, rsi, rdx, r10, r8. */
const moves = [
  [0x48, 0xb8],
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
];

/** A text is put into the program's page, and its address given. */
const programOf = (call: number, args: readonly (number | bigint | string)[]): Uint8Array => {
  const page = Buffer.alloc(pageBytes);
  let free = texts;
  const place = (text: string): bigint => {
    page.write(`${text}\0`, Number(free));
    const at = address + free;
    free += BigInt(text.length + 1);
    return at;
  };
  const values = [call, ...args].map((value) =>
    typeof value === "string" ? place(value) : BigInt(value),
  );
  const code = [
    ...values.flatMap((value, at) => [...(moves[at] ?? []), ...u64(value)]),
    ...[0x0f, 0x05], // syscall
    ...[0xf7, 0xd8, 0x78, 0x02, 0xeb, 0x02, 0x31, 0xc0], // eax = -eax; if it is below 0: eax = 0
    ...[0x89, 0xc7, 0xb8, ...u32(60), 0x0f, 0x05], // exit(eax)
  ];
  const header = [
    ...[0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...Array<number>(9).fill(0)],
    ...[...u16(2), ...u16(62), ...u32(1), ...u64(address + BigInt(headerBytes)), ...u64(64n)],
    ...[...u64(0n), ...u32(0), ...u16(64), ...u16(56), ...u16(1), ...u16(0), ...u16(0), ...u16(0)],
    ...[...u32(1), ...u32(7), ...u64(0n), ...u64(address), ...u64(address)],
    ...[...u64(BigInt(pageBytes)), ...u64(BigInt(pageBytes)), ...u64(BigInt(pageBytes))],
  ];
  page.set([...header, ...code]);
  return page;
};

/** @returns The error's name, such as `EPERM`, or undefined when the kernel did it. */
export const callSystem = (
  call: number,
  ...args: readonly (number | bigint | string)[]
): string | undefined => {
  const path = join(tmpdir(), `call-${call}-${process.pid}`);
  writeFileSync(path, programOf(call, args), { mode: 0o700 });
  try {
    const { status, signal, error } = spawnSync(path);
    if (error) return error.message;
    if (status === 0) return undefined;
    return signal ?? getSystemErrorMap().get(-(status ?? 0))?.[0] ?? `error ${status}`;
  } finally {
    rmSync(path);
  }
};
