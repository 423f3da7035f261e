/**
 * Authority by an identity: it logs in once for however many requests wait for that, proves each
 * request, and logs in again before the token ends. A gateway that is open is asked for nothing.
 *
 *     unknown --ask--> open
 *        |                        .--renew--.
 *        '------log in------> logged in <---'
 */

import type { Millis } from "../../domain/decider.ts";
import { isChallenge, type LoginChallenge, loginText } from "../../domain/identity/login.ts";
import type { Scope } from "../../domain/identity/scopes.ts";
import { CnctRefusal } from "../errors.ts";
import { openHttp } from "../http.ts";
import { type Authority, codeOf, type Fetch, headersOf } from "./authority.ts";
import type { OwnIdentity } from "./own-identity.ts";
import { newProofKey, type ProofKey } from "./proof-key.ts";
import { openRegistry } from "./registry.ts";

export interface LoginOptions {
  /** Without a slash at the end. */
  readonly gateway: string;
  /** Asked at each login: keys may have been rotated meanwhile. */
  readonly identity: () => Promise<OwnIdentity>;
  /** What is asked for; by default what the identity's roles need. */
  readonly scopes?: readonly Scope[] | undefined;
  readonly fetch: Fetch;
  /** How long one request of a login may take. */
  readonly timeoutMs: Millis;
  /** Milliseconds that only ever grow. */
  readonly now?: () => Millis;
}

/** What a client and a worker need to do what they are for. */
export const scopesOfRoles = {
  client: ["blobs:write", "jobs:cancel", "jobs:keys", "jobs:submit"],
  worker: ["blobs:write", "nodes:register", "nodes:work"],
  validator: [],
} as const satisfies Readonly<Record<OwnIdentity["roles"][number], readonly Scope[]>>;

const usualScopes = ({ roles }: OwnIdentity): readonly Scope[] => [
  ...new Set(roles.flatMap((role): readonly Scope[] => scopesOfRoles[role])),
];

/** A token is renewed when so much of its life is left, and not used when so little is. */
const renewAt = 0.3;
const leaveMs: Millis = 5_000;

/** A nonce is good for a minute at least. */
const nonceFreshMs: Millis = 45_000;

/** Blobs are anybody's to read. */
const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

/** Answers to which a new proof or a new token is the answer. The gateway did nothing else. */
const newNonce = "use-dpop-nonce";
const newToken: ReadonlySet<string> = new Set([
  "token-expired",
  "token-malformed",
  "token-of-another-gateway",
  "proof-of-another-key",
]);
/** A nonce, a token and once more a nonce. */
const sendsMax = 4;

interface Token {
  readonly text: string;
  readonly key: ProofKey;
  readonly renewAt: Millis;
  readonly endsAt: Millis;
}

/** What this gateway wants: a token, or nothing. */
type Access = Token | "open";

