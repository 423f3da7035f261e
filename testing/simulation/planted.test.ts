/** The simulation proves that it can see: each planted bug must be found by one of a few seeds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { planted } from "./planted.ts";
import { runSimulation } from "./run.ts";

const seedsMax = 25;

/** What must be said about each. */
const expected: Readonly<Record<string, RegExp>> = {
  "results of fenced attempts count": /never said what job/,
  "one result makes a quorum": /completed without its quorum|wrong output/,
  "results are shown before all nodes are bound": /shown before all nodes were bound/,
  "a result opens any commit": /was not bound to/,
  "results that are bound are never asked for":
    /a job of the calm came to|no rest|to be shown by then|waited to its end/,
  "a ledger entry without an answer is written twice":
    /funded twice|released twice|paid twice|went below zero|JobRejected of job .* after its/,
  "the escrow of a failed job is not released": /escrow/,
  "tasks are sent before they are facts": /sent before it was a fact/,
  "tasks of lost nodes are never given to others": /lease of .* ended and nobody noticed/,
  "the disk acknowledges what it has not kept": /are gone/,
  "only the first of those who agreed is paid": /accepted results and \d awards/,
};

describe("the simulation finds a planted bug:", () => {
  test("there is one expectation for each", () =>
    assert.deepEqual(Object.keys(expected).sort(), Object.keys(planted).sort()));

  for (const [name, sabotage] of Object.entries(planted))
    test(name, async () => {
      for (let seed = 1; seed <= seedsMax; seed++) {
        const { violations, lines } = await runSimulation({ seed, sabotage });
        const [first] = violations;
        if (first === undefined) continue;
        assert.match(first, expected[name] as RegExp);
        assert.ok(lines.length > 0, "the trace leads to it");
        return;
      }
      assert.fail(`${seedsMax} seeds did not show it`);
    });
});
