/**
 * Holds assignments against the log: makes each choice again, and compares what it was made from with
 * what the log said at the position that the decision knew. Pure, so that whoever has the log can do it.
 *
 * The log is told twice, in its order: first to `gatherAssignments` (`gather.ts`), which finds what is to be looked
 * at, then to `checkAssignments`, which folds and looks at each where it was decided.
 *
 * What cannot be checked, since the log does not hold it: which nodes were heard, and thus who might
 * have been drawn besides; and the tasks that were on their way into the log (`reserved`).
 */
import type { Sha256 } from "../hashing.ts";
import type { NodeId } from "../ids.ts";
import type { TaskAssigned } from "../job/events.ts";
import type { Policy } from "../policy/policy.ts";
import { mayBackUp } from "./backup.ts";
import {
  bestOf,
  type ChoiceFault,
  choiceFault,
  dispatchRules,
  inputsDigest,
  scoresOf,
  type Terms,
} from "./decide.ts";
import type { Gathered } from "./gather.ts";
import type { Looked } from "./reason.ts";
import {
  createRoster,
  groupOf,
  isArbiter,
  isNew,
  type Roster,
  type RosterEvent,
} from "./roster.ts";
import { type Fate, lossOf } from "./share.ts";
import { isFastEnough } from "./speeds.ts";

export type FaultCode =
  | ChoiceFault
  /** The reason is of rules that this program does not know. */
  | "rules-unknown"
  /** It says that it knew what comes after it. */
  | "as-of-differs"
  | "policy-differs"
  | "node-unknown"
  | "node-not-active"
  | "class-not-offered"
  | "too-slow"
  | "role-differs"
  | "owner-has-job"
  | "no-room"
  | "not-new"
  | "standing-differs"
  | "held-differs"
  | "slots-differ"
  | "turnaround-differs"
  /** The task that it is a backup for did not hang, or its batch was not near its end. */
  | "backup-differs"
  /** A backup goes to idle nodes that have answered such tasks, in good standing. */
  | "backup-unfit"
  /** No rounded term differs, but one of them does, or something else that the digest binds. */
  | "digest-differs";

/** One input that is not what it is said to be. */
export interface Fault {
  readonly code: FaultCode;
  readonly nodeId?: NodeId;
  readonly recorded?: string | number;
  /** What the log, or the rules, make of it. */
  readonly expected?: string | number;
}

export interface Ranked {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  readonly score: number;
  readonly standing: number;
  readonly held: number;
  readonly reserved: number;
  readonly slots: number;
  /** Undefined as long as it never answered such an app. */
  readonly turnaroundMs: number | undefined;
  /** Why it did or did not get the task. */
  readonly fate: Fate;
}

export interface Explained extends Gathered {
  /** "untold": made by the first rules, which did not record what they weighed. */
  readonly outcome: "matches" | "differs" | "untold";
  readonly faults: readonly Fault[];
  /** Who was weighed, best first. */
  readonly ranked: readonly Ranked[];
}

export interface Checker {
  /** Hears what stands in the streams of jobs, of nodes and of the policy. */
  hear(event: RosterEvent, position: bigint): void;
  /** What is left when the log has been told. */
  end(): void;
  /** As far as the log has been told. */
  readonly roster: Roster;
}

/** @param onExplained - Hears of each assignment, in the order of what they knew. */
export const checkAssignments = (
  gathered: readonly Gathered[],
  sha256: Sha256,
  onExplained: (explained: Explained) => void,
): Checker =>
  replayAssignments(gathered, (one, roster) => onExplained(explain(one, roster, sha256)));

