/** How a job's results were checked: read from its stream when it is asked for. */
import type { JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { type Draw, type JobVerification, verificationOf } from "../../domain/job/verification.ts";
import { boundsOf } from "../../domain/verification/bounds.ts";
import type { PaidAward } from "../../projections/views.ts";
import { decode } from "../../streams/codec.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { jobStream } from "../../streams/names.ts";
import type { AwardState, JobVerification as Wire } from "../schema.types.ts";

export const readVerification = async (store: EventStore, jobHash: JobHash): Promise<Wire> => {
  const events: JobEvent[] = [];
  for await (const recorded of store.readStream(jobStream(jobHash), "start")) {
    const event = decode(recorded);
    if (event) events.push(event as JobEvent);
  }
  const found = verificationOf(events);
  if (!found) throw new Error(`job ${jobHash} has a row and no events`);
  return wireOf(found);
};

const wireOf = ({
  spec,
  assurance,
  verdicts,
  draws,
  wishes,
  reopenings,
}: JobVerification): Wire => {
  return {
    comparator: spec.sealed ? "tag" : spec.comparator.kind,
    bounds: (spec.sealed ? undefined : boundsOf(spec.comparator)) ?? null,
    credibility: assurance?.credibility ?? null,
    threshold: assurance?.threshold ?? null,
    policyVersion: assurance?.policy ?? null,
    audited: assurance?.audited ?? null,
    verdicts: verdicts.map(({ bounds = null, reason = null, survived = null, ...verdict }) => ({
      ...{ bounds, reason, survived },
      ...verdict,
    })),
    draws: draws.map(drawOf),
    wishes: wishes.map((wish) => ({
      ...wish,
      why: wish.why ?? null,
      credibility: wish.credibility ?? null,
      threshold: wish.threshold ?? null,
      groups: wish.groups ?? null,
      distance: wish.distance ?? null,
    })),
    reopenings,
  };
};

const drawOf = ({ from, to, policy, ...draw }: Draw): Wire["draws"][number] => ({
  ...draw,
  from: String(from),
  to: String(to),
  policyVersion: policy,
});

export const awardState = ({ heldUntil, voided, settled }: PaidAward): AwardState => {
  if (voided) return "VOIDED";
  if (settled) return "SETTLED";
  return heldUntil === null ? "PAID" : "HELD";
};
