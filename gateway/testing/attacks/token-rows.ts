/** Attacks with tokens and proofs. */
import { createHash, createHmac, createPrivateKey, randomBytes } from "node:crypto";
import { type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";
import { wallClock } from "../../../streams/clock.ts";
import { openGateway } from "../../gateway.ts";
import {
  login,
  newPerson,
  newProofPair,
  nonceOf,
  proofFor,
  register,
  revoke,
} from "../identity-client.ts";
import { rotate } from "./identity-rows.ts";
import { at, headersOf, type Row, type Stage, submit } from "./stage.ts";

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");
const partsOf = (jwt: string) => {
  const [header = "", claims = "", signature = ""] = jwt.split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  return { header: read(header), claims: read(claims), signature };
};
/** The token with a header and claims changed, signed as `sign` says; the old signature if not. */
const forged = (
  token: string,
  header: object,
  claims: object,
  sign?: (input: string) => string,
): string => {
  const parts = partsOf(token);
  const input = `${base64url({ ...parts.header, ...header })}.${base64url({ ...parts.claims, ...claims })}`;
  return `${input}.${sign === undefined ? parts.signature : sign(input)}`;
};
/** A token that the gateway's own key signed, though not for this. */
const resigned = (
  { token, gatewayKey }: Stage,
  header: Partial<JWTHeaderParameters>,
  claims: JWTPayload,
): Promise<string> => {
  const parts = partsOf(token);
  return new SignJWT({ ...parts.claims, ...claims })
    .setProtectedHeader({ ...parts.header, ...header })
    .sign(createPrivateKey(gatewayKey.pem));
};
/** Sends a token with a proof that goes with it. */
const present = async (stage: Stage, token: string): Promise<string> =>
  submit(stage, await headersOf(stage, {}, token));

const minute = 60_000;

export const tokenRows: readonly Row[] = [
  {
    name: "nothing at all",
    code: "login-needed",
    prepare: at((stage) => submit(stage, {})),
  },
  {
    name: "a token with alg none",
    code: "token-malformed",
    prepare: at((stage) =>
      present(
        stage,
        forged(stage.token, { alg: "none" }, {}, () => ""),
      ),
    ),
  },
  {
    name: "a token with alg HS256, its key the gateway's public one",
    code: "token-malformed",
    prepare: at((stage) => {
      const jwk = createPrivateKey(stage.gatewayKey.pem).export({ format: "jwk" });
      const key = Buffer.from(jwk.x ?? "", "base64url");
      const sign = (input: string) => createHmac("sha256", key).update(input).digest("base64url");
      return present(stage, forged(stage.token, { alg: "HS256" }, {}, sign));
    }),
  },
  {
    name: "a token with an embedded key of the attacker",
    code: "token-malformed",
    prepare: at(async (stage) => {
      const { publicKey, privateKey } = newProofPair();
      const parts = partsOf(stage.token);
      const token = await new SignJWT(parts.claims)
        .setProtectedHeader({ ...parts.header, jwk: publicKey.export({ format: "jwk" }) })
        .sign(privateKey);
      return present(stage, token);
    }),
  },
  {
    name: "a token of a key that is not the gateway's",
    code: "token-of-another-gateway",
    prepare: at((stage) =>
      present(stage, forged(stage.token, { kid: randomBytes(32).toString("base64url") }, {})),
    ),
  },
  {
    name: "a token without the name of a key",
    code: "token-of-another-gateway",
    prepare: at((stage) => present(stage, forged(stage.token, { kid: undefined }, {}))),
  },
  {
    name: "a token that has expired",
    code: "token-expired",
    prepare: at(async (stage) => {
      stage.setOffset(10 * minute);
      return submit(stage, await headersOf(stage, { claims: { iat: stage.seconds() } }));
    }),
  },
  {
    name: "a token of another network",
    code: "token-of-another-gateway",
    prepare: async (stage) => {
      const token = await login(stage.other.url, stage.ada, ["jobs:submit"]);
      return () => present(stage, token);
    },
  },
  {
    name: "a token of a gateway that shares the key, under another address",
    code: "token-of-another-gateway",
    prepare: at(async (stage) => {
      const foreign = "https://gateway.example/";
      return present(stage, await resigned(stage, {}, { iss: foreign, aud: foreign }));
    }),
  },
  {
    name: "a token with scopes that were added",
    code: "token-malformed",
    prepare: at((stage) => present(stage, forged(stage.token, {}, { scope: "jobs:submit" }))),
  },
  {
    name: "a token in somebody else's name",
    code: "token-malformed",
    prepare: at((stage) => present(stage, forged(stage.token, {}, { sub: stage.eve.id }))),
  },
  {
    name: "a token bound to the attacker's key",
    code: "token-malformed",
    prepare: at((stage) => present(stage, forged(stage.token, {}, { cnf: { jkt: "x" } }))),
  },
  {
    name: "a token whose signature is cut",
    code: "token-malformed",
    prepare: at((stage) => present(stage, stage.token.slice(0, -4))),
  },
  {
    name: "something else that the gateway's key signed",
    code: "token-malformed",
    prepare: at(async (stage) => present(stage, await resigned(stage, { typ: "JWT" }, {}))),
  },
  {
    name: "a token that is bound to no key",
    code: "token-malformed",
    prepare: at(async (stage) => present(stage, await resigned(stage, {}, { cnf: {} }))),
  },
  {
    name: "a proof in the place of the token",
    code: "token-of-another-gateway",
    prepare: at(async (stage) => present(stage, (await headersOf(stage)).dpop)),
  },
  {
    name: "a token that needs a proof, as a bearer's",
    code: "token-malformed",
    prepare: at((stage) => submit(stage, { authorization: `Bearer ${stage.token}` })),
  },
  {
    name: "a name and a password",
    code: "token-malformed",
    prepare: at((stage) => submit(stage, { authorization: "Basic YWRhOmFkYQ==" })),
  },
  {
    name: "a token of an identity that was revoked",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = newPerson();
      await register(stage.url, person);
      const token = await login(stage.url, person, ["jobs:submit"]);
      await revoke(stage.url, person);
      return async () => submit(stage, await headersOf({ ...stage, ada: person }, {}, token));
    },
  },
  {
    name: "a token of a root key that was rotated away",
    code: "token-expired",
    prepare: async (stage) => {
      const person = newPerson();
      await register(stage.url, person);
      const token = await login(stage.url, person, ["jobs:submit"]);
      await rotate(stage, person);
      return async () => submit(stage, await headersOf({ ...stage, ada: person }, {}, token));
    },
  },
];

