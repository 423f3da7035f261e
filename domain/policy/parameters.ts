/**
 * Every parameter of the policy: its default, its bounds, and what it does. To add one, add a line
 * here; files of operators then need it, and what was adopted before is read with its default.
 *
 * A bound keeps out what would break a rule that others rely on; within the bounds it is the
 * operator's choice. `docs/policy.md` shows the whole table, and a test holds the two together.
 */

import { type AppName, catalogue } from "../catalogue.ts";
import { flag, number, owners, type Parameter, whole } from "./parameter.ts";

const day = 86_400_000;

/** One of the two assurances. */
const assurance = ({
  epsilon,
  auditFactor,
  auditFloor,
}: {
  readonly epsilon: number;
  readonly auditFactor: number;
  readonly auditFloor: number;
}) => ({
  epsilon: number(epsilon, {
    least: 0.000_001,
    most: 0.1,
    says: "a result is accepted when the chance that it is wrong is at most so large",
  }),
  auditFactor: number(auditFactor, {
    least: 1,
    most: 1_000,
    says: "a node that survived k audits is audited in this / (k + 1) of its tasks, at most half of them",
  }),
  auditFloor: number(auditFloor, {
    least: 0.001,
    most: 0.5,
    says: "the least share of its tasks in which any node is audited, however long it has been right",
  }),
});

/** A tenth of what the app costs: less would ask strangers to work for next to nothing. */
const floorOf = (app: AppName): Parameter<number> =>
  whole(Number(catalogue[app].priceMicroPoints) / 10, {
    least: 0,
    most: 1_000_000_000_000,
    says: `the least price of a result of ${app}, in micro-points`,
  });

export const parameters = {
  version: whole(1, {
    least: 1,
    most: 2_147_483_647,
    says: "rises by one with each policy that is adopted; what comes with CNCT is 1",
  }),
  verification: {
    adversaryShare: number(0.35, {
      least: 0.01,
      most: 0.49,
      says: "share of the nodes that is assumed to cheat (f of Sarmenta's formula, which needs f below 1/2)",
    }),
    standard: assurance({ epsilon: 0.006, auditFactor: 7, auditFloor: 0.03 }),
    high: assurance({ epsilon: 0.001, auditFactor: 15, auditFloor: 0.05 }),
    replicasMax: whole(9, {
      least: 3,
      most: 9,
      says: "so many nodes may compute one job with an assurance before arbiters decide: the most that its spec may ask for",
    }),
    arbiters: owners("owners whose nodes compute again for the network, and whose results decide"),
    arbitersToConvict: whole(2, {
      least: 1,
      most: 2, // Two of them are found among three, which is what a job pays for.
      says: "so many arbiters of different owners must agree before a node is convicted",
    }),
    arbiterCheckShare: number(0.1, {
      least: 0,
      most: 1,
      says: "share of the results by which one arbiter alone would decide that another one computes too; 0 checks no arbiter, and with arbitersToConvict 1 none is checked",
    }),
    arbiterChecksFirst: whole(5, {
      least: 0,
      most: 1_000,
      says: "until so many of an arbiter's results were found right in a runtime, all are checked",
    }),
    holdJobs: whole(5_000, {
      least: 1,
      // Services keep so many jobs in memory that may be opened again: `services/job-book.ts`.
      most: 10_000,
      says: "awards are held until the network has accepted so many jobs more",
    }),
    holdMs: whole(day, {
      least: 1_000,
      most: 30 * day,
      says: "or for so long, ms, whichever is first",
    }),
    bondAwards: whole(66, {
      least: 0,
      most: 10_000,
      says: "so many audited awards of a node become its bond, which a conviction takes",
    }),
  },
  dispatch: {
    explorationShare: number(0.01, {
      least: 0,
      most: 0.2,
      says: "share of the tasks that is given to new nodes, whatever their rank",
    }),
    ownersApart: flag(true, {
      says: "whether nodes of one owner, where it is an identity, never compute the same job",
    }),
    loadWeight: number(1, {
      least: 0,
      most: 100,
      says: "how much a node counts less for what it has to do already; 0 ranks by standing alone",
    }),
    turnaroundWeight: number(0.25, {
      least: 0,
      most: 100,
      says: "how much a node counts less for being slower at an app than another; 0 does not ask",
    }),
    tailShare: number(0.05, {
      least: 0,
      most: 0.5,
      says: "when at most this share of a batch is open, tasks that hang are given to a second node; 0 for never",
    }),
    usageHalfLifeMs: whole(day, {
      least: 60_000,
      most: 30 * day,
      says: "what a client had computed counts half against it after so long, ms",
    }),
    quotaStart: whole(16, {
      least: 1,
      most: 10_000,
      says: "so many tasks of an app may a node have at once of which it has not had any yet",
    }),
  },
  probing: {
    perHour: whole(60, {
      least: 0,
      most: 10_000,
      says: "so many times an hour some node is given known-answer tasks, each time two; 0 for never",
    }),
    joinSamples: whole(3, {
      least: 0,
      most: 16,
      says: "so often is a new runtime of a node measured as soon as it is idle",
    }),
    meanIntervalMs: whole(6 * 3_600_000, {
      least: 1_000,
      most: 30 * day,
      says: "mean time between later measurements of a runtime, ms, drawn anew each time",
    }),
  },
  reputation: {
    keptPerDay: number(0.98, {
      least: 0.5,
      most: 1,
      says: "what remains after a day of the weight of something that a node did",
    }),
    // No floor is above 0.75: one bad outcome of one leaves an upper end of 0.793, so that nobody
    // falls below a floor without a warning.
    reliabilityFloor: number(0.6, {
      least: 0,
      most: 0.75,
      says: "a node that surely answers less than this share of its tasks in time gets exploration work alone",
    }),
    correctnessFloor: number(0.75, {
      least: 0,
      most: 0.75,
      says: "the same for the share of its answers that are accepted",
    }),
    warnedAhead: whole(3, {
      least: 1,
      most: 20,
      says: "a node is warned when so many more bad outcomes in a row would lead below a floor",
    }),
    outageMs: whole(600_000, {
      least: 0,
      most: day,
      says: "silences within so long of the first, ms, are one outage",
    }),
    outagesForgiven: number(3, {
      least: 0,
      most: 100,
      says: "so many outages of a node cost it nothing; they are forgotten as all else",
    }),
    vettingResults: whole(20, {
      least: 1,
      most: 10_000,
      says: "so many accepted results end the vetting stage of a node",
    }),
    vettingDays: whole(2, {
      least: 1,
      most: 365,
      says: "if they came on so many days (UTC)",
    }),
    newcomerStanding: number(0.0625, {
      least: 0,
      most: 0.25,
      says: "where a node of which nothing is known stands in the ranking, from 0 to 1",
    }),
  },
  pricing: {
    floorMicroPoints: {
      onnx: floorOf("onnx"),
      ocr: floorOf("ocr"),
      faces: floorOf("faces"),
      wasm: floorOf("wasm"),
      collect: floorOf("collect"),
      noop: floorOf("noop"),
      echo: floorOf("echo"),
    } satisfies Readonly<Record<AppName, Parameter<number>>>,
  },
};
