/**
 * Our protocol as the network runs it, on simulated nodes: replicas by credibility, commits, the audit
 * lottery, arbiters and their checks, held awards, bonds, and conviction with backtracking. The rules
 * are the real ones. Every award is one point; an arbiter costs what any node costs.
 */
import { portableSha256, type Sha256 } from "../../hashing.ts";
import type { VerificationPolicy } from "../../policy/policy.ts";
import { consider, type JudgedResult, startReplicas } from "../assurance.ts";
import { credibilityOf } from "../credibility.ts";
import { auditShare, checkShare, isAudited } from "../lottery.ts";
import { type Arbiter, createCourt } from "./court.ts";
import type { Settings } from "./settings.ts";
import { noteConviction, type Tally } from "./tally.ts";
import { type Answer, right, type Worker, type World } from "./world.ts";

/** The rules, each of which a test can replace by a broken one. */
export interface Rules {
  readonly consider: typeof consider;
  readonly startReplicas: typeof startReplicas;
  readonly auditShare: typeof auditShare;
  readonly checkShare: typeof checkShare;
  readonly isAudited: typeof isAudited;
  /** Whether an accepted result makes its nodes more credible. */
  readonly counts: (accepted: { readonly audited: boolean }) => boolean;
}

export const realRules: Rules = {
  consider,
  startReplicas,
  auditShare,
  checkShare,
  isAudited,
  counts: ({ audited }) => audited,
};

/** What the network knows of a node. */
interface Standing {
  survived: number;
  /** Awards in its bond. */
  bonded: number;
  /** Awards that are held. */
  held: number;
  /** Accepted jobs that it has a part in; those that are not settled are the last. */
  records: Accepted[];
}

interface Accepted {
  /** Those whose answer was accepted, but for who was convicted since. */
  answers: readonly Answer[];
  value: number;
  audited: boolean;
  /** The one arbiter that vouches for it. */
  sole: Arbiter | undefined;
  settled: boolean;
}

/** Settled ones that a list may have before they are dropped. */
const recordsKept = 100;
const settledKept = 50_000;
/** Jobs of which the commits wait for one beacon. */
const jobsPerBeacon = 50;
const arbiterCredibility = 0.9999;

