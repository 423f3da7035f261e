/** A TCP proxy that cuts connections when told to, for tests of what the SDK does about it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface FlakyProxy {
  readonly url: string;
  /** Cuts every connection that stands; answers how many that were. */
  cut(): number;
  /** Lets the next request through and cuts the connection when its answer comes. */
  loseNextAnswer(): void;
  /** So many answers were lost. */
  lost(): number;
  close(): Promise<void>;
}

/** In front of a gateway such as `http://127.0.0.1:4000`. */
export const openFlakyProxy = async (target: string): Promise<FlakyProxy> => {
  const { hostname, port } = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  let losing = false;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", (chunk) => upstream.write(chunk));
    upstream.on("data", (chunk) => {
      if (!losing) return void client.write(chunk);
      losing = false;
      lost += 1;
      end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    const { size } = pairs;
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
    pairs.clear();
    return size;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    loseNextAnswer: () => {
      losing = true;
    },
    lost: () => lost,
    close: async () => {
      server.close();
      cut();
      if (server.listening) await once(server, "close");
    },
  };
};