/** @param visit - Hears of each assignment, with the roster as it was at the position that it knew. */
export const replayAssignments = (
  gathered: readonly Gathered[],
  visit: (one: Gathered, roster: Roster) => void,
): Checker => {
  const roster = createRoster();
  const pending = gathered
    .map((one) => ({ one, asOf: asOfOf(one) }))
    .sort((a, b) => (a.asOf < b.asOf ? -1 : a.asOf > b.asOf ? 1 : 0));
  let next = 0;
  const lookBefore = (position: bigint | undefined) => {
    for (let due = pending[next]; due; due = pending[++next]) {
      if (position !== undefined && due.asOf >= position) return;
      visit(due.one, roster);
    }
  };
  return {
    hear: (event, position) => {
      lookBefore(position);
      roster.hear(event);
    },
    end: () => lookBefore(undefined),
    roster,
  };
};

/** The last position that it knew; the one before it, where what it says cannot be. */
export const asOfOf = ({ task, position }: Gathered): bigint => {
  const { asOf } = task.reason;
  const known = asOf !== undefined && /^-?\d{1,19}$/.test(asOf) ? BigInt(asOf) : position;
  return known < position ? known : position - 1n;
};

const explain = (one: Gathered, roster: Roster, sha256: Sha256): Explained => {
  const { task } = one;
  const { reason } = task;
  if (reason.policy === 1 && reason.looked === undefined && reason.digest === undefined)
    return { ...one, outcome: "untold", faults: [], ranked: [] };
  const faults = faultsOf(one, roster, sha256);
  const ranked = rankedOf(task, roster.policy);
  return { ...one, outcome: faults.length === 0 ? "matches" : "differs", faults, ranked };
};

const rankedOf = (task: TaskAssigned, policy: Policy): readonly Ranked[] => {
  const { executionClass, reason } = task;
  const { looked = [] } = reason;
  const scores = scoresOf(looked, policy.dispatch);
  const best = bestOf(scores);
  return looked
    .map((one, i) => ({ one, score: scores[i] ?? 0, isBest: i === best }))
    .sort((a, b) => Number(b.isBest) - Number(a.isBest) || b.score - a.score)
    .map(({ one, score, isBest }) => {
      const [nodeId, standing, held, reserved, slots, ms, other] = one;
      const turnaroundMs = ms > 0 ? ms : undefined;
      const load = { held, reserved, slots };
      const own = { nodeId, executionClass: other ?? executionClass };
      const fate = isBest ? "given" : lossOf(looked.indexOf(one), { task }, policy);
      return { ...own, fate, score, standing: standing / 10_000, ...load, turnaroundMs };
    });
};

const faultsOf = (one: Gathered, roster: Roster, sha256: Sha256): readonly Fault[] => {
  const { task, position, nodes } = one;
  const { reason } = task;
  const { policy } = roster;
  if (reason.policy !== dispatchRules)
    return [{ code: "rules-unknown", recorded: reason.policy, expected: dispatchRules }];
  const { looked, asOf, digest, parameters, explores = false, seed, candidates, backup } = reason;
  if (!looked || asOf === undefined || digest === undefined || parameters === undefined)
    return [{ code: "reason-incomplete" }];
  const faults: Fault[] = [];
  if (String(asOfOf(one)) !== asOf)
    faults.push({ code: "as-of-differs", recorded: asOf, expected: `before ${position}` });
  if (parameters !== policy.version)
    faults.push({ code: "policy-differs", recorded: parameters, expected: policy.version });
  const choice = choiceFault(task, policy);
  if (choice) faults.push({ code: choice, nodeId: task.nodeId });

  const groups = new Set(nodes.flatMap((nodeId) => groupsIn(roster, nodeId, policy)));
  const terms: Terms[] = [];
  for (const entry of looked) {
    const found = termsOf(one, entry, roster);
    terms.push(found.terms);
    faults.push(...found.faults);
  }
  // Of the others one may have got it from somebody else while this was under way.
  if (groupsIn(roster, task.nodeId, policy).some((group) => groups.has(group)))
    faults.push({ code: "owner-has-job", nodeId: task.nodeId });
  faults.push(...backupFaults(one, roster));
  const { jobHash, replica } = task;
  const also = backup ? { backup } : {};
  const setting = { jobHash, replica, seed, explores, candidates, asOf, ...also };
  const expected = inputsDigest(setting, terms, parameters, sha256);
  if (expected !== digest) faults.push({ code: "digest-differs", recorded: digest, expected });
  return faults;
};

