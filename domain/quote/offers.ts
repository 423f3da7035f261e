/** Who could compute a job, as far as it is known when somebody asks. */

import type { Millis } from "../decider.ts";
import { isCnctId } from "../identity/inception.ts";
import type { JobSpec } from "../job/spec.ts";

/** One node that offers the app, in one execution class. */
export interface Offer {
  readonly nodeId: string;
  readonly owner: string;
  readonly executionClass: string;
  /** Heard of just now. */
  readonly live: boolean;
  readonly slots: number;
  /** Audits that its results of this runtime survived. */
  readonly survived: number;
  /** Micro-points that a conviction would take from it. */
  readonly atRisk: bigint;
  /** WebAssembly instructions that it surely computes in a second; null while nothing is known. */
  readonly speed: number | null;
  /** How long it takes from assignment to result, mean; null while nothing is known. */
  readonly turnaroundMs: Millis | null;
}

export interface Market {
  /** Of nodes that compute for clients. */
  readonly nodes: readonly Offer[];
  /** Of nodes whose owners the policy lists as arbiters. */
  readonly arbiters: readonly Offer[];
}

/** Whether all results of the job must come from one execution class. */
export const needsOneClass = ({ comparator, sealed }: JobSpec): boolean =>
  comparator.kind === "exact" || sealed === true;

export const ownersOf = (offers: readonly Offer[]): number =>
  new Set(offers.map(({ owner }) => owner)).size;

/**
 * So many of them may compute one job together. An owner that is no identity has proven nothing, and
 * its nodes are told apart by their own names, as the dispatcher does (`domain/dispatch/roster.ts`).
 */
export const votersOf = (offers: readonly Offer[], ownersApart = true): number =>
  new Set(offers.map(({ owner, nodeId }) => (ownersApart && isCnctId(owner) ? owner : nodeId)))
    .size;

/** Nodes, each once, whatever it offers. */
export const nodesOf = (offers: readonly Offer[]): number =>
  new Set(offers.map(({ nodeId }) => nodeId)).size;

/** The offers that fit the job's engine, and a class that could be measured where bytes are compared. */
const fitting = (spec: JobSpec, offers: readonly Offer[]): readonly Offer[] =>
  offers.filter(
    ({ executionClass }) =>
      executionClass.startsWith(spec.engine) &&
      !(needsOneClass(spec) && executionClass.includes("unmeasured")),
  );

/**
 * The markets in which the job could be computed, that with the most voters first: one for each
 * execution class where all must be of one, else one with everybody.
 */
export const marketsOf = (spec: JobSpec, { nodes, arbiters }: Market): readonly Market[] => {
  const { minSpeed } = spec; // Arbiters are not measured.
  const isFast = ({ speed }: Offer) => minSpeed === undefined || (speed ?? -1) >= minSpeed;
  const all = { nodes: fitting(spec, nodes).filter(isFast), arbiters: fitting(spec, arbiters) };
  if (!needsOneClass(spec)) return [all];
  const names = [...new Set(all.nodes.map(({ executionClass }) => executionClass))];
  return names
    .map((name) => ({
      nodes: all.nodes.filter(({ executionClass }) => executionClass === name),
      arbiters: all.arbiters.filter(({ executionClass }) => executionClass === name),
    }))
    .toSorted((a, b) => votersOf(b.nodes) - votersOf(a.nodes));
};
