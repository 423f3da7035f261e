/**
 * The keys of the network's NATS, each in a file that only its owner may read.
 *
 *     operator ── signs ──> operator-signing ── signs ──> account CNCT ── its key signs ──> coordinator
 *                                │                              └── worker-signing signs ──> nodes
 *                                └──────────────────────> account SYS ── its key signs ──> system
 *
 * After the first start `operator.nk` is not needed any more and can be kept elsewhere: what it signed
 * stands in `operator.jwt`. It is needed again to replace the operator's signing key.
 */
import { join } from "node:path";
import {
  createAccount,
  createOperator,
  createUser,
  encodeOperator,
  fromSeed,
  type KeyPair,
} from "@nats-io/jwt";
import { NatsServerError } from "../server-error.ts";
import { makePrivateDirectory, readPrivateFile, writePrivateFile } from "./files.ts";

export interface AuthorityKeys {
  /** Signed by the operator's own key. */
  readonly operatorJwt: string;
  readonly operatorSigning: KeyPair;
  readonly systemAccount: KeyPair;
  readonly account: KeyPair;
  readonly workerSigning: KeyPair;
  readonly coordinator: KeyPair;
  readonly system: KeyPair;
}

const makers = {
  "operator-signing": createOperator,
  "system-account": createAccount,
  account: createAccount,
  "worker-signing": createAccount,
  coordinator: createUser,
  system: createUser,
} as const;

/**
 * Reads the keys of a directory, and makes those that are missing on its first use.
 *
 * @throws {NatsServerError} `keys-readable`, or `keys-incomplete` if some are there and others not.
 */
export const openKeys = async (directory: string): Promise<AuthorityKeys> => {
  const read = (name: string) => readPrivateFile(join(directory, name));
  const operatorJwt = await read("operator.jwt");
  if (operatorJwt === undefined) return await makeKeys(directory);
  const pair = async (name: keyof typeof makers): Promise<KeyPair> => {
    const seed = (await read(`${name}.nk`))?.trim();
    if (seed === undefined)
      throw new NatsServerError(
        "keys-incomplete",
        `${join(directory, `${name}.nk`)} is missing; bring it back, or remove the directory to begin with new keys`,
      );
    return fromSeed(new TextEncoder().encode(seed));
  };
  return {
    operatorJwt: operatorJwt.trim(),
    operatorSigning: await pair("operator-signing"),
    systemAccount: await pair("system-account"),
    account: await pair("account"),
    workerSigning: await pair("worker-signing"),
    coordinator: await pair("coordinator"),
    system: await pair("system"),
  };
};

/** `operator.jwt` comes last: with it the directory counts as complete. */
const makeKeys = async (directory: string): Promise<AuthorityKeys> => {
  await makePrivateDirectory(directory);
  const keep = async (name: string, pair: KeyPair): Promise<KeyPair> => {
    const seed = new TextDecoder().decode(pair.getSeed());
    await writePrivateFile(join(directory, `${name}.nk`), `${seed}\n`);
    return pair;
  };
  const make = (name: keyof typeof makers) => keep(name, makers[name]());
  const operator = await keep("operator", createOperator());
  const operatorSigning = await make("operator-signing");
  const systemAccount = await make("system-account");
  const account = await make("account");
  const workerSigning = await make("worker-signing");
  const coordinator = await make("coordinator");
  const system = await make("system");
  const operatorJwt = await encodeOperator("CNCT", operator, {
    signing_keys: [operatorSigning.getPublicKey()],
    system_account: systemAccount.getPublicKey(),
  });
  await writePrivateFile(join(directory, "operator.jwt"), `${operatorJwt}\n`);
  return {
    operatorJwt,
    operatorSigning,
    systemAccount,
    account,
    workerSigning,
    coordinator,
    system,
  };
};
