/** Files that only their owner may read. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { NatsServerError } from "../server-error.ts";

/** Makes a directory that only its owner may enter. */
export const makePrivateDirectory = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 });
};

/** The old file or the new one, never a part of it, also after a power cut. */
export const writePrivateFile = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.new`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path));
  await directory.sync();
  await directory.close();
};

/**
 * The text of a file that must be private; undefined if there is none.
 *
 * @throws {NatsServerError} `keys-readable` if others may read it.
 */
export const readPrivateFile = async (path: string): Promise<string | undefined> => {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { mode } = await file.stat();
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new NatsServerError(
        "keys-readable",
        `others may read ${path}; make it yours alone with: chmod 600 ${path}`,
      );
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
};

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