/** Whether a task hung, and those that were ranked may have been asked to stand in. */
const backupFaults = ({ task, app, backedSince }: Gathered, roster: Roster): readonly Fault[] => {
  const { backup, looked = [] } = task.reason;
  if (backup === undefined && task.backs === undefined) return [];
  const { policy } = roster;
  const tail = roster.batches.tailOf(task.jobHash, policy.dispatch.tailShare);
  const hangsAfterMs = tail?.hangsAfterMs(app);
  const recorded = backup?.join(" ") ?? "none";
  if (!backup || !tail || hangsAfterMs === undefined || backedSince === undefined)
    return [{ code: "backup-differs", recorded, expected: "none" }];
  const faults: Fault[] = [];
  const [ranMs] = backup;
  const most = task.at - backedSince;
  const expected = `${Math.min(ranMs, most)} ${hangsAfterMs} ${tail.open} ${tail.size}`;
  if (recorded !== expected || ranMs <= hangsAfterMs)
    faults.push({ code: "backup-differs", recorded, expected });
  for (const one of looked)
    if (!mayBackUp(one, ranMs, policy)) faults.push({ code: "backup-unfit", nodeId: one[0] });
  return faults;
};

const groupsIn = (roster: Roster, nodeId: NodeId, policy: Policy): readonly string[] => {
  const node = roster.node(nodeId);
  return node ? [groupOf(node, policy)] : [];
};

/** What the log says of a node that was ranked, and where that is not what the reason says. */
const termsOf = (
  { task, app, minSpeed }: Gathered,
  [nodeId, standing, held, reserved, slots, turnaround, other]: Looked,
  roster: Roster,
): { readonly terms: Terms; readonly faults: readonly Fault[] } => {
  const executionClass = other ?? task.executionClass;
  const node = roster.node(nodeId);
  if (!node) {
    const turnaroundMs = turnaround > 0 ? turnaround : undefined;
    const said = { standing: standing / 10_000, held, reserved, slots, turnaroundMs };
    const terms = { nodeId, executionClass, ...said };
    return { terms, faults: [{ code: "node-unknown", nodeId }] };
  }
  const faults: Fault[] = [];
  const compare = (code: FaultCode, recorded: string | number, expected: string | number) => {
    if (recorded !== expected) faults.push({ code, nodeId, recorded, expected });
  };
  const { capabilities } = node;
  const exact = roster.standing(node);
  const turnaroundMs = roster.turnaroundMs(node, app);
  compare("node-not-active", "active", node.status);
  compare("standing-differs", standing, Math.round(exact * 10_000));
  compare("held-differs", held, node.held.size);
  compare("slots-differ", slots, capabilities.slots);
  const rounded = turnaroundMs === undefined ? 0 : Math.max(1, Math.round(turnaroundMs));
  compare("turnaround-differs", turnaround, rounded);
  const role = isArbiter(node, roster.policy) ? "arbiter" : "ordinary";
  compare("role-differs", task.role ?? "ordinary", role);
  const room = capabilities.slots + capabilities.backlog;
  if (held + reserved >= room)
    faults.push({ code: "no-room", nodeId, recorded: held + reserved, expected: `below ${room}` });
  if (
    !capabilities.apps.some((offer) => offer.app === app && offer.executionClass === executionClass)
  )
    faults.push({ code: "class-not-offered", nodeId, recorded: `${app} in ${executionClass}` });
  if (task.role !== "arbiter" && !isFastEnough(node, { app, minSpeed }, executionClass))
    faults.push({ code: "too-slow", nodeId, expected: `at least ${minSpeed}` });
  if (task.reason.explores && !isNew(node, roster.policy)) faults.push({ code: "not-new", nodeId });
  const load = { held: node.held.size, reserved, slots: capabilities.slots };
  return { terms: { nodeId, executionClass, standing: exact, ...load, turnaroundMs }, faults };
};
