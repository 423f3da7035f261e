/**
 * A network of honest nodes and saboteurs: who gets a job, what they answer, what becomes of them.
 * Everything is drawn from one seed. It knows the truth and tells it to no rule.
 */
import { type Random, seededRandom } from "../../chance.ts";
import { type Settings, sleepTasks } from "./settings.ts";

/** One name under which a node works; who is expelled and comes back has another. Counts change. */
export interface Worker {
  readonly id: number;
  readonly seat: number;
  readonly saboteur: boolean;
  /** Tasks that it was given. */
  tasks: number;
  /** Results that it did not compute: wrong, copied or guessed. */
  lies: number;
  /** Its tasks when it first lied. */
  tasksAtFirstLie: number;
  /** Of those, the ones whose award it did not get, or lost again. */
  denied: number;
  /** Awards for honest work, bonds and stakes that were taken from it. */
  lost: number;
  expelled: boolean;
}

export interface Answer {
  readonly worker: Worker;
  /** 0 is right; 1 is what colluding saboteurs say; all else is one node's own. */
  readonly value: number;
  /** Whether the node did not compute it. */
  readonly free: boolean;
}

export const right = 0;
/** What colluding saboteurs say. */
export const planned = 1;

export interface World {
  readonly random: Random;
  /** Every name that ever worked. */
  readonly workers: readonly Worker[];
  /** A new job: saboteurs settle what they do with it. */
  begin(): void;
  /** Nodes that have none of these seats, drawn at random. */
  pick(count: number, taken: readonly Answer[]): readonly Worker[];
  /** What they answer. Results that were shown before can be copied. */
  answers(team: readonly Worker[], shown: readonly Answer[]): readonly Answer[];
  /** Out for ever; its seat goes to a newcomer. */
  expel(worker: Worker): void;
}

/** @param hidden - Whether nobody can see another's result before it is bound to its own. */
export const createWorld = (
  settings: Settings,
  { hidden }: { readonly hidden: boolean },
): World => {
  const { kind, sabotage } = settings;
  const random = seededRandom(settings.seed);
  const workers: Worker[] = [];
  const seats: Worker[] = [];
  let target = false;

  const seat = (number: number, saboteur: boolean): void => {
    const worker: Worker = {
      id: workers.length,
      seat: number,
      saboteur,
      tasks: 0,
      lies: 0,
      tasksAtFirstLie: 0,
      denied: 0,
      lost: 0,
      expelled: false,
    };
    workers.push(worker);
    seats[number] = worker;
  };
  const saboteurs = Math.round(settings.workers * settings.saboteurs);
  for (let number = 0; number < settings.workers; number++) seat(number, number < saboteurs);

  const choose = (worker: Worker, team: readonly Worker[], shown: readonly Answer[]) => {
    if (!worker.saboteur) return right;
    switch (kind) {
      case "colluding":
        return target ? planned : right;
      case "sleeping":
        return target && worker.tasks > sleepTasks ? planned : right;
      case "careful": {
        const alone = team.every(({ saboteur }) => saboteur);
        return target && alone && shown.every(({ value }) => value === planned) ? planned : right;
      }
      case "lazy":
      case "copying":
        return random() < sabotage ? worker.id + 2 : right;
    }
  };

  const answer = (worker: Worker, value: number, free: boolean): Answer => {
    if (free && worker.lies++ === 0) worker.tasksAtFirstLie = worker.tasks;
    return { worker, value, free };
  };

  return {
    random,
    workers,
    begin: () => {
      target = random() < sabotage;
    },
    pick: (count, taken) => {
      const team: Worker[] = [];
      const isTaken = (number: number) =>
        team.some(({ seat }) => seat === number) ||
        taken.some(({ worker }) => worker.seat === number);
      while (team.length < count) {
        const number = Math.floor(random() * seats.length);
        const worker = seats[number];
        if (worker !== undefined && !isTaken(number)) team.push(worker);
      }
      return team;
    },
    answers: (team, shown) => {
      for (const worker of team) worker.tasks++;
      const first = team.map((worker) => {
        const value = choose(worker, team, shown);
        return answer(worker, value, value !== right);
      });
      if (kind !== "copying" || hidden) return first;
      // Who would guess waits for another's answer and hands that in.
      const model = [...shown, ...first].find(({ free }) => !free) ?? shown[0];
      return model === undefined
        ? first
        : first.map((own) => (own.free ? { ...own, value: model.value } : own));
    },
    expel: (worker) => {
      worker.expelled = true;
      seat(worker.seat, worker.saboteur && kind === "sleeping");
    },
  };
};
