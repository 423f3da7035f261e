/** Files that must be whole, on the disk, and nobody else's to read. */

import { randomBytes } from "node:crypto";
import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What the group and others may do with a file. */
const othersMask = 0o077;

/**
 * The bytes of a small file that its owner alone can read.
 *
 * @returns `"open to others"` if anybody else can.
 * @throws {RangeError} For a file of more than `bytesMax`; the system's errors as they are.
 */
export const readPrivate = async (
  path: string,
  bytesMax: number,
): Promise<Buffer | "open to others"> => {
  const file = await open(path, "r");
  try {
    const { mode, size } = await file.stat();
    // Windows has no such bits: there the folder of the user is what keeps others out.
    if (process.platform !== "win32" && (mode & othersMask) !== 0) return "open to others";
    if (size > bytesMax) throw new RangeError(`${path} has ${size} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
};

/** A point on the way of a write at which a test may stop it. */
export type WriteStep = "written" | "named";

/**
 * Writes a file of mode 0600 whole or not at all; when it returns, the file outlives a power cut. The
 * folder is made if it is not there.
 *
 * @param how.replace - Whether a file that is there gives way; else it stays, and `EEXIST` is thrown.
 */
export const writePrivate = async (
  path: string,
  text: string,
  how: { readonly replace: boolean; readonly onStep?: (step: WriteStep) => void },
): Promise<void> => {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    await fill(await open(temporary, "wx", 0o600), text);
    how.onStep?.("written");
    if (how.replace) await rename(temporary, path);
    else await link(temporary, path);
    how.onStep?.("named");
    await syncFolder(folder);
  } finally {
    await rm(temporary, { force: true });
  }
};

const fill = async (file: FileHandle, text: string): Promise<void> => {
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === "win32") return; // A folder cannot be opened there.
  const file = await open(folder, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};