/** A job from its submission to its acceptance; the next job finds what this one left behind. */
export const ours = (
  world: World,
  tally: Tally,
  {
    settings,
    policy,
    assurance,
    rules = realRules,
    sha256 = portableSha256,
  }: {
    readonly settings: Settings;
    readonly policy: VerificationPolicy;
    readonly assurance: "standard" | "high";
    readonly rules?: Rules;
    readonly sha256?: Sha256;
  },
): ((job: number) => void) => {
  const { epsilon, auditFactor, auditFloor } = policy[assurance];
  const rates = { auditFactor, auditFloor };
  const limits = {
    epsilon,
    replicasMax: policy.replicasMax,
    arbitersToConvict: policy.arbitersToConvict,
  };
  const court = createCourt(settings);
  const standings: Standing[] = [];
  /** Accepted jobs in their order; those before `settled` are settled, and go in large pieces. */
  let history: Accepted[] = [];
  let settled = 0;
  let reopened = 0;
  let beacon = "";

  const of = (worker: Worker): Standing => {
    standings[worker.id] ??= { survived: 0, bonded: 0, held: 0, records: [] };
    return standings[worker.id] as Standing;
  };
  const credibilities: number[] = [];
  const credibilityFor = (worker: Worker): number => {
    const { survived } = of(worker);
    credibilities[survived] ??= credibilityOf(survived, policy.adversaryShare);
    return credibilities[survived] as number;
  };
  const isDrawn = (worker: Worker, task: string): boolean => {
    const { survived, bonded, held } = of(worker);
    const points = { award: 1n, atRisk: BigInt(bonded + held) };
    const share = rules.auditShare(survived, rates, points);
    return rules.isAudited({ beacon, task, share }, sha256);
  };

  /** Asks arbiters, or more nodes if there is somebody to ask, until the rule has decided. */
  const settle = (
    answers: Answer[],
    {
      audited,
      askMore,
      task,
    }: {
      readonly audited: boolean;
      readonly askMore: (() => boolean) | undefined;
      readonly task: string;
    },
  ) => {
    let isDue = audited;
    const asked: { readonly arbiter: Arbiter; readonly value: number }[] = [];
    const askArbiter = (): boolean => {
      const arbiter = court.pick(asked.map((one) => one.arbiter));
      if (arbiter === undefined) return false;
      const shown = [...answers, ...asked].map(({ value }) => value);
      asked.push({ arbiter, value: court.answer(arbiter, shown) });
      tally.executions++;
      tally.audits++;
      return true;
    };
    for (;;) {
      const results = answers.map(
        ({ worker, value }, replica): JudgedResult => ({
          replica,
          group: value,
          credibility: credibilityFor(worker),
          arbiter: false,
        }),
      );
      for (const { value } of asked)
        results.push({
          replica: results.length,
          group: value,
          credibility: arbiterCredibility,
          arbiter: true,
        });
      const verdict = rules.consider(results, limits, { audited: isDue });
      if (verdict.kind === "replica" && askMore !== undefined) isDue = askMore() || isDue;
      else if (verdict.kind === "accept")
        return { ...verdict, asked, sole: soleOf(verdict, asked) };
      else if (verdict.kind === "none" || !askArbiter()) return { kind: "none", asked } as const;
      else if (asked.length === 1 && isChecked(asked[0]?.arbiter, task)) askArbiter();
    }
  };

  const soleOf = (
    { group }: { readonly group: number },
    asked: readonly { readonly arbiter: Arbiter; readonly value: number }[],
  ): Arbiter | undefined => {
    const vouching = asked.filter(({ value }) => value === group);
    const [first] = vouching;
    if (vouching.length > 1 && first !== undefined && first === asked[0]) first.arbiter.survived++;
    return vouching.length === 1 ? first?.arbiter : undefined;
  };

  const isChecked = (arbiter: Arbiter | undefined, task: string): boolean => {
    const share = arbiter === undefined ? 0 : rules.checkShare(arbiter.survived, policy);
    return rules.isAudited({ beacon, task: `${task} arbiter`, share }, sha256);
  };

  /** Expels nodes and arbiters whose answers were found wrong. */
  const convictAll = (
    answers: readonly Answer[],
    { asked, wrong }: { readonly asked: readonly { arbiter: Arbiter }[]; wrong: readonly number[] },
  ): void => {
    for (const replica of wrong) {
      const [worker, arbiter] = [
        answers[replica]?.worker,
        asked[replica - answers.length]?.arbiter,
      ];
      if (worker !== undefined) convict(worker);
      else if (arbiter !== undefined) convictArbiter(arbiter);
    }
  };

  /** What rests on its word alone, and is not settled, is computed again by others. */
  const convictArbiter = (arbiter: Arbiter): void => {
    if (arbiter.expelled) return;
    court.expel(arbiter);
    if (arbiter.isBad) tally.badArbitersConvicted++;
    else tally.honestArbitersConvicted++;
    for (const record of history.slice(settled)) if (record.sole === arbiter) reopen(record);
  };

  /** Takes bond, held awards and name, and has computed again what now rests on nobody. */
  const convict = (worker: Worker): void => {
    if (worker.expelled) return;
    noteConviction(tally, worker);
    world.expel(worker);
    const { bonded, records } = of(worker);
    worker.lost += bonded;
    for (let index = records.length - 1; index >= 0; index--) {
      const record = records[index] as Accepted;
      if (record.settled) break; // So are all before.
      const own = record.answers.find((answer) => answer.worker === worker);
      if (own?.free === true) worker.denied++;
      else worker.lost++;
      record.answers = record.answers.filter((answer) => answer.worker !== worker);
      if (record.answers.length === 0 && !record.audited) reopen(record);
    }
  };

  const reopen = (record: Accepted): void => {
    const { answers } = record;
    const task = `${reopened++} again`;
    const verdict = settle([...answers], { audited: true, askMore: undefined, task });
    if (verdict.kind !== "accept") return;
    if (record.value !== right && verdict.group === right) tally.corrected++;
    record.value = verdict.group;
    record.sole = verdict.sole;
    record.audited = true;
    convictAll(answers, verdict);
  };

  /** Ends the hold of what was accepted so many jobs ago. */
  const release = (): void => {
    for (; history.length - settled > policy.holdJobs; settled++) {
      const record = history[settled] as Accepted;
      record.settled = true;
      if (record.value !== right) tally.wrongSettled++;
      for (const { worker, value } of record.answers) {
        if (worker.expelled || value !== record.value) continue;
        const standing = of(worker);
        standing.held--;
        if (record.audited && standing.bonded < policy.bondAwards) standing.bonded++;
        if (standing.records.length > 2 * standing.held + recordsKept)
          standing.records = standing.records.filter((one) => !one.settled);
      }
    }
    if (settled < settledKept) return;
    history = history.slice(settled);
    settled = 0;
  };

  return (job) => {
    if (job % jobsPerBeacon === 0) beacon = sha256(`${beacon} ${job} ${world.random()}`);
    world.begin();
    const [first] = world.pick(1, []) as [Worker];
    const wanted = rules.startReplicas(credibilityFor(first), epsilon);
    const team = [first, ...world.pick(wanted - 1, [{ worker: first, value: right, free: false }])];
    const answers: Answer[] = [];
    const ask = (nodes: readonly Worker[]): boolean => {
      const given = world.answers(nodes, answers);
      tally.executions += given.length;
      answers.push(...given);
      const tasks = nodes.map((_, index) => `${job}/${answers.length - given.length + index}/1`);
      return nodes.map((node, index) => isDrawn(node, tasks[index] ?? "")).includes(true);
    };
    const audited = ask(team);
    const askMore = () => ask(world.pick(1, answers));
    const verdict = settle(answers, { audited, askMore, task: `${job}` });

    if (verdict.kind !== "accept") {
      tally.failed++;
      for (const { worker, free } of answers) if (free) worker.denied++;
      return;
    }
    for (const { worker, value, free } of answers)
      if (free && value !== verdict.group) worker.denied++;
    tally.accepted++;
    if (verdict.group !== right) tally.wrongAccepted++;
    const record: Accepted = {
      answers: answers.filter(({ value }) => value === verdict.group),
      value: verdict.group,
      audited: verdict.audited,
      sole: verdict.sole,
      settled: false,
    };
    history.push(record);
    for (const { worker } of record.answers) {
      const standing = of(worker);
      if (rules.counts(verdict)) standing.survived++;
      standing.held++;
      standing.records.push(record);
    }
    convictAll(answers, verdict);
    release();
  };
};