/** A row in which a proof is wrong in its header, its claims or its key. */
const wrong = (
  name: string,
  code: string,
  changes: (stage: Stage) => {
    readonly header?: object;
    readonly claims?: Readonly<Record<string, unknown>>;
    readonly pair?: ReturnType<typeof newProofPair>;
  },
): Row => ({
  name,
  code,
  prepare: at(async (stage) => submit(stage, await headersOf(stage, changes(stage)))),
});

/** A proof signed as the attacker likes. */
const byHand = async (
  stage: Stage,
  header: object,
  sign: (input: string) => string,
): Promise<string> => {
  const { authorization, dpop } = await headersOf(stage);
  return submit(stage, { authorization, dpop: forged(dpop, header, {}, sign) });
};

export const proofRows: readonly Row[] = [
  {
    name: "a stolen token, without a proof",
    code: "proof-missing",
    prepare: at((stage) => submit(stage, { authorization: `DPoP ${stage.token}` })),
  },
  wrong("a stolen token, with a proof of the thief's key", "proof-of-another-key", () => ({
    pair: newProofPair(),
  })),
  wrong("a proof for another method", "proof-for-another-request", () => ({
    claims: { htm: "GET" },
  })),
  wrong("a proof for another path", "proof-for-another-request", ({ url }) => ({
    claims: { htu: `${url}/blobs` },
  })),
  wrong("a proof for another gateway", "proof-for-another-request", () => ({
    claims: { htu: "https://gateway.example/graphql" },
  })),
  wrong(
    "a proof for a host that only begins like ours",
    "proof-for-another-request",
    ({ url }) => ({
      claims: { htu: `${url}@evil.example/graphql` },
    }),
  ),
  wrong("a proof with no address", "proof-malformed", () => ({ claims: { htu: undefined } })),
  wrong("a proof that goes with another token", "proof-for-another-request", () => ({
    claims: { ath: createHash("sha256").update("another").digest("base64url") },
  })),
  wrong("a proof that goes with no token", "proof-for-another-request", () => ({
    claims: { ath: undefined },
  })),
  wrong("a proof of six minutes ago", "proof-expired", ({ seconds }) => ({
    claims: { iat: seconds() - 360 },
  })),
  wrong("a proof of the future", "proof-expired", ({ seconds }) => ({
    claims: { iat: seconds() + 360 },
  })),
  wrong("a proof of no time", "proof-malformed", () => ({
    claims: { iat: "now" },
  })),
  {
    name: "a proof that was used",
    code: "proof-replayed",
    prepare: async (stage) => {
      const headers = await headersOf(stage);
      await submit(stage, headers, "client:not-me");
      return () => submit(stage, headers);
    },
  },
  {
    name: "a login's proof that was used, with another login",
    code: "proof-replayed",
    prepare: async (stage) => {
      const { url, ada } = stage;
      const request = { method: "POST", url: `${url}/graphql`, nonce: await nonceOf(url) };
      const dpop = await proofFor(ada, request);
      await submit(stage, { dpop });
      return () => submit(stage, { dpop });
    },
  },
  wrong("a proof without a name of its own", "proof-malformed", () => ({
    claims: { jti: undefined },
  })),
  wrong("a proof with a name that is too short to be one", "proof-malformed", () => ({
    claims: { jti: "1" },
  })),
  wrong("a proof of another type", "proof-malformed", () => ({ header: { typ: "JWT" } })),
  wrong("a proof that names no key", "proof-malformed", () => ({ header: { jwk: undefined } })),
  wrong("a proof that names a key that did not sign it", "proof-malformed", () => ({
    header: { jwk: newProofPair().publicKey.export({ format: "jwk" }) },
  })),
  wrong("a proof that shows the private key", "proof-malformed", ({ ada }) => ({
    header: { jwk: ada.proofPair.privateKey.export({ format: "jwk" }) },
  })),
  {
    name: "a proof with alg none",
    code: "proof-malformed",
    prepare: at((stage) => byHand(stage, { alg: "none" }, () => "")),
  },
  {
    name: "a proof with a symmetric key",
    code: "proof-malformed",
    prepare: at((stage) => {
      const key = randomBytes(32);
      const jwk = { kty: "oct", k: key.toString("base64url") };
      return byHand(stage, { alg: "HS256", jwk }, (input) =>
        createHmac("sha256", key).update(input).digest("base64url"),
      );
    }),
  },
  {
    name: "two proofs in one header",
    code: "proof-malformed",
    prepare: at(async (stage) => {
      const [one, two] = [await headersOf(stage), await headersOf(stage)];
      return submit(stage, { ...one, dpop: `${one.dpop}, ${two.dpop}` });
    }),
  },
  {
    name: "a proof with a nonce that is too old",
    code: "use-dpop-nonce",
    prepare: async (stage) => {
      const nonce = await nonceOf(stage.url);
      return async () => {
        stage.setOffset(2 * minute);
        const claims = { nonce, iat: stage.seconds() };
        return submit(stage, await headersOf(stage, { claims }));
      };
    },
  },
  wrong("a proof without a nonce", "use-dpop-nonce", () => ({ claims: { nonce: undefined } })),
  {
    name: "a proof with another gateway's nonce",
    code: "use-dpop-nonce",
    prepare: at(async (stage) => {
      const nonce = await nonceOf(stage.other.url);
      return submit(stage, await headersOf(stage, { claims: { nonce } }));
    }),
  },
  {
    name: "a proof that was used, at another gateway of the same network and the same key",
    code: "use-dpop-nonce",
    prepare: async (stage) => {
      const { network, url } = stage;
      const headers = await headersOf(stage);
      await submit(stage, headers, "client:not-me");
      const replica = await openGateway({
        ...network,
        clock: wallClock,
        version: "0",
        host: "127.0.0.1",
        port: 0,
        natsUrl: "",
        place: "gateway-2",
        access: "identities",
        keyDirectory: stage.keyDirectory,
        publicUrls: [url],
        live: () => network.live,
        refusals: { record: (one) => network.refused.push(one) },
      });
      return async () => {
        try {
          return await submit({ ...stage, url: replica.url }, headers);
        } finally {
          await replica.close();
        }
      };
    },
  },
];
