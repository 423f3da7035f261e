import { fairness, requesterJobsMax, requesterRecord } from "../../domain/reputation/requester.ts";
import {
  correctness,
  meanTurnaroundMs,
  reliability,
  standing,
  turnaroundsOf,
  vettingOf,
} from "../../domain/reputation/standing.ts";
import { warningMessage } from "../../domain/reputation/warnings.ts";
import { type JobRow, pageRowsMax, type Views } from "../../projections/views.ts";
import { type Context, seen } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import { connection, type GatewaySources, pageOf } from "../sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Query: Pick<All["Query"], "requester"> = {
  requester: async (_, { account, atLeast }, { gateway }) => {
    await seen(gateway, atLeast);
    const record = requesterRecord(account, lastJobs(gateway.projections.views, account));
    return record.jobs === 0 ? null : record;
  },
};

/** The last `requesterJobsMax` of the client. */
function* lastJobs(views: Views, client: string): Generator<JobRow> {
  let after: string | undefined;
  for (let seen = 0; seen < requesterJobsMax; ) {
    const page = connection(views.jobs({ client }, pageOf({ first: pageRowsMax, after })));
    yield* page.nodes;
    seen += page.nodes.length;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor ?? undefined;
  }
}

export const Reputation: All["Reputation"] = {
  reliability: ({ track }) => reliability(track),
  correctness: ({ track }) => correctness(track),
  standing: ({ track, convictedAt }, _, { gateway }) =>
    convictedAt === null ? standing(track, gateway.projections.views.policy().reputation) : 0,
  turnaroundMs: ({ track }) => meanTurnaroundMs(track),
  assigned: ({ track }) => track.assigned,
  answered: ({ track }) => track.answered,
  broken: ({ track }) => track.broken,
  accepted: ({ track }) => track.accepted,
  rejected: ({ track }) => track.rejected,
  silent: ({ track }) => track.silent,
  drained: ({ track }) => track.drained,
  vetting: ({ track }, _, { gateway }) =>
    vettingOf(track, gateway.projections.views.policy().reputation),
  warnings: ({ track, warnings }, _, { gateway }) => {
    const parameters = gateway.projections.views.policy().reputation;
    return warnings.map((warning) => ({
      ...warning,
      position: String(warning.position),
      message: warningMessage(warning.code, track, parameters),
    }));
  },
  turnarounds: ({ track }) => turnaroundsOf(track),
  history: ({ track }, page, { gateway }) =>
    connection(gateway.projections.views.scoreChanges(track.nodeId, pageOf(page))),
};

const scoreNames = { reliability: "RELIABILITY", correctness: "CORRECTNESS" } as const;

export const ScoreChange: All["ScoreChange"] = {
  score: ({ score }) => scoreNames[score],
};

export const Requester: All["Requester"] = {
  id: ({ account }) => account,
  fairness: (record) => fairness(record),
};
