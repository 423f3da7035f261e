/** Plain majority voting, for comparison: the first answer that so many nodes give is believed. */

/** The first answer that `quorum` nodes gave, in the order in which they answered. */
export const firstWith = (answers: readonly number[], quorum: number): number | undefined => {
  const votes = new Map<number, number>();
  for (const answer of answers) {
    const count = (votes.get(answer) ?? 0) + 1;
    if (count >= quorum) return answer;
    votes.set(answer, count);
  }
  return undefined;
};

/** How many more nodes are asked at once: as many as the best answer lacks. */
export const lacking = (answers: readonly number[], quorum: number): number =>
  quorum - Math.max(0, ...[...new Set(answers)].map((one) => countOf(answers, one)));

const countOf = (answers: readonly number[], one: number): number =>
  answers.filter((answer) => answer === one).length;
