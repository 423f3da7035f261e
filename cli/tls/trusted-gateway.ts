/** The gateway that a command speaks to, trusted by the fingerprint in its address if it has one. */
import { setTimeout as sleep } from "node:timers/promises";
import { CliFailure } from "../failures.ts";
import { say } from "../output.ts";
import { gatewayUrl } from "../settings.ts";
import { authorityAt, pin, pinnedAddress } from "./pin.ts";

/** As long as a gateway takes to start again. */
const patienceMs = 10_000;
const pauseMs = 500;

/** What this process trusts already; an address is asked for its authority once. */
const trusted = new Map<string, Promise<void>>();

/**
 * @returns The address, without a fingerprint.
 * @throws {CliFailure} `bad-gateway-url`, `wrong-fingerprint` or `gateway-unreachable`.
 */
export const trustedGateway = async (flag: string | undefined): Promise<string> => {
  const address = gatewayUrl(flag);
  const { url, fingerprint } = pinnedAddress(address);
  if (fingerprint === undefined) return url;
  const trusting = trusted.get(address) ?? trust(url, fingerprint);
  trusted.set(address, trusting);
  await trusting;
  return url;
};

const trust = async (url: string, fingerprint: string): Promise<void> => {
  const until = performance.now() + patienceMs;
  for (let isTold = false; ; isTold = true)
    try {
      pin(url, await authorityAt(url, fingerprint));
      return;
    } catch (error) {
      const isAway = error instanceof CliFailure && error.code === "gateway-unreachable";
      if (!isAway || performance.now() > until) throw error;
      if (!isTold) say(`waiting for the gateway at ${url}, which does not answer`);
      await sleep(pauseMs);
    }
};
