import assert from "node:assert/strict";
import type { Decider } from "../domain/decider.ts";

/** Given these facts, when this command arrives, then exactly this follows. */
export const given =
  <C, E, S, R extends string>({ initial, decide, evolve }: Decider<C, E, S, R>) =>
  (...past: readonly E[]) => ({
    when: (command: C) => {
      const decideAfter = (events: readonly E[]) => decide(command, events.reduce(evolve, initial));
      const nothing = { ok: true, events: [] };
      return {
        /** Also says the command twice: a retry must change nothing. */
        thenRecords: (...events: readonly E[]): void => {
          assert.deepEqual(decideAfter(past), { ok: true, events });
          assert.deepEqual(
            decideAfter([...past, ...events]),
            nothing,
            "a retry must change nothing",
          );
        },
        thenNothing: (): void => assert.deepEqual(decideAfter(past), nothing),
        thenRefuses: (reason: R): void =>
          assert.deepEqual(decideAfter(past), { ok: false, reason }),
      };
    },
  });

/**
 * A decider that notes which refusals it was seen to give, so that a suite can end by asking
 * whether each has been shown.
 */
export const noting = <C, E, S, R extends string>(
  decider: Decider<C, E, S, R>,
): { readonly decider: Decider<C, E, S, R>; readonly refusals: ReadonlySet<R> } => {
  const refusals = new Set<R>();
  const decide: typeof decider.decide = (command, state) => {
    const decision = decider.decide(command, state);
    if (!decision.ok) refusals.add(decision.reason);
    return decision;
  };
  return { decider: { ...decider, decide }, refusals };
};

/** Fails unless the refusals seen are those of the union, each of which the caller must list. */
export const assertEachRefusalShown = <R extends string>(
  seen: ReadonlySet<R>,
  all: Readonly<Record<R, true>>,
): void => assert.deepEqual([...seen].sort(), Object.keys(all).sort(), "refusals without a test");

/** Twelve o'clock on the first of May 2030, UTC. */
export const noon = Date.UTC(2030, 4, 1, 12);
/** That many minutes after noon. */
export const at = (minutes: number): number => noon + minutes * 60_000;
