/**
 * How much one caller may ask for in a while: points of queries, bytes of blobs, messages over
 * WebSocket. Counted in memory, in windows of 10 seconds, for each identity, or for each address where
 * nobody is known.
 */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Caller } from "../access/caller.ts";
import { isLoopback } from "../origins.ts";

/** Who is counted together, and by which numbers. */
export interface Asker {
  /** `identity:<id>` or `address:<ip>`. */
  readonly key: string;
  readonly kind: AskerKind;
  /** Of an identity: `address:<ip>`, where all of one address are counted together as well. */
  readonly from?: string;
}
/** `local`: from this very machine, whoever it is. */
export type AskerKind = "local" | "identity" | "anonymous";

export interface Rate {
  /** Points of queries and mutations, and of requests for blobs. */
  readonly points: number;
  /** Of blobs, both ways. */
  readonly bytes: number;
  /** Over WebSocket. */
  readonly messages: number;
  /** Requests whose proof or key was not good. */
  readonly failures: number;
}
export type Rates = Readonly<Record<AskerKind, Rate>>;
export type RateName = keyof Rate;

export const windowSeconds = 10;

/** In 10 seconds. What comes from this machine is only kept from breaking it. */
export const rateDefaults: Rates = {
  local: { points: 1_000_000, bytes: 64 * 1024 ** 3, messages: 100_000, failures: 10_000 },
  identity: { points: 50_000, bytes: 1024 ** 3, messages: 1_000, failures: 100 },
  anonymous: { points: 10_000, bytes: 128 * 1024 ** 2, messages: 200, failures: 100 },
};

/**
 * All identities of one address together have this many times the budget of one: whoever makes
 * identities by the thousand does not have a thousand budgets.
 */
export const identitiesAtAddress = 4;

/** The same with other points: of an identity so many, of an address a fifth. */
export const ratesWith = (points: number): Rates => ({
  ...rateDefaults,
  identity: { ...rateDefaults.identity, points },
  anonymous: { ...rateDefaults.anonymous, points: Math.max(1, Math.floor(points / 5)) },
});

export interface Spent {
  readonly ok: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RateLimits {
  /** Takes so much, to a tenth, from what the caller has left; it takes it also where that is not enough. */
  spend(rate: RateName, asker: Asker, amount: number): Promise<Spent>;
  /** Whether nothing is left, without taking anything. */
  isSpent(rate: RateName, asker: Asker): Promise<boolean>;
}

/** The least that can be spent is a tenth: the library counts whole numbers. */
const parts = 10;
/** So many callers are told apart at once; those who come later share one budget of their kind. */
const askersMax = 20_000;

export const openRateLimits = (rates: Rates): RateLimits => {
  const limiters = new Map<string, { readonly limiter: RateLimiterMemory; readonly keys: Keys }>();
  const limiterOf = (rate: RateName, kind: AskerKind | "identities at an address") => {
    const name = `${kind}-${rate}`;
    const known = limiters.get(name);
    if (known) return known;
    const points =
      kind === "identities at an address"
        ? rates.identity[rate] * identitiesAtAddress
        : rates[kind][rate];
    const made = {
      limiter: new RateLimiterMemory({
        points: points * parts,
        duration: windowSeconds,
        keyPrefix: "",
      }),
      keys: boundedKeys(),
    };
    limiters.set(name, made);
    return made;
  };

  const consume = async (
    rate: RateName,
    kind: Parameters<typeof limiterOf>[1],
    key: string,
    amount: number,
  ): Promise<Spent> => {
    const { limiter, keys } = limiterOf(rate, kind);
    const most = limiter.points / parts;
    const asked = Math.round(amount * parts);
    try {
      return spent(rate, most, await limiter.consume(keys.keyFor(key), asked), true);
    } catch (error) {
      if (error instanceof RateLimiterRes) return spent(rate, most, error, false);
      throw error;
    }
  };

  return {
    spend: async (rate, { key, kind, from }, amount) => {
      const own = await consume(rate, kind, key, amount);
      if (kind !== "identity" || from === undefined) return own;
      const all = await consume(rate, "identities at an address", from, amount);
      return own.ok && !all.ok ? all : own;
    },
    isSpent: async (rate, { key, kind }) => {
      const { limiter, keys } = limiterOf(rate, kind);
      const found = await limiter.get(keys.keyFor(key));
      return found !== null && found.consumedPoints > limiter.points;
    },
  };
};

/** @see draft-ietf-httpapi-ratelimit-headers-10, for `RateLimit-Policy` and `RateLimit`. */
const spent = (
  rate: RateName,
  most: number,
  { remainingPoints, msBeforeNext }: RateLimiterRes,
  ok: boolean,
): Spent => {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return {
    ok,
    headers: {
      "ratelimit-policy": `"${rate}";q=${most};w=${windowSeconds}`,
      ratelimit: `"${rate}";r=${Math.floor(remainingPoints / parts)};t=${seconds}`,
      ...(ok ? {} : { "retry-after": String(seconds) }),
    },
  };
};

interface Keys {
  readonly keyFor: (key: string) => string;
}

const boundedKeys = (): Keys => {
  /** Since when each is known: after a window it counts from 0 anyway. */
  let young = new Set<string>();
  let old = new Set<string>();
  let turnedAt = performance.now();
  const turn = (): void => {
    const now = performance.now();
    const windows = (now - turnedAt) / (windowSeconds * 1000);
    if (windows < 1) return;
    old = windows < 2 ? young : new Set();
    young = new Set();
    turnedAt = now;
  };
  return {
    keyFor: (key) => {
      turn();
      if (young.has(key)) return key;
      if (!old.has(key) && young.size + old.size >= askersMax) return "others";
      young.add(key);
      return key;
    },
  };
};

/** The caller of a request that nobody has looked into yet: known by its address. */
export const askerAt = (ip: string): Asker => {
  const address = networkOf(ip.replace(/^::ffff:(?=\d+\.)/, ""));
  return { key: `address:${address}`, kind: isLoopback(address) ? "local" : "anonymous" };
};

/** An identity is counted by itself, wherever it asks from; everybody else by address. */
export const askerFor = (caller: Caller, ip: string): Asker => {
  const { key, kind } = askerAt(ip);
  if (caller.kind !== "identity") return { key, kind };
  const own = { key: `identity:${caller.id}`, from: key };
  return { ...own, kind: kind === "local" ? "local" : "identity" };
};

/** Whoever has one address of IPv6 has 2^64 of them. */
const networkOf = (ip: string): string => {
  if (!ip.includes(":") || ip === "::1") return ip;
  const [head = "", tail] = ip.split("%")[0]?.split("::") ?? [];
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${groups.slice(0, 4).join(":")}::/64`;
};
