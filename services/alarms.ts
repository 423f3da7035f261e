import type { Instant } from "../domain/decider.ts";

/** Remembers keys until an instant, in slots of one second: adding and forgetting cost next to nothing. */
export interface Alarms {
  add(at: Instant, key: string): void;
  /** Takes out every key whose second has passed. A key may be due that no longer matters. */
  due(now: Instant): readonly string[];
}

export const createAlarms = (): Alarms => {
  const slots = new Map<number, Set<string>>();
  let looked: number | undefined;

  return {
    add: (at, key) => {
      const second = Math.max(Math.ceil(at / 1_000), (looked ?? 0) + 1);
      const slot = slots.get(second);
      if (slot) slot.add(key);
      else slots.set(second, new Set([key]));
    },
    due: (now) => {
      const second = Math.floor(now / 1_000);
      const keys: string[] = [];
      if (looked === undefined || second - looked > slots.size) {
        for (const [at, slot] of slots)
          if (at <= second) {
            keys.push(...slot);
            slots.delete(at);
          }
      } else
        for (let at = looked + 1; at <= second; at++) {
          const slot = slots.get(at);
          if (!slot) continue;
          keys.push(...slot);
          slots.delete(at);
        }
      looked = Math.max(looked ?? second, second);
      return keys;
    },
  };
};
