/**
 * What is owed for awards that are held: to settle those whose window is over, to take what convicts
 * have pending and in bond, to give the bond back to nodes whose owner has retired. The ledger itself is what is
 * remembered of it; nothing else is needed after a start.
 */
import type { Instant, Millis } from "../../domain/decider.ts";
import { isCnctId } from "../../domain/identity/inception.ts";
import { bondAccount, type NodeId } from "../../domain/ids.ts";
import {
  balanceOf,
  dueAwards,
  type Ledger,
  type LedgerCommand,
  nextDueAt,
} from "../../domain/ledger/ledger.ts";
import type { Clock, Timer } from "../../streams/clock.ts";
import type { AnyEvent } from "../../streams/codec.ts";

/** Awards that one entry settles. */
const settledMax = 100;
/** Entries for one append, each of at most 33 kB; an append takes a mebibyte. */
const entriesMax = 20;
/** Awards whose window is over wait so long for others, so that one entry settles many. */
const settleEveryMs = 1_000;
/** The longest time between two looks at the clock, since a clock may be set. */
const lookEveryMs: Millis = 3_600_000;

/** Decides a command on the ledger and answers why it was refused, if it was. */
type Decide = (command: LedgerCommand) => string | undefined;

export interface HeldAwards {
  hear(event: AnyEvent): void;
  /** Whether something may be owed now. */
  isOwing(): boolean;
  /** Looks at everything anew: at a start, and when what was decided was not written. */
  lookAgain(): void;
  /** Decides what is owed, as much as one append takes; to be called while `isOwing()`. */
  pay(decide: Decide): void;
  /** Calls when the next window ends; `isOwing()` is true then. */
  setAlarm(ring: () => void): void;
  close(): void;
}

/** @param bondAwards - As the policy in force says. */
export const createHeldAwards = ({
  ledger,
  clock,
  bondAwards,
  actor,
  onTrouble,
}: {
  readonly ledger: () => Ledger;
  readonly clock: Clock;
  readonly bondAwards: () => number;
  readonly actor: string;
  readonly onTrouble: (what: string, error: unknown) => void;
}): HeldAwards => {
  /** Why each node was expelled. */
  const convicts = new Map<NodeId, string>();
  /** Convicts who may have something to lose. */
  const unpunished = new Set<NodeId>();
  /** Nodes of each identity. */
  const owned = new Map<string, NodeId[]>();
  /** Nodes whose identity was retired by its owner: they cannot come back. */
  const retired = new Set<NodeId>();
  /** Some windows may be over, or something was settled for the last time. */
  let isDue = false;
  let alarm: Timer | undefined;
  let alarmAt: Instant = Number.POSITIVE_INFINITY;

  const hasPending = (nodeId: NodeId): boolean => ledger().holds.byNode.has(nodeId);
  const hasBond = (nodeId: NodeId): boolean => balanceOf(ledger(), bondAccount(nodeId)) > 0n;

  /** What is pending falls first, then the bond. False while there is more than one append takes. */
  const punish = (nodeId: NodeId, decide: Decide, entries: { left: number }): boolean => {
    const by = { nodeId, reason: convicts.get(nodeId) ?? "", actor, now: clock.now() };
    while (hasPending(nodeId) || hasBond(nodeId)) {
      if (entries.left-- <= 0) return false;
      const type = hasPending(nodeId) ? "VoidAwards" : "SlashBond";
      const refusal = decide({ type, ...by });
      if (refusal === undefined) continue;
      onTrouble(`${type} of ${nodeId}, who was convicted, was refused`, new Error(refusal));
      return true;
    }
    return true;
  };

  /** True when nothing more is due. */
  const settle = (decide: Decide, entries: { left: number }): boolean => {
    const now = clock.now();
    while (entries.left-- > 0) {
      const awards = dueAwards(ledger().holds, now, settledMax);
      if (awards.length === 0) return true;
      const bond = { bondAwards: bondAwards() };
      const refusal = decide({ type: "SettleAwards", awards, ...bond, actor, now });
      if (refusal === undefined) continue;
      onTrouble("awards whose time had come were not settled", new Error(refusal));
      return true;
    }
    return false;
  };

  /** To whoever left without being convicted, when all that was pending is settled. */
  const returnBonds = (decide: Decide): void => {
    for (const nodeId of retired) {
      if (convicts.has(nodeId) || hasPending(nodeId) || !hasBond(nodeId)) continue;
      const refusal = decide({ type: "ReturnBond", nodeId, actor, now: clock.now() });
      if (refusal) onTrouble(`the bond of ${nodeId} was not returned`, new Error(refusal));
    }
  };

  return {
    hear: (event) => {
      if (event.type === "NodeConvicted") {
        convicts.set(event.nodeId, event.reason);
        unpunished.add(event.nodeId);
      } else if (event.type === "PointsAwarded" && event.hold && convicts.size > 0) {
        // It was accepted before its node was convicted, and paid after that.
        for (const { nodeId } of event.awards) if (convicts.has(nodeId)) unpunished.add(nodeId);
      } else if (event.type === "NodeRegistered") {
        const nodes = owned.get(event.owner);
        if (nodes) nodes.push(event.nodeId);
        else if (isCnctId(event.owner)) owned.set(event.owner, [event.nodeId]);
      } else if (event.type === "IdentityRevoked" && event.reason === "retired") {
        for (const nodeId of owned.get(event.id) ?? []) retired.add(nodeId);
        isDue = true;
      }
    },
    isOwing: () => isDue || unpunished.size > 0,
    lookAgain: () => {
      isDue = true;
      for (const nodeId of convicts.keys())
        if (hasPending(nodeId) || hasBond(nodeId)) unpunished.add(nodeId);
    },
    pay: (decide) => {
      const entries = { left: entriesMax };
      // Before anything is settled: what a convict has pending is not to become its own.
      for (const nodeId of unpunished)
        if (punish(nodeId, decide, entries)) unpunished.delete(nodeId);
      if (unpunished.size > 0 || !isDue) return;
      isDue = !settle(decide, entries);
      if (!isDue) returnBonds(decide);
    },
    setAlarm: (ring) => {
      const { holds } = ledger();
      if (holds.awards.size === 0) return;
      const now = clock.now();
      const next = dueAwards(holds, now, 1).length > 0 ? now : (nextDueAt(holds) ?? now);
      const at = Math.min(Math.max(next, now + settleEveryMs), now + lookEveryMs);
      if (at >= alarmAt) return;
      alarm?.cancel();
      alarmAt = at;
      alarm = clock.after(at - now, () => {
        alarmAt = Number.POSITIVE_INFINITY;
        isDue = true;
        ring();
      });
    },
    close: () => alarm?.cancel(),
  };
};
