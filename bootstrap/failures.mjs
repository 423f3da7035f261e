/**
 * Everything that can go wrong before CNCT itself runs. A code, once released, keeps its meaning and
 * its number: scripts rely on them. The table in `run.mjs` shows the same to people; a test compares.
 */

/** @type {Readonly<Record<string, number>>} Stable code to exit code. */
export const exitCodes = Object.freeze({
  usage: 64,
  "old-node": 70,
  "no-npm": 71,
  "dependencies-failed": 72,
  "dependencies-missing": 73,
  "no-node-24-package": 74,
  "node-24-failed": 75,
  "node-24-missing": 76,
  "no-nats-server": 77,
  busy: 78,
  "no-such-file": 79,
  "start-failed": 80,
});

/** One sentence for a person, one code for a program. */
export class BootstrapFailure extends Error {
  /**
   * @param {keyof typeof exitCodes & string} code
   * @param {string} sentence What is wrong and what to do about it.
   */
  constructor(code, sentence) {
    super(sentence);
    this.name = "BootstrapFailure";
    this.code = code;
  }
}

/**
 * Prints a failure as one line on stderr.
 *
 * @param {unknown} failure
 * @returns {number} The exit code that belongs to it; 1 for what is not a BootstrapFailure (our bug).
 */
export function report(failure) {
  if (!(failure instanceof BootstrapFailure)) {
    process.stderr.write(`cnct: ${failure instanceof Error ? failure.stack : String(failure)}\n`);
    return 1;
  }
  process.stderr.write(`cnct: ${failure.message} [${failure.code}]\n`);
  return exitCodes[failure.code] ?? 1;
}

/** Says one step on stderr, so that stdout stays the command's own. @param {string} step */
export function say(step) {
  process.stderr.write(`cnct: ${step}\n`);
}
