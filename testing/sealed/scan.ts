/** Looks for canaries: texts that were in a payload or a result, and that nobody on the way may see. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

export interface Find {
  readonly where: string;
  readonly form: string;
}

/** A text as it could stand in a file or on a wire. */
const formsOf = (canary: string): readonly { readonly form: string; readonly bytes: Buffer }[] => {
  const plain = Buffer.from(canary);
  // Base64 of a text depends on where in a group of three it begins; its inside does not.
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), plain]).toString("base64");
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  return [
    { form: "plain", bytes: plain },
    { form: "UTF-16", bytes: Buffer.from(canary, "utf16le") },
    { form: "hex", bytes: Buffer.from(plain.toString("hex")) },
    ...base64.map((text) => ({ form: "base64", bytes: Buffer.from(text) })),
    ...base64.map((text) => ({
      form: "base64url",
      bytes: Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_")),
    })),
  ];
};

export const scanBytes = (where: string, bytes: Buffer, canary: string): readonly Find[] =>
  formsOf(canary)
    .filter((one) => bytes.includes(one.bytes))
    .map(({ form }) => ({ where, form }));

/** Every file below a directory. @returns What was found, and how much was looked at. */
export const scanFiles = async (
  directory: string,
  canaries: readonly string[],
): Promise<{
  readonly finds: readonly Find[];
  readonly files: readonly string[];
  readonly bytes: number;
}> => {
  const finds: Find[] = [];
  const files: string[] = [];
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    const where = relative(directory, path);
    files.push(where);
    bytes += content.length;
    for (const canary of canaries) finds.push(...scanBytes(where, content, canary));
  }
  return { finds, files, bytes };
};
