/** A TCP proxy that keeps every byte that passes, in both directions. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface RecordingProxy {
  readonly port: number;
  /** Each connection's bytes, one direction after the other. */
  recorded(): readonly Buffer[];
  close(): Promise<void>;
}

/** @param targetPort - Asked for each connection: what it stands in front of may open later. */
export const openRecordingProxy = async (targetPort: () => number): Promise<RecordingProxy> => {
  const streams: Buffer[][] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port: targetPort() });
    const [up, down]: [Buffer[], Buffer[]] = [[], []];
    streams.push(up, down);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", end).on("close", () => {
        open.delete(socket);
        end();
      });
    }
    client.on("data", (chunk: Buffer) => {
      up.push(chunk);
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      down.push(chunk);
      client.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    recorded: () => streams.map((chunks) => Buffer.concat(chunks)),
    close: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      if (server.listening) await once(server, "close");
    },
  };
};
