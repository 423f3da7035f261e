/** Attacks by those who are somebody, and reach for what is not theirs. */
import { createHash } from "node:crypto";
import { jobHash } from "../../../domain/job/hash.ts";
import { sha256 } from "../../submission.ts";
import {
  askAs,
  askGraphql,
  authorized,
  issuance,
  keyRevocation,
  login,
  newPerson,
  nodeDrain,
  nodeRegistration,
  nodeResumption,
  register,
  revoke,
  rolling,
  submission,
} from "../identity-client.ts";
import { noopSpec } from "../test-network.ts";
import { allScopes, ask, at, codeOf, headersOf, type Row, type Stage, submit } from "./stage.ts";

const cancellation = `mutation ($hash: Digest!, $client: AccountId!) {
  cancelJob(input: { hash: $hash, client: $client }) {
    __typename ... on CancelledJob { position } ... on Refusal { code message } } }`;
const batch = `mutation ($specs: [JobSpecJson!]!) {
  submitJobs(specs: $specs) { __typename
    ... on SubmittedJobs { created refusals { code } } ... on Refusal { code message } } }`;

/** Ada with these scopes alone asks. */
const askWith = async (
  stage: Stage,
  scopes: readonly string[],
  query: string,
  variables: object,
): Promise<string> => {
  const token = await login(stage.url, stage.ada, scopes);
  return codeOf(await askAs(stage.url, stage.ada, token, query, variables));
};
/** Eve's job. */
const hers = async ({ url, eve }: Stage): Promise<string> => {
  const token = await login(url, eve, ["jobs:submit"]);
  const variables = { client: eve.account, nonce: `${Math.random()}` };
  return (await askAs(url, eve, token, submission, variables)).body.data.submitJob.hash;
};

export const rightRows: readonly Row[] = [
  {
    name: "a job by a login for something else",
    code: "scope-missing",
    prepare: at((stage) =>
      askWith(stage, ["jobs:cancel"], submission, { client: stage.ada.account, nonce: "" }),
    ),
  },
  {
    name: "a job by a login for another job",
    code: "scope-missing",
    prepare: at((stage) =>
      askWith(stage, [`jobs:submit:${"a".repeat(64)}`], submission, {
        client: stage.ada.account,
        nonce: "",
      }),
    ),
  },
  {
    name: "a cancellation by a login for another job",
    code: "scope-missing",
    prepare: at((stage) => {
      const [mine, other] = ["a".repeat(64), "b".repeat(64)];
      const variables = { hash: mine, client: stage.ada.account };
      return askWith(stage, [`jobs:cancel:${other}`], cancellation, variables);
    }),
  },
  {
    name: "a job on somebody else's account",
    code: "not-your-account",
    prepare: at(async (stage) => submit(stage, await headersOf(stage), stage.eve.account)),
  },
  {
    name: "a batch of jobs on somebody else's account",
    code: "not-your-account",
    prepare: at(async (stage) => {
      const specs = [noopSpec("stolen", { client: stage.eve.account })];
      const headers = await headersOf(stage);
      const { body } = await askGraphql(stage.url, { query: batch, variables: { specs } }, headers);
      return body.data.submitJobs.refusals[0].code;
    }),
  },
  {
    name: "a batch that holds a job for which the login is not",
    code: "scope-missing",
    prepare: async (stage) => {
      const { ada, url } = stage;
      const [one, two] = ["one", "two"].map((nonce) => noopSpec(nonce, { client: ada.account }));
      if (one === undefined || two === undefined) throw new Error("two specs");
      const token = await login(url, ada, [`jobs:submit:${jobHash(one, sha256)}`]);
      await askAs(url, ada, token, batch, { specs: [one] });
      return async () => {
        const { body } = await askAs(url, ada, token, batch, { specs: [one, two] });
        return body.data.submitJobs.refusals[0].code;
      };
    },
  },
  {
    name: "a batch by nobody",
    code: "login-needed",
    prepare: at((stage) => ask(stage, batch, { specs: [noopSpec("nobody's")] })),
  },
  {
    name: "the cancellation of somebody else's job, in one's own name",
    code: "not-the-client",
    prepare: async (stage) => {
      const hash = await hers(stage);
      return async () =>
        ask(stage, cancellation, { hash, client: stage.ada.account }, await headersOf(stage));
    },
  },
  {
    name: "the cancellation of somebody else's job, in that one's name",
    code: "not-your-account",
    prepare: async (stage) => {
      const hash = await hers(stage);
      return async () =>
        ask(stage, cancellation, { hash, client: stage.eve.account }, await headersOf(stage));
    },
  },
  {
    name: "a cancellation by nobody",
    code: "login-needed",
    prepare: async (stage) => {
      const hash = await hers(stage);
      return () => ask(stage, cancellation, { hash, client: stage.eve.account });
    },
  },
  {
    name: "somebody else's node",
    code: "node-owned-by-another",
    prepare: async (stage) => {
      const { url, eve } = stage;
      const token = await login(url, eve, ["nodes:register"]);
      await askAs(url, eve, token, nodeRegistration, { id: "eves-node" });
      return async () => ask(stage, nodeRegistration, { id: "eves-node" }, await headersOf(stage));
    },
  },
  ...[nodeDrain, nodeResumption].map(
    (query, place): Row => ({
      name: `${place === 0 ? "the draining" : "the resumption"} of somebody else's node`,
      code: "node-owned-by-another",
      prepare: async (stage) => {
        const { url, eve } = stage;
        const token = await login(url, eve, ["nodes:register"]);
        await askAs(url, eve, token, nodeRegistration, { id: "eves-drained-node" });
        return async () => ask(stage, query, { id: "eves-drained-node" }, await headersOf(stage));
      },
    }),
  ),
  {
    name: "the draining of a node by nobody",
    code: "login-needed",
    prepare: at((stage) => ask(stage, nodeDrain, { id: "eves-node" })),
  },
  {
    name: "a node of nobody",
    code: "login-needed",
    prepare: at((stage) => ask(stage, nodeRegistration, { id: "nobodys-node" })),
  },
];

