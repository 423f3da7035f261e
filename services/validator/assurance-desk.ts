/**
 * The validator's part in jobs with an assurance, beyond taking up results: it draws beacons and
 * audits, knows on what terms to judge, convicts, and opens again what rested on a convict. All of it
 * is owed by facts, so that a validator that starts anew goes on where the last one stopped.
 */
import type { Millis } from "../../domain/decider.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { AssuranceTerms, Job, OpenJob } from "../../domain/job/job.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { createCredibility } from "../credibility.ts";
import { type Fact, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import { createPointsAtRisk } from "../points-at-risk.ts";
import { createBeacons } from "./beacons.ts";
import { convict, createConvictions } from "./convictions.ts";
import { createLottery } from "./lottery.ts";
import { termsOf } from "./terms.ts";

export interface AssuranceDesk {
  /** Folds a fact. `job` is the state after it, or newer. */
  hear(fact: Fact, job: Job): void;
  /** Does what is owed. */
  act(): void;
  /** On what the job is to be judged now; undefined for one without an assurance. */
  termsFor(job: OpenJob): AssuranceTerms | undefined;
  close(): void;
}

const actor = serviceActor("validator");
const retryMs: Millis = 500;

export const createAssuranceDesk = ({
  book,
  store,
  ids,
  clock,
  sha256,
  policy,
  onTrouble,
}: {
  readonly book: JobBook;
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly clock: Clock;
  readonly sha256: Sha256;
  /** In force as far as facts were told. */
  readonly policy: () => Policy;
  readonly onTrouble: (what: string, error: unknown) => void;
}): AssuranceDesk => {
  const credibility = createCredibility();
  const { survived, isConvicted } = credibility;
  let asOf = -1;
  const points = createPointsAtRisk();
  const lottery = createLottery({ jobOf: book.get, policy, survived, atRisk: points.of, sha256 });
  const beacons = createBeacons({ store, ids, clock, sha256, onTrouble });
  const convictions = createConvictions();
  const convicts = new Set<string>();
  const underWay = new Set<string>();
  const toDraw = new Set<JobHash>();
  let closed = false;

  /** Does it once at a time, and again later if it fails. */
  const once = (name: string, work: () => Promise<unknown>) => {
    if (closed || underWay.has(name)) return;
    underWay.add(name);
    work().then(
      () => underWay.delete(name),
      (error: unknown) => {
        if (closed) return;
        onTrouble(`${name} did not come about`, error);
        clock.after(retryMs, () => {
          underWay.delete(name);
          act();
        });
      },
    );
  };

  const draw = async (jobHash: JobHash) => {
    toDraw.delete(jobHash);
    const job = book.get(jobHash);
    const drawn = job.status === "open" ? lottery.drawOf(job) : undefined;
    if (!drawn) return;
    const command = { type: "DrawAudits", ...drawn, actor, now: clock.now() } as const;
    try {
      await book.handle(jobHash, [command]);
    } catch (error) {
      toDraw.add(jobHash); // Once again, when whoever called has waited.
      throw error;
    }
  };

  const act = () => {
    if (closed) return;
    for (const jobHash of lottery.takeDue()) toDraw.add(jobHash);
    for (const jobHash of toDraw) once(`the draw of job ${jobHash}`, () => draw(jobHash));
    for (const proof of convictions.proofs())
      once(`the conviction of ${proof.nodeId}`, () =>
        convict(proof, { store, ids, now: clock.now() }),
      );
    for (const reopening of convictions.reopenings())
      once(`the reopening of job ${reopening.jobHash}`, async () => {
        const { jobHash, fundedAt } = reopening;
        const by = { convicts: [...convicts], actor, now: clock.now() };
        const [refusal] = await book.handle(jobHash, [{ type: "ReopenJob", fundedAt, ...by }]);
        if (refusal) onTrouble(`job ${jobHash} was not opened again`, new Error(refusal));
        convictions.settle(reopening);
      });
    beacons.act();
  };

  return {
    hear: (fact, job) => {
      const { event, position } = fact;
      asOf = Number(position);
      credibility.hear(event);
      points.hear(event);
      convictions.hear(fact);
      if (event.type === "NodeConvicted") convicts.add(event.nodeId);
      beacons.hear(fact, lottery.hear(fact, job));
    },
    act,
    termsFor: (job) => termsOf(job, { asOf, policy: policy(), survived, isConvicted }),
    close: () => {
      closed = true;
      beacons.close();
    },
  };
};
