import type { Instant } from "../domain/decider.ts";

/** Remembers keys until an instant, in slots of one second: adding and forgetting cost next to nothing. */
export interface Alarms {
  add(at: Instant, key: string): void;
  /** Takes back one `add` of this key for this instant. */
  forget(at: Instant, key: string): void;
  /** Takes out every key whose second has passed. A key may be due that no longer matters. */
  due(now: Instant): readonly string[];
}

export const createAlarms = (): Alarms => {
  /** By second: each key with how often it was added. */
  const slots = new Map<number, Map<string, number>>();
  let looked: number | undefined;

  const empty = (second: number, into: string[]) => {
    // Key by key: a slot can hold more of them than a call can have arguments.
    for (const key of slots.get(second)?.keys() ?? []) into.push(key);
    slots.delete(second);
  };

  return {
    add: (at, key) => {
      const second = Math.max(Math.ceil(at / 1_000), (looked ?? 0) + 1);
      const slot = slots.get(second);
      if (slot) slot.set(key, (slot.get(key) ?? 0) + 1);
      else slots.set(second, new Map([[key, 1]]));
    },
    forget: (at, key) => {
      const second = Math.ceil(at / 1_000);
      const slot = slots.get(second);
      const times = slot?.get(key) ?? 0;
      if (times > 1) slot?.set(key, times - 1);
      else slot?.delete(key);
      if (slot?.size === 0) slots.delete(second);
    },
    due: (now) => {
      const second = Math.floor(now / 1_000);
      const keys: string[] = [];
      if (looked === undefined || second - looked > slots.size) {
        for (const at of slots.keys()) if (at <= second) empty(at, keys);
      } else for (let at = looked + 1; at <= second; at++) empty(at, keys);
      looked = Math.max(looked ?? second, second);
      return keys;
    },
  };
};
