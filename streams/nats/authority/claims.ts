/** What the keys say, signed: accounts with their limits, and users with what they may do. */
import { type Account, encodeAccount, encodeUser, fmtCreds, type KeyPair } from "@nats-io/jwt";
import type { AuthorityKeys } from "./keys.ts";
import { workerTemplate } from "./permissions.ts";
import type { Revocations } from "./revocations.ts";

/** All nodes and services together. */
const connectionsMax = 20_000;
const unlimited = -1;

const natsLimits = { subs: unlimited, data: unlimited, payload: unlimited };
const accountLimits = { imports: unlimited, exports: unlimited, wildcards: true, leaf: 0 };

/** The account of everything that CNCT does, with JetStream. */
export const accountClaims = (keys: AuthorityKeys, revocations: Revocations): Promise<string> => {
  const account: Partial<Account> = {
    limits: {
      ...natsLimits,
      ...accountLimits,
      conn: connectionsMax,
      mem_storage: unlimited,
      disk_storage: unlimited,
      streams: unlimited,
      consumer: unlimited,
    },
    signing_keys: [
      {
        kind: "user_scope",
        key: keys.workerSigning.getPublicKey(),
        role: "worker",
        template: workerTemplate,
      },
    ],
    revocations: Object.fromEntries(
      [...revocations].map(([key, at]) => [key, Math.floor(at / 1000)]),
    ),
  };
  return encodeAccount("CNCT", keys.account, account, { signer: keys.operatorSigning });
};

/** The account of the server's own subjects: events, and changes of accounts. */
export const systemAccountClaims = (keys: AuthorityKeys): Promise<string> =>
  encodeAccount(
    "SYS",
    keys.systemAccount,
    { limits: { ...natsLimits, ...accountLimits, conn: unlimited } },
    { signer: keys.operatorSigning },
  );

/** Credentials of the services' side: everything in the account CNCT, nothing outside. */
export const coordinatorCredentials = (keys: AuthorityKeys): Promise<string> =>
  credentialsOf("coordinator", keys.coordinator, keys.account);

/** Credentials of whoever changes accounts. */
export const systemCredentials = (keys: AuthorityKeys): Promise<string> =>
  credentialsOf("system", keys.system, keys.systemAccount);

const credentialsOf = async (name: string, user: KeyPair, account: KeyPair): Promise<string> =>
  new TextDecoder().decode(fmtCreds(await encodeUser(name, user, account), user));
