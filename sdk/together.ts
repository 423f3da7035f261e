/**
 * Calls that are made while others are on their way travel together: an idle line is used at once,
 * a busy one by many. Nothing waits for a timer.
 */

/**
 * Makes a function for many a function for one.
 *
 * @param run - Answers each item, in order. If it throws, each of its items is answered so.
 * @param limits - So many items in one run, and so many runs at a time.
 */
export const together = <Item, Answer>(
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { most, inFlight }: { readonly most: number; readonly inFlight: number },
): ((item: Item) => Promise<Answer>) => {
  const waiting: { readonly item: Item; readonly reply: PromiseWithResolvers<Answer> }[] = [];
  let running = 0;

  const runOne = async (): Promise<void> => {
    const batch = waiting.splice(0, most);
    try {
      const answers = await run(batch.map(({ item }) => item));
      if (answers.length !== batch.length)
        throw new Error(`${answers.length} answers came for ${batch.length} items`);
      for (const [index, answer] of answers.entries()) batch[index]?.reply.resolve(answer);
    } catch (error) {
      for (const { reply } of batch) reply.reject(error);
    }
  };

  const work = async (): Promise<void> => {
    running++;
    while (waiting.length > 0) await runOne();
    running--;
  };

  return (item) => {
    const reply = Promise.withResolvers<Answer>();
    waiting.push({ item, reply });
    if (running < inFlight) void work();
    return reply.promise;
  };
};
