/** Attacks over WebSocket. */
import { submission } from "../identity-client.ts";
import { at, headersOf, type Row, type Stage } from "./stage.ts";

const hello = (payload?: unknown) => ({ type: "connection_init", payload });
const mutation = ({ ada }: Stage) => ({
  id: "1",
  type: "subscribe",
  payload: { query: submission, variables: { client: ada.account, nonce: "ws" } },
});

/**
 * Says these messages one after another; the reason with which the socket is closed, or the type of
 * the first answer that is neither the welcome nor a sign of life.
 */
const say = ({ url }: Stage, messages: readonly object[]): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    const left = [...messages];
    const next = (): void => {
      const message = left.shift();
      if (message !== undefined) socket.send(JSON.stringify(message));
    };
    const late = setTimeout(() => socket.close(), 20_000);
    let heard = "";
    socket.onopen = next;
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(String(data)) as { readonly type: string };
      if (type === "connection_ack") return next();
      if (["ping", "pong"].includes(type)) return;
      heard ||= type;
      socket.close();
    };
    socket.onclose = ({ reason }) => {
      clearTimeout(late);
      resolve(reason || heard || "closed");
    };
  });

const overSocket = { method: "GET", path: "/graphql" };

export const socketRows: readonly Row[] = [
  {
    name: "a mutation over a socket that said nothing of itself",
    code: "error",
    prepare: at((stage) => say(stage, [mutation(stage)])),
  },
  {
    name: "a mutation over an anonymous socket",
    code: "error",
    prepare: at((stage) => say(stage, [hello(), mutation(stage)])),
  },
  {
    name: "a hello with a token that is none",
    code: "token-malformed",
    prepare: at((stage) => say(stage, [hello({ authorization: "DPoP x", dpop: "y" })])),
  },
  {
    name: "a hello with a payload that is no object",
    code: "token-malformed",
    prepare: at((stage) => say(stage, [hello({ authorization: { toString: "x" } })])),
  },
  {
    name: "a hello without a proof",
    code: "proof-missing",
    prepare: at((stage) => say(stage, [hello({ authorization: `DPoP ${stage.token}` })])),
  },
  {
    name: "a hello with a proof for a mutation",
    code: "proof-for-another-request",
    prepare: at(async (stage) => say(stage, [hello(await headersOf(stage))])),
  },
  {
    name: "a hello that was said before",
    code: "proof-replayed",
    prepare: async (stage) => {
      const greeting = hello(await headersOf(stage, {}, stage.token, overSocket));
      await say(stage, [greeting, mutation(stage)]);
      return () => say(stage, [greeting]);
    },
  },
  {
    name: "a mutation over a socket that said hello well",
    code: "error",
    prepare: at(async (stage) =>
      say(stage, [hello(await headersOf(stage, {}, stage.token, overSocket)), mutation(stage)]),
    ),
  },
];
