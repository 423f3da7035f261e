/** What a tidy rule is, and what several of them need. */
import { lineOf, type SourceFile } from "./source.ts";

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly says: string;
}

export type Project = readonly SourceFile[];

export interface Rule {
  readonly name: string;
  readonly check: (project: Project) => readonly Finding[];
  /** Files by path; every set must be found faulty. */
  readonly planted: readonly Readonly<Record<string, string>>[];
  /** Files by path; every set must pass. */
  readonly fine: readonly Readonly<Record<string, string>>[];
}

/** Tests, and what only tests use: `testing/`, also below another folder. */
export const isTest = (path: string): boolean =>
  path.endsWith(".test.ts") || path.split("/").slice(0, -1).includes("testing");
export const folderOf = (path: string): string => path.split("/")[0] ?? "";
export const isCode = ({ path }: SourceFile): boolean => /\.(ts|mts|tsx|mjs)$/.test(path);
export const within = (specifier: string, name: string): boolean =>
  name.endsWith("/")
    ? specifier.startsWith(name)
    : specifier === name || specifier.startsWith(`${name}/`);

/** Findings where the pattern matches the code, without comments and strings. */
export const matches = (
  file: SourceFile,
  where: "code" | "text",
  pattern: RegExp,
  says: (found: string) => string,
) =>
  [...file[where].matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineOf(file.text, match.index),
    says: says(match[0].trim()),
  }));

export const onLine = (file: SourceFile, specifier: string, says: string): Finding => ({
  path: file.path,
  line: lineOf(file.text, Math.max(0, file.text.indexOf(specifier))),
  says,
});
