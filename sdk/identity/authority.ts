/** What makes a gateway believe who asks: put on each request, and on the socket when it opens. */

import { portableSha256 } from "../../domain/hashing.ts";
import type { AccountId } from "../../domain/ids.ts";
import { CnctRefusal } from "../errors.ts";

export type Fetch = typeof globalThis.fetch;

export interface Authority {
  /** What the caller may pay from; undefined if only the gateway knows. */
  readonly account: () => Promise<AccountId | undefined>;
  /**
   * `fetch` with what proves who asks. A request that the gateway did not look at, because it wanted
   * a newer proof or token, is sent again.
   *
   * @throws {CnctRefusal} When the gateway refuses the login itself.
   * @throws {CnctUnavailable} When it does not answer.
   */
  readonly fetch: Fetch;
  /** What the first message on a socket to this address carries. Throws as `fetch` does. */
  readonly socketParams: (url: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * The gateway closed a socket with this code of its own: whether to open it again, with params that
   * are made anew.
   */
  readonly renewAfter: (code: string) => boolean;
}

/** What the gateway says, if it says why. */
export const codeOf = (body: unknown): string | undefined => {
  const { code, error, errors } = (typeof body === "object" && body !== null ? body : {}) as {
    readonly code?: unknown;
    readonly error?: { readonly code?: unknown };
    readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[];
  };
  const found = code ?? error?.code ?? errors?.[0]?.extensions?.code;
  return typeof found === "string" ? inLowerCase(found) : undefined;
};

/** Codes of HTTP stand in capitals where they answer a GraphQL request. */
export const inLowerCase = (code: string): string => code.toLowerCase().replaceAll("_", "-");

const keyForm = /^cnct_sk_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;
/** A key that was cut or mistyped is known for that at once. */
const isServiceKey = (text: string): boolean => {
  const [, body, checksum] = keyForm.exec(text) ?? [];
  return checksum === portableSha256(`cnct/service-key/v1\n${body}`).slice(0, 8);
};
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Whether what is sent to this address stays on this machine. */
export const isThisMachine = (gateway: string): boolean => loopback.test(new URL(gateway).hostname);

/**
 * Authority by a service key, which is a secret that travels with each request: so only over TLS, or
 * to this very machine.
 *
 * @throws {CnctRefusal} `bad-service-key`, `insecure-gateway`. The message does not hold the key.
 */
export const serviceKeyAuthority = ({
  gateway,
  serviceKey,
  fetch,
}: {
  readonly gateway: string;
  readonly serviceKey: string;
  readonly fetch: Fetch;
}): Authority => {
  if (!isServiceKey(serviceKey))
    throw new CnctRefusal(
      "bad-service-key",
      "this is no service key: it looks like cnct_sk_…, and is whole by its last eight characters",
    );
  if (new URL(gateway).protocol !== "https:" && !isThisMachine(gateway))
    throw new CnctRefusal(
      "insecure-gateway",
      `a service key is sent over https only: ${gateway} would show it to everybody on the way`,
    );
  const authorization = `Bearer ${serviceKey}`;
  return {
    account: async () => undefined,
    fetch: (input, init = {}) =>
      fetch(input, { ...init, headers: { ...headersOf(init), authorization } }),
    socketParams: async () => ({ authorization }),
    renewAfter: () => false,
  };
};

export const headersOf = ({ headers }: RequestInit): Readonly<Record<string, string>> =>
  Object.fromEntries(new Headers(headers));
