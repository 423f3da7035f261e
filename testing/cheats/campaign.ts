/**
 * A campaign of cheats in a real network: 20 workers of which four collude on wrong answers and one
 * copies, with arbiters. Jobs come until all cheats are expelled, and then as many as the hold window
 * takes, so that what is settled at the end is settled for good.
 */
import { randomBytes } from "node:crypto";
import { reviewGateway } from "../../cli/audit/verdicts.ts";
import { headOf } from "../../cli/explain/log.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import { type Policy, policyDefaults } from "../../domain/policy/policy.ts";
import { checkInvariants } from "../invariants.ts";
import { lieOf } from "./cheaters.ts";
import { type Cast, type CheatedNetwork, openCheatedNetwork } from "./network.ts";
import { type CheatsReport, reportOn } from "./report.ts";

export interface CampaignOptions {
  /** Jobs in which the cheats must be found, at most. */
  readonly jobs: number;
  /** Share of the jobs that cheats lie about, 0 to 1. */
  readonly lieShare: number;
  /** Jobs of the network for which awards are held; so many follow when the cheats are expelled. */
  readonly holdJobs: number;
  /** The least share of results that is audited, 0 to 1. */
  readonly auditFloor: number;
  /** Everybody has an identity: results are signed. */
  readonly identities: boolean;
  /** Every second job is sealed; takes identities. */
  readonly sealed: boolean;
  /** The planted fault: everybody is believed, and nobody is audited. */
  readonly audits: boolean;
  readonly onProgress?: (line: string) => void;
}

export interface Campaign extends CheatsReport {
  readonly seconds: number;
  readonly cheats: readonly NodeId[];
  /** What is not as it must be, in words; empty when the network has stood the test. */
  readonly failures: readonly string[];
  /** What the network said went wrong in it; not all of it is a failure. */
  readonly log: readonly string[];
}