/** Tries to store bytes; the code, and never that they are there. */
const put = async (
  { url }: Stage,
  headers: Readonly<Record<string, string>>,
  bytes: string,
): Promise<string> => {
  const path = `/blobs/${createHash("sha256").update(bytes).digest("hex")}`;
  const response = await fetch(url + path, { method: "PUT", body: bytes, headers });
  const { code = "stored" } = (await response.json()) as { readonly code?: string };
  const there = await fetch(url + path, { method: "HEAD" });
  return there.ok ? "stored" : code;
};
const pathOf = (bytes: string): string =>
  `/blobs/${createHash("sha256").update(bytes).digest("hex")}`;

export const uploadRows: readonly Row[] = [
  {
    name: "bytes of nobody",
    code: "login-needed",
    prepare: at((stage) => put(stage, {}, "nobody's")),
  },
  {
    name: "bytes by a login for something else",
    code: "scope-missing",
    prepare: at(async (stage) => {
      const token = await login(stage.url, stage.ada, ["jobs:submit"]);
      const where = { method: "PUT", path: pathOf("mine") };
      return put(stage, await headersOf(stage, {}, token, where), "mine");
    }),
  },
  {
    name: "bytes with a proof for other bytes",
    code: "proof-for-another-request",
    prepare: at(async (stage) => {
      const where = { method: "PUT", path: pathOf("others") };
      return put(stage, await headersOf(stage, {}, stage.token, where), "mine");
    }),
  },
  {
    name: "bytes with a proof for a mutation",
    code: "proof-for-another-request",
    prepare: at(async (stage) => put(stage, await headersOf(stage), "mine")),
  },
];

const keyVariables = (scopes: readonly string[]) => ({
  scopes,
  label: "a key",
  expiresAt: Date.now() + 3_600_000,
});
/** A service key of Ada's for submitting jobs. */
const issue = async (
  stage: Stage,
): Promise<{ readonly keyId: string; readonly secret: string }> => {
  const { url, ada, token } = stage;
  const { body } = await askAs(url, ada, token, issuance, keyVariables(["jobs:submit"]));
  return body.data.issueServiceKey;
};
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

