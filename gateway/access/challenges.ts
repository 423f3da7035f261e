/**
 * Login challenges. A nonce proves by itself that this gateway made the challenge, so that asking for
 * many of them fills no memory; only those that were answered are remembered, until they expire.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { CnctId } from "../../domain/identity/inception.ts";
import { taggedText } from "../../domain/identity/keys.ts";
import { challengeMsMax, type LoginChallenge } from "../../domain/identity/login.ts";
import type { Scope } from "../../domain/identity/scopes.ts";
import type { Clock } from "../../streams/clock.ts";
import { type Period, periods } from "./periods.ts";

export interface Challenges {
  readonly make: (about: {
    readonly id: CnctId;
    readonly scopes: readonly Scope[];
    /** Of the gateway, as the client knows it. */
    readonly domain: string;
    readonly uri: string;
  }) => LoginChallenge;
  /** Whether this gateway made the challenge, as it stands, and nobody answered it. Uses it up. */
  readonly spend: (challenge: LoginChallenge) => boolean;
}

const randomHex = 32;
/** Answers of one period: 5 minutes of them are remembered, twice. */
const answersMax = 50_000;

export const challenges = (clock: Clock): Challenges => {
  const during = periods({ clock, lengthMs: challengeMsMax, most: answersMax });
  const nonceOf = (period: Period, unique: string, rest: Omit<LoginChallenge, "nonce">): string =>
    unique +
    period.mac(taggedText("cnct/challenge/v1", { ...rest, unique })).toString("hex", 0, 16);
  return {
    make: ({ id, scopes, domain, uri }) => {
      const issuedAt = clock.now();
      const expiresAt = issuedAt + challengeMsMax;
      const rest = { version: 1, domain, id, uri, issuedAt, expiresAt, scopes } as const;
      const unique = randomBytes(randomHex / 2).toString("hex");
      return { ...rest, nonce: nonceOf(during.current(), unique, rest) };
    },
    spend: ({ nonce, ...rest }) => {
      const given = Buffer.from(nonce);
      for (const period of during.accepted()) {
        const made = Buffer.from(nonceOf(period, nonce.slice(0, randomHex), rest));
        if (made.length === given.length && timingSafeEqual(made, given))
          return period.spend(nonce);
      }
      return false;
    },
  };
};