const names = (prefix: string, count: number): readonly NodeId[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}`);

export const cast: Cast = {
  honest: names("honest", 15),
  liars: names("liar", 2),
  sleepers: names("sleeper", 2),
  copiers: names("copier", 1),
  arbiters: names("arbiter", 3),
};
const cheats = [...cast.liars, ...cast.sleepers, ...cast.copiers];

/** Nodes are believed after few audits, so that lies are accepted at first and have to be undone. */
const trusting = ({ holdJobs, auditFloor }: CampaignOptions): Policy => ({
  ...policyDefaults,
  pricing: { floorMicroPoints: { ...policyDefaults.pricing.floorMicroPoints, echo: 0 } },
  verification: {
    ...policyDefaults.verification,
    adversaryShare: 0.25,
    standard: { epsilon: 0.1, auditFactor: 8, auditFloor },
    holdJobs,
    bondAwards: 2,
  },
});

/** A policy that `parsePolicy` refuses: everybody is believed, and nobody is audited. */
const blind = (options: CampaignOptions): Policy => {
  const policy = trusting(options);
  const standard = { epsilon: 0.1, auditFactor: 1e-12, auditFloor: 1e-12 };
  const verification = { ...policy.verification, adversaryShare: 1e-6, standard };
  return { ...policy, verification };
};

const batch = 40;
const settleMs = 15_000;

export const runCampaign = async (options: CampaignOptions): Promise<Campaign> => {
  const {
    jobs,
    lieShare,
    holdJobs,
    identities,
    sealed,
    audits,
    onProgress = () => undefined,
  } = options;
  const began = performance.now();
  const policy = audits ? trusting(options) : blind(options);
  // What a lie could win is a reason for audits by itself, which the planted fault takes away.
  const price = audits ? "1000" : "0";
  const network = await openCheatedNetwork({ cast, policy, lieShare, identities });
  const inputs = new Map<JobHash, Uint8Array>();
  const failures: string[] = [];
  let submitted = 0;
  const submit = async (count: number) => {
    const ended = await runJobs(network, inputs, { from: submitted, count, sealed, price });
    submitted += count;
    for (const one of ended)
      if (one.status !== "COMPLETED") failures.push(`job ${one.hash} ended as ${one.status}`);
  };
  try {
    let expelled: readonly string[] = [];
    while (expelled.length < cheats.length && submitted < jobs) {
      await submit(Math.min(batch, jobs - submitted));
      expelled = await expelledNodes(network);
      onProgress(`${submitted} jobs, expelled: ${expelled.join(" ") || "nobody"}`);
    }
    for (const goal = submitted + holdJobs + 1; submitted < goal; )
      await submit(Math.min(batch, goal - submitted));
    if (audits) await settled(network, settleMs);
    failures.push(...(await wrongOutputs(network, inputs)));
    failures.push(...(await misjudged(network)));
  } catch (error) {
    await network.close();
    throw error;
  }
  const log = await network.close();
  const isLie = (nodeId: NodeId, jobHash: JobHash) =>
    network.lies.has(lieOf(nodeId, inputs.get(jobHash) ?? new Uint8Array()));
  const report = reportOn(log, { honest: cast.honest, isLie });
  const { violations } = await checkInvariants(log, { quiet: true });
  failures.push(...violations, ...judged(report));
  const seconds = (performance.now() - began) / 1_000;
  return { ...report, seconds, cheats, failures, log: network.log };
};

/** Line 3 of what a campaign is to show. */
const judged = (report: CheatsReport): readonly string[] => {
  const failures: string[] = [];
  const { wrongSettled, wrongAtEnd, expelled, unpaid, wrongGiven } = report;
  if (wrongGiven === 0) failures.push("nobody lied, so nothing was shown");
  if (wrongSettled > 0) failures.push(`${wrongSettled} wrong results were settled`);
  if (wrongAtEnd > 0) failures.push(`${wrongAtEnd} jobs have a wrong output at the end`);
  for (const nodeId of cheats)
    if (!expelled.includes(nodeId)) failures.push(`${nodeId} was not expelled`);
  for (const nodeId of expelled)
    if (!cheats.includes(nodeId)) failures.push(`${nodeId} was expelled and is honest`);
  for (const nodeId of unpaid) failures.push(`${nodeId} is honest and was not paid`);
  return failures;
};

/** What the judging service did otherwise than the log says that it had to, as anybody can find out. */
const misjudged = async ({ client }: CheatedNetwork): Promise<readonly string[]> => {
  const { faults, verdicts, matches } = await reviewGateway(client, await headOf(client));
  const failures = faults.map(
    ({ code, position, detail = "" }) => `${code} at ${position} ${detail}`,
  );
  return verdicts === matches ? failures : [...failures, `${verdicts - matches} verdicts differ`];
};

const runJobs = async (
  { client }: CheatedNetwork,
  inputs: Map<JobHash, Uint8Array>,
  {
    from,
    count,
    sealed,
    price,
  }: {
    readonly from: number;
    readonly count: number;
    readonly sealed: boolean;
    readonly price: string;
  },
) => {
  const drafts = Array.from({ length: count }, (_, i) => ({
    data: new Uint8Array(randomBytes(16)),
    open: !(sealed && (from + i) % 2 === 0),
  }));
  const { hashes, refusals } = await client.submitMany(
    drafts.map(({ data, open }) => {
      return { app: "echo", inputs: { data }, open, assurance: "standard", price } as const;
    }),
  );
  if (refusals[0]) throw new Error(`a job was refused: ${refusals[0].message}`);
  const known = hashes.flatMap((hash, i) => {
    const data = drafts[i]?.data;
    if (hash && data) inputs.set(hash, data);
    return hash ? [hash] : [];
  });
  return client.awaitMany(known, { timeoutMs: 120_000 });
};

const expelledNodes = async ({ client }: CheatedNetwork): Promise<readonly string[]> => {
  const { nodes } = await client.ask<{ nodes: { nodes: readonly { id: string }[] } }>(
    "{ nodes(filter: { status: EXPELLED }, first: 100) { nodes { id } } }",
  );
  return nodes.nodes.map(({ id }) => id);
};

/** Until every honest node has points of its own; the report says if that never comes. */
const settled = async ({ client }: CheatedNetwork, patienceMs: number): Promise<void> => {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const balances = await Promise.all(
      cast.honest.map(async (nodeId) => {
        const { account } = await client.ask<{ account: { balance: string } | null }>(
          "query ($id: AccountId!) { account(id: $id) { balance } }",
          { id: `node:${nodeId}` },
        );
        return BigInt(account?.balance ?? "0");
      }),
    );
    if (balances.every((balance) => balance > 0n)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** What clients get at the end, opened where it is sealed. */
const wrongOutputs = async (
  { client }: CheatedNetwork,
  inputs: ReadonlyMap<JobHash, Uint8Array>,
): Promise<readonly string[]> => {
  const hashes = [...inputs.keys()];
  const ended = await client.awaitMany(hashes, { timeoutMs: 60_000 });
  const wrong: string[] = [];
  for (const one of ended) {
    if (one.status !== "COMPLETED") continue;
    const output = await client.output(one);
    if (Buffer.compare(output, inputs.get(one.hash) ?? new Uint8Array()) !== 0)
      wrong.push(`the output of job ${one.hash} is wrong`);
  }
  return wrong;
};
