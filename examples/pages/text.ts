/** Text to print, and how much of it a reader got right. */

/** Typesetter's characters and their plain ASCII. */
const plain: readonly (readonly [RegExp, string])[] = [
  [/[‘’]/g, "'"],
  [/[“”]/g, '"'],
  [/\s*[—–]\s*/g, " - "],
  [/…/g, "..."],
];

/**
 * Whole paragraphs as lines of at most `columns` characters of plain ASCII, broken between words.
 *
 * Paragraphs with other characters (accents, Greek) are left out, as are words longer than a line.
 */
export const wrapLines = (text: string, columns: number): readonly string[] =>
  text.split(/\n\s*\n/).flatMap((paragraph) => {
    const ascii = plain
      .reduce((rest, [from, to]) => rest.replace(from, to), paragraph)
      .replace(/\s+/g, " ")
      .trim();
    return /^[\x20-\x7e]*$/.test(ascii) ? fill(ascii.split(" "), columns) : [];
  });

const fill = (words: readonly string[], columns: number): readonly string[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (word.length > columns) continue;
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= columns) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return line === "" ? lines : [...lines, line];
};
