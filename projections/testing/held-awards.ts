/** Facts about awards that are held: two jobs of `client:ada`, one of which falls and is opened again. */
import type { JobEvent } from "../../domain/job/events.ts";
import type { LedgerEvent } from "../../domain/ledger/events.ts";
import { jobStream, ledgerStream } from "../../streams/names.ts";
import { type Append, digestOf, noon, specOf } from "./history.ts";

/** The nodes of both jobs: one is convicted, the other earns a bond and leaves. */
export const cheat = "node-1";
export const leaver = "node-2";
export const heldUntil = noon + 86_400_000;

/**
 * @param n - The first job is `digestOf("job <n>")`, the next the second.
 * @param steps - How many of the entries after the two first ends: settled, voided, slashed, opened and
 *   ended again, returned. All of them if left out.
 */
export const heldAwards = (n: number, steps = 8): readonly Append[] => {
  const client = "client:ada";
  const at = noon + 900;
  const job = (jobHash: string, ...events: readonly JobEvent[]): Append => ({
    stream: jobStream(jobHash),
    events,
  });
  const ledger = (event: LedgerEvent): Append => ({ stream: ledgerStream, events: [event] });
  const idOf = (jobHash: string, replica: number): string => digestOf(`${jobHash} ${replica}`);
  const output = { outputDigest: digestOf("output"), outputSize: 1, at };
  const begin = (jobHash: string): readonly Append[] => [
    job(jobHash, {
      ...{ type: "JobSubmitted", jobHash, spec: { ...specOf(n), client }, at },
      deadlineAt: at + 60_000,
    }),
    ledger({ type: "JobFunded", jobHash, client, amount: "4000", forgetAt: at + 120_000, at }),
  ];
  const [first, second] = [digestOf(`job ${n}`), digestOf(`job ${n + 1}`)];
  const end = (jobHash: string, nodeId: string): readonly Append[] => [
    job(jobHash, {
      ...{ type: "JobCompleted", jobHash, ...output, held: true },
      accepted: [{ replica: 0, nodeId }],
    }),
    ledger({
      ...{ type: "PointsAwarded", jobHash, client, refund: "3000", at },
      awards: [
        {
          ...{ awardId: idOf(jobHash, 0), replica: 0, nodeId, amount: "1000" },
          ...{ held: true, audited: true },
        },
      ],
      hold: { jobs: 5_000, until: heldUntil, reopens: true },
    }),
  ];
  const falls = { awardId: idOf(first, 0), jobHash: first, amount: "1000" };
  const settled = { awardId: idOf(second, 0), nodeId: leaver, amount: "1000", bond: "1000" };
  const convicted = { nodeId: cheat, reason: "wrong-result", at };
  return [
    ...begin(first),
    ...begin(second),
    ...end(first, cheat),
    ...end(second, leaver),
    ...[
      ledger({ type: "AwardsSettled", settled: [settled], at: heldUntil }),
      ledger({
        ...{ type: "AwardsVoided", ...convicted },
        voided: [{ ...falls, to: `escrow:${first}`, reopens: true }],
      }),
      job(first, {
        ...{ type: "JobReopened", jobHash: first, convicts: [cheat], fundedAt: 1, at },
        deadlineAt: at + 60_000,
      }),
      job(first, {
        ...{ type: "JobCompleted", jobHash: first, ...output },
        accepted: [{ replica: 1, nodeId: "node-3", arbiter: true }],
      }),
      ledger({
        ...{ type: "PointsAwarded", jobHash: first, client, refund: "0", at },
        awards: [{ awardId: idOf(first, 1), replica: 1, nodeId: "node-3", amount: "1000" }],
      }),
      ledger({ type: "BondSlashed", nodeId: leaver, amount: "400", reason: "wrong-result", at }),
      ledger({ type: "BondReturned", nodeId: leaver, amount: "600", at }),
    ].slice(0, steps),
  ];
};