export const loginAuthority = (options: LoginOptions): Authority => {
  const { gateway, identity, fetch, timeoutMs, now = () => performance.now() } = options;
  let access: Access | undefined;
  let underWay: Promise<Access> | undefined;
  /** What the gateway asked for last; each proof holds it. */
  let nonce: string | undefined;
  let nonceAt: Millis = 0;
  const hear = ({ headers }: Response): void => {
    const heard = headers.get("dpop-nonce");
    if (heard === null) return;
    nonce = heard;
    nonceAt = now();
  };

  /** Sends until the nonce is one that the gateway takes; `prove` makes the headers for each try. */
  const send = async (
    input: Parameters<Fetch>[0],
    init: RequestInit,
    prove: () => Promise<Readonly<Record<string, string>>>,
    repairs: (code: string) => boolean,
  ): Promise<Response> => {
    for (let sends = 1; ; sends++) {
      const headers = { ...headersOf(init), ...(await prove()) };
      const response = await fetch(input, { ...init, headers });
      hear(response);
      if (response.status !== 401 || sends >= sendsMax) return response;
      const code = codeOf(
        await response
          .clone()
          .json()
          .catch(() => undefined),
      );
      if (code === undefined || (code !== newNonce && !repairs(code))) return response;
    }
  };

  const hearing: Fetch = async (input, init) => {
    const response = await fetch(input, init);
    hear(response);
    return response;
  };
  const plain = openHttp({ gateway, fetch: hearing, patience: impatient, timeoutMs });
  const ask = <Data>(query: string, variables: Readonly<Record<string, unknown>>) =>
    plain.graphql<Data>(JSON.stringify({ query, variables }));
  const registry = openRegistry(ask);

  const logIn = async (): Promise<Access> => {
    const { network } = await ask<{ network: { access: string } }>(
      "query Access { network { access } }",
      {},
    );
    if (network.access === "OPEN") return "open";
    let own = await identity();
    try {
      return await logInAs(own);
    } catch (error) {
      // The gateway has not heard of the identity or of its newest key, or we have not.
      if (!(error instanceof CnctRefusal) || !outOfStep.has(error.code)) throw error;
      own = await identity();
      await registry.bringUpToDate(own.id, own);
      return logInAs(own);
    }
  };

  const logInAs = async (own: OwnIdentity): Promise<Access> => {
    const { id } = own;
    const scopes = [...(options.scopes ?? usualScopes(own))].sort();
    const startedAt = now();
    const { requestChallenge } = await ask<{ requestChallenge: ChallengeAnswer }>(challengeQuery, {
      id,
      scopes,
    });
    if (requestChallenge.__typename === "Refusal") throw refusalOf(requestChallenge);
    const { challenge } = requestChallenge;
    checkChallenge(challenge, { gateway, id });
    const key = await newProofKey();
    const url = `${gateway}/graphql`;
    const prove = async () => ({ dpop: await key.prove({ method: "POST", url, nonce }) });
    const proving = openHttp({
      gateway,
      fetch: (input, init = {}) => send(input, init, prove, () => false),
      patience: impatient,
      timeoutMs,
    });
    const variables = { challenge, signature: own.sign(loginText(challenge)) };
    const { login } = await proving.graphql<{ login: LoginAnswer }>(
      JSON.stringify({ query: loginQuery, variables }),
    );
    if (login.__typename === "Refusal") throw refusalOf(login);
    // By the gateway's clock from its own instant on: this machine's may be wrong by hours.
    const lifeMs = login.expiresAt - challenge.issuedAt;
    return {
      text: login.token,
      key,
      renewAt: startedAt + lifeMs * (1 - renewAt),
      endsAt: startedAt + lifeMs - leaveMs,
    };
  };

  const start = (): Promise<Access> => {
    underWay ??= logIn()
      .then((got) => {
        access = got;
        return got;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };

  /** What to send with a request now. However many ask at once, one login is under way. */
  const current = async (signal?: AbortSignal | null): Promise<Access> => {
    if (access === "open") return access;
    if (access !== undefined && now() < access.endsAt) {
      // Ahead of time nobody waits for it, and one that fails is tried again by the next request.
      if (now() >= access.renewAt) start().catch(() => undefined);
      return access;
    }
    return untilAborted(start(), signal);
  };

  return {
    account: async () => (await identity()).account,
    fetch: async (input, init = {}) => {
      const method = init.method ?? "GET";
      if (isRead(method)) return fetch(input, init);
      let used = await current(init.signal);
      if (used === "open") return fetch(input, init);
      const url = String(input);
      return send(
        input,
        init,
        async () => {
          used = await current(init.signal);
          return used === "open" ? {} : headersFor(used, { method, url, nonce });
        },
        (code) => {
          if (!newToken.has(code)) return false;
          if (access === used) access = undefined; // Not one that another request got meanwhile.
          return true;
        },
      );
    },
    socketParams: async (url) => {
      const used = await current();
      // A socket that is refused brings no nonce: a fresh one is asked for beforehand.
      if (used !== "open" && now() - nonceAt > nonceFreshMs)
        await ask("query Nonce { __typename }", {});
      return used === "open"
        ? undefined
        : headersFor(used, { method: "GET", url: url.replace(/^ws/, "http"), nonce });
    },
    renewAfter: (code) => {
      if (newToken.has(code)) access = undefined;
      return code === newNonce || newToken.has(code);
    },
  };
};

/** Refusals of a login that telling the gateway more may mend. */
const outOfStep: ReadonlySet<string> = new Set(["identity-unknown", "signature-wrong"]);

/** Whoever asks for the login asks again; a login as such is tried once. */
const impatient = {
  policy: { attempts: 1, firstMs: 0, longestMs: 0 },
  random: () => 0,
  sleep: async () => undefined,
};

const headersFor = async (
  { text, key }: Token,
  request: { readonly method: string; readonly url: string; readonly nonce: string | undefined },
) => ({
  authorization: `DPoP ${text}`,
  dpop: await key.prove({ ...request, token: text }),
});

/**
 * A gateway that hands on another one's challenge would log in there in our name: what is signed must
 * be for the gateway that we ask, and for us.
 */
const checkChallenge = (
  challenge: unknown,
  { gateway, id }: { readonly gateway: string; readonly id: string },
): void => {
  const { host } = new URL(gateway);
  if (isChallenge(challenge) && challenge.id === id && challenge.domain === host) return;
  const domain = isChallenge(challenge) ? challenge.domain : "nothing that is one";
  throw new CnctRefusal(
    "challenge-of-another-gateway",
    `${gateway} wants a login signed for ${domain}: it is not signed`,
  );
};

const untilAborted = async <T>(work: Promise<T>, signal?: AbortSignal | null): Promise<T> => {
  if (!signal) return work;
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    work.catch(() => undefined); // Left behind: those who still wait hear of it.
  }
};

interface SaidNo {
  readonly __typename: "Refusal";
  readonly code: string;
  readonly message: string;
}
type ChallengeAnswer =
  | { readonly __typename: "LoginChallenge"; readonly challenge: LoginChallenge }
  | SaidNo;
type LoginAnswer =
  | { readonly __typename: "AccessToken"; readonly token: string; readonly expiresAt: number }
  | SaidNo;

const refusalOf = ({ code, message }: SaidNo): CnctRefusal => new CnctRefusal(code, message);

const challengeQuery = `mutation Challenge($id: CnctId!, $scopes: [String!]!) {
  requestChallenge(id: $id, scopes: $scopes) { __typename
    ... on LoginChallenge { challenge } ... on Refusal { code message } } }`;
const loginQuery = `mutation Login($challenge: Json!, $signature: Hex!) {
  login(challenge: $challenge, signature: $signature) { __typename
    ... on AccessToken { token expiresAt } ... on Refusal { code message } } }`;
