/**
 * Reads TypeScript just far enough for the tidy rules: what is comment, what is string, what is imported.
 *
 * TypeScript 7 has no API for JavaScript programs, so this is a scanner of our own. It knows comments,
 * strings, templates (nested too) and regular expressions; it does not know grammar. Whether a slash
 * divides or begins a regular expression is told from the token before it.
 */
import { dirname, posix } from "node:path";

export interface Import {
  /** As written, such as `../decider.ts` or `node:fs`. */
  readonly specifier: string;
  /** Path from the root for a relative import, otherwise undefined. */
  readonly path: string | undefined;
}

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked out; same length and lines. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const isCode = (path: string): boolean => /\.(ts|mts|tsx|mjs|js)$/.test(path);

/** Reads one file. What is not TypeScript or JavaScript has no code and imports nothing. */
export const sourceFile = (path: string, text: string): SourceFile => {
  if (!isCode(path)) return { path, text, code: "", imports: [] };
  const code = blank(text);
  return { path, text, code, imports: importsOf(path, text, code) };
};

/** 1 for the first line. */
export const lineOf = (text: string, at: number): number => text.slice(0, at).split("\n").length;

/** Where a specifier begins in blanked code: the forms that bring in another module. */
const importForms = [
  /\bfrom\s*(?=["'])/g,
  /\bimport\s*(?=["'])/g,
  /\bimport\s*\(\s*(?=["'`])/g,
  /\bimport\.meta\.resolve\s*\(\s*(?=["'`])/g,
  /\brequire(?:\.resolve)?\s*\(\s*(?=["'`])/g,
  /\bnew\s+URL\s*\(\s*(?=["'`]\.{1,2}\/)/g,
];

const importsOf = (path: string, text: string, code: string): readonly Import[] =>
  importForms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => {
      const start = match.index + match[0].length;
      const quote = text[start] ?? "";
      const specifier = text.slice(start + 1, text.indexOf(quote, start + 1));
      const isRelative = specifier.startsWith("./") || specifier.startsWith("../");
      return {
        specifier,
        path: isRelative ? posix.normalize(posix.join(dirname(path), specifier)) : undefined,
      };
    }),
  );

/** After these a slash begins a regular expression; after a value it divides. */
const beforeRegex =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|await|yield|else|do))$/;

const blank = (text: string): string => {
  const out = text.split("");
  const hide = (from: number, to: number): void => {
    for (let at = from; at < to; at++) if (out[at] !== "\n") out[at] = " ";
  };
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  let before = "";
  const inTemplate = (from: number): number => {
    let end = from;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end))
      end += text[end] === "\\" ? 2 : 1;
    hide(from, end);
    if (text[end] === "`") {
      before = "`";
      return end + 1;
    }
    templates.push(depth++);
    before = "{";
    return end + 2;
  };
  while (at < text.length) {
    const char = text[at] ?? "";
    if (text.startsWith("//", at)) {
      const end = indexOrEnd(text, "\n", at);
      hide(at, end);
      at = end;
    } else if (text.startsWith("/*", at)) {
      const end = indexOrEnd(text, "*/", at + 2) + 2;
      hide(at, Math.min(end, text.length));
      at = end;
    } else if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== char && text[end] !== "\n")
        end += text[end] === "\\" ? 2 : 1;
      hide(at + 1, end);
      before = char;
      at = end + 1;
    } else if (char === "`") {
      at = inTemplate(at + 1);
    } else if (char === "}" && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      at = inTemplate(at + 1);
    } else if (char === "/" && beforeRegex.test(before)) {
      const end = endOfRegex(text, at);
      hide(at + 1, end - 1);
      before = "/";
      at = end;
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      if (!/\s/.test(char)) before = (before + char).slice(-12);
      else if (/\w$/.test(before)) before = `${before.slice(-11)}`;
      at++;
      if (/\s/.test(text[at] ?? "") && /\w/.test(text[at - 1] ?? "")) before = wordBefore(text, at);
    }
  }
  return out.join("");
};

/** The word that ends at a place, with a mark that parts it from what stood before. */
const wordBefore = (text: string, at: number): string =>
  ` ${/\w+$/.exec(text.slice(Math.max(0, at - 20), at))?.[0] ?? ""}`;

const indexOrEnd = (text: string, what: string, from: number): number => {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
};

/** Place after the closing slash. A slash in a character class does not close. */
const endOfRegex = (text: string, start: number): number => {
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "\n") return at;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return at + 1;
  }
  return text.length;
};
