/** The stage of the attack table: a gateway with identities whose clock can be moved, and people. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoginChallenge, loginText } from "../../../domain/identity/login.ts";
import { wallClock } from "../../../streams/clock.ts";
import {
  askGraphql,
  authorized,
  type GraphqlReply,
  login,
  loginWith,
  newPerson,
  nonceOf,
  type Person,
  type ProofChanges,
  proofFor,
  register,
  requestChallenge,
  submission,
} from "../identity-client.ts";
import { openTestNetwork, type TestNetwork } from "../test-network.ts";

export interface Stage {
  readonly network: TestNetwork;
  readonly url: string;
  /** Another network with keys of its own. */
  readonly other: TestNetwork;
  /** Moves the gateway's clock by so much from the real time, ms. */
  readonly setOffset: (ms: number) => void;
  /** In seconds, as the gateway has it. */
  readonly seconds: () => number;
  /** Registered, with no scope yet. */
  readonly ada: Person;
  readonly eve: Person;
  /** Ada's token, for every operation. */
  readonly token: string;
  /** As PEM: what the gateway signs tokens with. */
  readonly keyDirectory: string;
  readonly gatewayKey: { readonly kid: string; readonly pem: string };
  readonly close: () => Promise<void>;
}

export const allScopes = [
  "blobs:write",
  "jobs:cancel",
  "jobs:keys",
  "jobs:submit",
  "keys:manage",
  "nodes:register",
  "nodes:work",
];

/** What is refused: everything that went before is no part of it. Answers the code. */
export type Attack = () => Promise<string>;
export interface Row {
  readonly name: string;
  readonly code: string;
  /** Gets ready, which may write, and answers the attack, which may not. */
  readonly prepare: (stage: Stage) => Promise<Attack>;
}

export const openStage = async (): Promise<Stage> => {
  let offset = 0;
  const directories = await Promise.all(
    ["a", "b"].map((name) => mkdtemp(join(tmpdir(), `cnct-attacks-${name}-`))),
  );
  const [keyDirectory = "", otherDirectory = ""] = directories;
  const clock = { ...wallClock, now: () => Date.now() + offset };
  const access = "identities" as const;
  const network = await openTestNetwork({ access, keyDirectory, clock });
  const other = await openTestNetwork({ access, keyDirectory: otherDirectory });
  const { url } = network;
  const [ada, eve] = [newPerson(), newPerson()];
  for (const person of [ada, eve]) await register(url, person);
  await register(other.url, ada);
  const stored = await readFile(join(keyDirectory, "token-keys.json"), "utf8");
  return {
    network,
    url,
    other,
    setOffset: (ms) => {
      offset = ms;
    },
    seconds: () => Math.floor(clock.now() / 1000),
    ada,
    eve,
    token: await login(url, ada, allScopes),
    keyDirectory,
    gatewayKey: JSON.parse(stored).keys[0],
    close: async () => {
      await network.close();
      await other.close();
      for (const directory of directories) await rm(directory, { recursive: true, force: true });
    },
  };
};

/** The code of a refusal, of an error, or of an answer that was no refusal. */
export const codeOf = ({ body }: GraphqlReply): string => {
  const [answer] = Object.values((body.data ?? {}) as Record<string, Record<string, unknown>>);
  const said = body.code ?? body.errors?.[0]?.extensions?.code ?? answer?.["code"];
  return String(said ?? answer?.["__typename"] ?? JSON.stringify(body));
};

export const ask = async (
  { url }: Stage,
  query: string,
  variables: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> => codeOf(await askGraphql(url, { query, variables }, headers));

/** Submits a job with these headers. */
export const submit = (
  stage: Stage,
  headers: Readonly<Record<string, string>>,
  client = stage.ada.account,
): Promise<string> => ask(stage, submission, { client, nonce: `${Math.random()}` }, headers);

/** Headers as Ada has them, with a proof that was changed. */
export const headersOf = (
  { url, ada, token }: Stage,
  changes: ProofChanges = {},
  by = token,
  where: { readonly method?: string; readonly path?: string } = {},
) => authorized(url, ada, by, where, changes);

/** Answers a challenge, with a good proof. */
export const answer = async (
  stage: Stage,
  challenge: object,
  signature: string,
  person = stage.ada,
): Promise<string> => {
  const { url } = stage;
  const dpop = await proofFor(
    person,
    { method: "POST", url: `${url}/graphql`, nonce: await nonceOf(url) },
    { claims: { iat: stage.seconds() } },
  );
  return ask(stage, loginWith, { challenge, signature }, { dpop });
};

/** A challenge of Ada's, changed, signed by her all the same. */
export const answerChanged = async (
  stage: Stage,
  changes: (challenge: LoginChallenge) => object,
): Promise<string> => {
  const challenge = await requestChallenge(stage.url, stage.ada.id, ["jobs:submit"]);
  const changed = { ...challenge, ...changes(challenge) } as LoginChallenge;
  return answer(stage, changed, stage.ada.sign(loginText(changed)));
};

/** Ready at once. */
export const at =
  (attack: (stage: Stage) => Promise<string>) =>
  async (stage: Stage): Promise<Attack> =>
  () =>
    attack(stage);
