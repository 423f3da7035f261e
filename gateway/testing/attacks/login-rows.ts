/** Attacks on challenges and logins. */
import { hexOf } from "../../../crypto/bytes.ts";
import { cnctId } from "../../../domain/identity/inception.ts";
import { taggedText } from "../../../domain/identity/keys.ts";
import { loginText } from "../../../domain/identity/login.ts";
import { challengeFor, loginWith, requestChallenge, revoke } from "../identity-client.ts";
import { rotate, someone } from "./identity-rows.ts";
import { answer, answerChanged, ask, at, type Row, type Stage } from "./stage.ts";

/** The order of the group: S and S + L verify the same where nobody looks. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const malleated = (signature: string): string => {
  const bytes = Buffer.from(signature, "hex");
  const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString("hex")}`) + order;
  const turned = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse();
  return hexOf(Buffer.concat([bytes.subarray(0, 32), turned]));
};

const mine = ({ url, ada }: Stage) => requestChallenge(url, ada.id, ["jobs:submit"]);
const minute = 60_000;

export const loginRows: readonly Row[] = [
  {
    name: "a challenge that was answered before",
    code: "challenge-unknown",
    prepare: async (stage) => {
      const challenge = await mine(stage);
      const signature = stage.ada.sign(loginText(challenge));
      await answer(stage, challenge, signature);
      return () => answer(stage, challenge, signature);
    },
  },
  {
    name: "a challenge that has expired",
    code: "challenge-expired",
    prepare: async (stage) => {
      const challenge = await mine(stage);
      return async () => {
        stage.setOffset(5 * minute + 1);
        return answer(stage, challenge, stage.ada.sign(loginText(challenge)));
      };
    },
  },
  {
    name: "a challenge that begins later",
    code: "challenge-not-yet-valid",
    prepare: at((stage) =>
      answerChanged(stage, ({ issuedAt, expiresAt }) => ({
        issuedAt: issuedAt + minute,
        expiresAt: expiresAt + minute,
      })),
    ),
  },
  {
    name: "a challenge of another gateway",
    code: "challenge-of-another-gateway",
    prepare: at(async (stage) => {
      const { ada, other } = stage;
      const challenge = await requestChallenge(other.url, ada.id, ["jobs:submit"]);
      return answer(stage, challenge, ada.sign(loginText(challenge)));
    }),
  },
  {
    name: "another gateway's challenge under this gateway's name",
    code: "challenge-unknown",
    prepare: at(async (stage) => {
      const { ada, other } = stage;
      const foreign = await requestChallenge(other.url, ada.id, ["jobs:submit"]);
      const { domain, uri } = await mine(stage);
      const challenge = { ...foreign, domain, uri };
      return answer(stage, challenge, ada.sign(loginText(challenge)));
    }),
  },
  {
    name: "a challenge for another domain",
    code: "challenge-of-another-gateway",
    prepare: at((stage) => answerChanged(stage, () => ({ domain: "bank.example" }))),
  },
  {
    name: "a challenge for another address",
    code: "challenge-of-another-gateway",
    prepare: at((stage) => answerChanged(stage, ({ uri }) => ({ uri: `${uri}/other` }))),
  },
  {
    name: "a challenge with more scopes than were asked for",
    code: "challenge-unknown",
    prepare: at((stage) =>
      answerChanged(stage, () => ({ scopes: ["jobs:submit", "nodes:register"] })),
    ),
  },
  {
    name: "a challenge that was made to last",
    code: "challenge-unknown",
    prepare: at((stage) => answerChanged(stage, ({ expiresAt }) => ({ expiresAt: expiresAt - 1 }))),
  },
  {
    name: "a challenge that lasts longer than any may",
    code: "challenge-malformed",
    prepare: at((stage) =>
      answerChanged(stage, ({ expiresAt }) => ({ expiresAt: expiresAt + minute })),
    ),
  },
  {
    name: "a challenge with a nonce of one's own",
    code: "challenge-unknown",
    prepare: at((stage) => answerChanged(stage, () => ({ nonce: "ab".repeat(32) }))),
  },
  {
    name: "a challenge with a field more",
    code: "challenge-malformed",
    prepare: at((stage) => answerChanged(stage, () => ({ admin: true }))),
  },
  {
    name: "a signature for another purpose",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      const text = taggedText("cnct/result/v1", challenge);
      return answer(stage, challenge, stage.ada.sign(text));
    }),
  },
  {
    name: "a signature of another key",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, stage.eve.sign(loginText(challenge)));
    }),
  },
  {
    name: "a signature over somebody else's challenge",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const { url, ada, eve } = stage;
      const hers = await requestChallenge(url, eve.id, ["jobs:submit"]);
      return answer(stage, { ...hers, id: ada.id }, eve.sign(loginText(hers)));
    }),
  },
  {
    name: "a good signature, made another one (S + L)",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, malleated(stage.ada.sign(loginText(challenge))));
    }),
  },
  {
    name: "a signature that is cut",
    code: "signature-wrong",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      return answer(stage, challenge, stage.ada.sign(loginText(challenge)).slice(0, -2));
    }),
  },
  {
    name: "a login without a proof",
    code: "proof-missing",
    prepare: at(async (stage) => {
      const challenge = await mine(stage);
      const signature = stage.ada.sign(loginText(challenge));
      return ask(stage, loginWith, { challenge, signature });
    }),
  },
  {
    name: "a scope that there is not",
    code: "bad-scopes",
    prepare: at((stage) =>
      ask(stage, challengeFor, { id: stage.ada.id, scopes: ["admin:everything"] }),
    ),
  },
  {
    name: "a scope for a job where no jobs are",
    code: "bad-scopes",
    prepare: at((stage) => {
      const scopes = [`nodes:register:${"a".repeat(64)}`];
      return ask(stage, challengeFor, { id: stage.ada.id, scopes });
    }),
  },
  {
    name: "a challenge for nobody",
    code: "identity-unknown",
    prepare: at((stage) => {
      const id = cnctId({ ...stage.ada.record, nonce: "ab".repeat(16) });
      return ask(stage, challengeFor, { id, scopes: ["jobs:submit"] });
    }),
  },
  {
    name: "a login of an identity that was revoked after it asked for the challenge",
    code: "identity-revoked",
    prepare: async (stage) => {
      const person = await someone(stage);
      const challenge = await requestChallenge(stage.url, person.id, ["jobs:submit"]);
      await revoke(stage.url, person);
      return () => answer(stage, challenge, person.sign(loginText(challenge)), person);
    },
  },
  {
    name: "a login with a root key that was rotated away",
    code: "signature-wrong",
    prepare: async (stage) => {
      const person = await someone(stage);
      const challenge = await requestChallenge(stage.url, person.id, ["jobs:submit"]);
      await rotate(stage, person);
      return () => answer(stage, challenge, person.sign(loginText(challenge)), person);
    },
  },
];
