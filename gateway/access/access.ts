/**
 * Who may do what on this gateway. Open, everybody may do everything, as on one machine for tests; with
 * identities, whoever changes something has logged in or holds a service key, and reads stay open.
 */
import type { IncomingMessage } from "node:http";
import { native } from "../../crypto/primitives-native.ts";
import { keyRules } from "../../crypto/signatures.ts";
import { identity } from "../../domain/identity/identity.ts";
import type { KeyRules } from "../../domain/identity/keys.ts";
import type { Views } from "../../projections/views.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventStore, RecordedEvent } from "../../streams/event-store.ts";
import { OpenError } from "../errors.ts";
import type { LogTail } from "../log-tail.ts";
import { authenticate, type Known, type Presented } from "./authenticate.ts";
import { type Challenges, challenges } from "./challenges.ts";
import { type Identities, identities } from "./identities.ts";
import { openLastUses } from "./last-uses.ts";
import { proofs } from "./proofs.ts";
import { type ServiceKeyBook, serviceKeyBook } from "./service-keys.ts";
import { openTokenKeys } from "./token-keys.ts";
import { type Tokens, tokenMs, tokens } from "./tokens.ts";

export type AccessMode = "open" | "identities";

export interface Access {
  readonly mode: AccessMode;
  readonly identities: Identities;
  readonly rules: KeyRules;
  /** Undefined when the gateway is open: then nobody logs in. */
  readonly gate: Gate | undefined;
  /** The addresses of a path of this gateway, as clients may know them; the likeliest first. */
  readonly addressesOf: (path: string, host?: string) => readonly string[];
  /** Takes note of what happened at the end of the log. */
  readonly learn: (event: RecordedEvent) => void;
  /** The tail of the log broke. */
  readonly forgetAll: () => void;
  readonly close: () => void;
}

export interface Gate {
  readonly challenges: Challenges;
  readonly tokens: Tokens;
  readonly keys: ServiceKeyBook;
  /** What the next proof of a client has to hold. */
  readonly nonce: () => string;
  /** @throws {HttpFault} With status 401. */
  readonly know: (presented: Presented) => Promise<Known>;
}

/** How often the age of the key that signs tokens is looked at, ms. */
const renewMs = 3_600_000;

/** @throws {OpenError} `no-key-directory`, and what `openTokenKeys` says. */
export const openAccess = async (options: {
  readonly mode: AccessMode;
  /** Holds the keys that sign tokens; needed with identities. */
  readonly keyDirectory: string | undefined;
  /** By which clients know the gateway, such as `https://gateway.example`. */
  readonly publicUrls: () => readonly string[];
  readonly store: EventStore;
  readonly views: Views;
  readonly clock: Clock;
  readonly tail: () => LogTail;
  readonly onTrouble: (error: unknown) => void;
}): Promise<Access> => {
  const { mode, keyDirectory, publicUrls, store, views, clock, tail, onTrouble } = options;
  const rules = keyRules(native);
  const book = identities({ store, clock, tail, decider: identity(rules) });
  const addressesOf = (path: string, host?: string): readonly string[] => {
    const all = publicUrls().map((base) => new URL(base.replace(/\/+$/, "") + path).href);
    const asked = all.filter((address) => new URL(address).host === host);
    return [...asked, ...all.filter((address) => !asked.includes(address))];
  };
  const common = { mode, identities: book, rules, addressesOf };
  if (mode === "open")
    return {
      ...common,
      gate: undefined,
      learn: book.learn,
      forgetAll: book.forgetAll,
      close: () => undefined,
    };

  if (keyDirectory === undefined)
    throw new OpenError("no-key-directory", "a gateway with identities needs a key directory");
  const tokenKeys = await openTokenKeys({ directory: keyDirectory, clock, tokenMs });
  const renewal = clock.every(renewMs, () => {
    tokenKeys.renew().catch(onTrouble);
  });
  const lastUses = await openLastUses({ directory: keyDirectory, clock, onTrouble });
  const keys = serviceKeyBook({ store, clock, tail, views, lastUses });
  const parts = {
    keys,
    tokens: tokens({ keys: tokenKeys, clock, issuer: () => new URL(publicUrls()[0] ?? "").href }),
    proofs: proofs(clock),
    identities: book,
  };
  const gate: Gate = {
    challenges: challenges(clock),
    tokens: parts.tokens,
    keys,
    nonce: parts.proofs.nonce,
    know: (presented) => authenticate(parts, presented),
  };
  return {
    ...common,
    gate,
    learn: (event) => {
      book.learn(event);
      keys.learn(event);
    },
    forgetAll: () => {
      book.forgetAll();
      keys.forgetAll();
    },
    close: () => {
      renewal.cancel();
      lastUses.close();
    },
  };
};

/** What a request shows of its sender. */
export const presentedBy = (
  { addressesOf }: Pick<Access, "addressesOf">,
  { headers, method = "GET", url = "/", socket }: IncomingMessage,
): Presented => {
  const { authorization, host, dpop } = headers as Readonly<Record<string, string | undefined>>;
  const path = url.startsWith("/") ? url.replace(/[?#].*$/s, "") : "/";
  return {
    authorization,
    dpop,
    method,
    addresses: addressesOf(path, host),
    address: (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, ""),
  };
};
