/** What `cnct` answers to the shell: stable, shown by `cnct --help` and in `docs/cli.md`. */

export const exitCodes = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  badInput: 4,
  machine: 5,
  unknown: 6,
  timedOut: 7,
  bug: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: "all is well",
  1: "a job ended without an output, or a rule said no",
  2: "the command line is not understood",
  3: "the gateway, the event store or NATS cannot be reached",
  4: "what was given is wrong: a file, a price, a tensor, an app, a job's spec",
  5: "this machine cannot: a port or a directory is in use, the disk is full, a program is missing",
  6: "nobody knows a job, node, account or blob of that name",
  7: "the wait is over and the job is not",
  70: "a fault of cnct itself",
  130: "stopped by Ctrl-C",
};