export const serviceKeyRows: readonly Row[] = [
  {
    name: "a service key that nobody has",
    code: "service-key-unknown",
    prepare: async (stage) => {
      const { other } = stage;
      const token = await login(other.url, stage.ada, allScopes);
      const made = await askAs(
        other.url,
        stage.ada,
        token,
        issuance,
        keyVariables(["jobs:submit"]),
      );
      return () => submit(stage, bearer(made.body.data.issueServiceKey.secret));
    },
  },
  {
    name: "a service key with a wrong letter",
    code: "service-key-malformed",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      const changed = secret.replace(
        /^cnct_sk_(.)/,
        (_, one) => `cnct_sk_${one === "A" ? "B" : "A"}`,
      );
      return () => submit(stage, bearer(changed));
    },
  },
  {
    name: "a service key that is cut",
    code: "service-key-malformed",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return () => submit(stage, bearer(secret.slice(0, -1)));
    },
  },
  {
    name: "a service key that has expired",
    code: "service-key-expired",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return () => {
        stage.setOffset(3_600_001);
        return submit(stage, bearer(secret));
      };
    },
  },
  {
    name: "a service key that was revoked",
    code: "service-key-revoked",
    prepare: async (stage) => {
      const { secret, keyId } = await issue(stage);
      await askAs(stage.url, stage.ada, stage.token, keyRevocation, { keyId });
      return () => submit(stage, bearer(secret));
    },
  },
  {
    name: "a secret that was rolled, after the grace",
    code: "service-key-expired",
    prepare: async (stage) => {
      const { secret, keyId } = await issue(stage);
      await askAs(stage.url, stage.ada, stage.token, rolling, { keyId, graceMs: 60_000 });
      return () => {
        stage.setOffset(60_001);
        return submit(stage, bearer(secret));
      };
    },
  },
  {
    name: "a service key of an identity that was revoked",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = newPerson();
      await register(stage.url, person);
      const token = await login(stage.url, person, ["jobs:submit", "keys:manage"]);
      const { secret } = await issue({ ...stage, ada: person, token });
      await revoke(stage.url, person);
      return () => submit(stage, bearer(secret), person.account);
    },
  },
  {
    name: "a service key for something else",
    code: "scope-missing",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return () => ask(stage, nodeRegistration, { id: "by-key" }, bearer(secret));
    },
  },
  {
    name: "a service key on somebody else's account",
    code: "not-your-account",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return () => submit(stage, bearer(secret), stage.eve.account);
    },
  },
  {
    name: "a service key as a token",
    code: "token-malformed",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return async () => submit(stage, await headersOf(stage, {}, secret));
    },
  },
  {
    name: "a service key with more scopes than the login",
    code: "scopes-beyond-login",
    prepare: at((stage) =>
      askWith(stage, ["jobs:submit", "keys:manage"], issuance, keyVariables(["nodes:register"])),
    ),
  },
  {
    name: "a key rolled by a login with fewer scopes than the key",
    code: "scopes-beyond-login",
    prepare: async (stage) => {
      const { keyId } = await issue(stage);
      return () => askWith(stage, ["keys:manage"], rolling, { keyId, graceMs: 0 });
    },
  },
  {
    name: "a service key that manages keys",
    code: "bad-key-scopes",
    prepare: at((stage) =>
      askWith(stage, ["keys:manage"], issuance, keyVariables(["keys:manage"])),
    ),
  },
  {
    name: "a service key by a login that manages none",
    code: "scope-missing",
    prepare: at((stage) =>
      askWith(stage, ["jobs:submit"], issuance, keyVariables(["jobs:submit"])),
    ),
  },
  {
    name: "a service key by a service key",
    code: "scope-missing",
    prepare: async (stage) => {
      const { secret } = await issue(stage);
      return () => ask(stage, issuance, keyVariables(["jobs:submit"]), bearer(secret));
    },
  },
  {
    name: "somebody else's service key revoked",
    code: "service-key-unknown",
    prepare: async (stage) => {
      const { keyId } = await issue(stage);
      const { url, eve } = stage;
      const token = await login(url, eve, ["keys:manage"]);
      return async () =>
        codeOf(
          await askGraphql(
            url,
            { query: keyRevocation, variables: { keyId } },
            await authorized(url, eve, token),
          ),
        );
    },
  },
];
