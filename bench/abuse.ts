/**
 * What honest callers notice while somebody abuses the gateway:
 *
 *     npm run bench:abuse -- [--rounds 5] [--seconds 10] [--per-second 500] [--honest 50] [--json]
 *
 * A gateway, a stranger and honest callers, each a process of its own, on three addresses of the
 * loopback interface; the gateway counts them as it counts strangers from elsewhere. The stranger
 * sends the corpus of `gateway/testing/hostile-requests.ts` at a steady rate, whether or not it is
 * answered. Idle and abused stretches take turns, so that a pause of the machine falls on either.
 * Prints the honest callers' times, idle and under abuse, and what refusing cost: of each figure
 * the median of all rounds.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rateDefaults } from "../gateway/limits/rates.ts";
import { hostileRequests } from "../gateway/testing/hostile-requests.ts";
import { noopSpec, openTestNetwork } from "../gateway/testing/test-network.ts";
import { percentile, type Spread, spreadOf } from "./numbers.ts";
import { usageOf } from "./usage.ts";

interface Load {
  readonly gateway: string;
  readonly address: string;
  readonly perSecond: number;
  readonly seconds: number;
}

interface Answered {
  readonly ms: Spread;
  /** How often each status came. */
  readonly statuses: Readonly<Record<string, number>>;
}

const agentsMax = 64;

/** Sends at a steady rate; each time counts from the instant at which the request was due. */
const drive = async (
  { gateway, address, perSecond, seconds }: Load,
  make: (n: number) => {
    readonly method: string;
    readonly path: string;
    readonly headers: object;
    readonly body: string | Buffer | undefined;
  },
): Promise<Answered> => {
  const { hostname, port } = new URL(gateway);
  const agent = new Agent({ keepAlive: true, maxSockets: agentsMax });
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  const under: Promise<void>[] = [];
  const start = performance.now();
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = start + (n * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    const { body, headers, ...rest } = make(n);
    under.push(
      new Promise((resolve) => {
        const done = (status: string) => {
          times.push(performance.now() - due);
          statuses[status] = (statuses[status] ?? 0) + 1;
          resolve();
        };
        const sent = request(
          { hostname, port, agent, localAddress: address, headers: { ...headers }, ...rest },
          (response) => {
            response.resume();
            response.on("end", () => done(String(response.statusCode)));
            response.on("error", () => done("broken"));
          },
        );
        sent.on("error", () => done("broken"));
        sent.end(body);
      }),
    );
  }
  await Promise.all(under);
  agent.destroy();
  return { ms: spreadOf(times), statuses };
};

const json = { "content-type": "application/json" };
const honestQueries = [
  "{ jobs(first: 20) { nodes { hash status app submittedAt } pageInfo { hasNextPage endCursor } } }",
  "{ network { head position jobs { open completed } } }",
  "{ apps { name price } }",
].map((query) => JSON.stringify({ query }));

const parts: Readonly<Record<string, (load: Load) => Promise<Answered>>> = {
  honest: (load) =>
    drive(load, (n) => ({
      method: "POST",
      path: "/graphql",
      headers: json,
      body: honestQueries[n % honestQueries.length],
    })),
  hostile: (load) =>
    drive(load, (n) => {
      const {
        method = "POST",
        path = "/graphql",
        headers = json,
        body,
      } = hostileRequests[n % hostileRequests.length] ?? {};
      return { method, path, headers, body: body?.(`n${n}`) };
    }),
};

const serve = async (): Promise<void> => {
  const { anonymous } = rateDefaults;
  // Honest callers are to be heard, whatever budget they would have: the stranger's is what counts.
  const network = await openTestNetwork({ rates: { local: anonymous } });
  const specs = Array.from({ length: 200 }, (_, n) => noopSpec(`bench-${n}`));
  await network.ask("mutation ($s: [JobSpecJson!]!) { submitJobs(specs: $s) { __typename } }", {
    s: specs,
  });
  process.send?.({ url: network.url });
  await once(process, "message");
  await network.close();
  process.disconnect?.();
};

const startPart = (name: string): ChildProcess =>
  fork(fileURLToPath(import.meta.url), [`--part=${name}`]);
const heard = async <Message>(child: ChildProcess): Promise<Message> => {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`a part of the benchmark ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, "message"), ended]);
  return message as Message;
};
const run = async (name: string, load: Load): Promise<Answered> => {
  const child = startPart(name);
  await heard(child); // It is there.
  // A stranger has a processor of its own; here it must not take that of the gateway.
  if (name === "hostile" && child.pid !== undefined) setPriority(child.pid, 19);
  child.send(load);
  const answered = await heard<Answered>(child);
  child.send("end");
  return answered;
};

const settleMs = 2_000;

interface Options {
  readonly rounds: number;
  /** Of each stretch, idle and abused. */
  readonly seconds: number;
  readonly perSecond: number;
  readonly honest: number;
}

/** One idle stretch and one under abuse. */
const round = async (options: Options, gateway: string, cpuMs: () => number) => {
  const { seconds } = options;
  const honest = { gateway, address: "127.0.0.2", perSecond: options.honest, seconds };
  const hostile = {
    gateway,
    address: "127.0.0.3",
    perSecond: options.perSecond,
    seconds: seconds + (2 * settleMs) / 1000,
  };
  const before = cpuMs();
  const idle = await run("honest", honest);
  const between = cpuMs();
  const abusing = run("hostile", hostile);
  await sleep(settleMs);
  const abuse = await run("honest", honest);
  const refused = await abusing;
  const after = cpuMs();
  const sent = Object.values(refused.statuses).reduce((sum, count) => sum + count, 0);
  return {
    idle,
    abuse,
    refused,
    p99Ratio: abuse.ms.p99 / idle.ms.p99,
    cpuMsPerHostileRequest: (after - between - (between - before)) / sent,
  };
};

type Round = Awaited<ReturnType<typeof round>>;

const line = (name: string, { p50, p99 }: Pick<Spread, "p50" | "p99">) =>
  `${name} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;

const compare = async (options: Options) => {
  const server = startPart("gateway");
  const { url: gateway } = await heard<{ readonly url: string }>(server);
  const cpuMs = () => usageOf(server.pid ?? -1)?.cpuMs ?? Number.NaN;
  // Until everything is compiled; and the start of a process is none of the gateway's doing.
  await round({ ...options, seconds: 3 }, gateway, cpuMs);
  const rounds: Round[] = [];
  while (rounds.length < options.rounds) {
    await sleep(settleMs);
    const ended = await round(options, gateway, cpuMs);
    rounds.push(ended);
    process.stderr.write(
      `${rounds.length}/${options.rounds} ${line("idle", ended.idle.ms)}; ${line("under abuse", ended.abuse.ms)}\n`,
    );
  }
  server.send("end");
  const median = (figure: (round: Round) => number) => percentile(rounds.map(figure), 0.5);
  const spread = (of: (round: Round) => Spread) => ({
    p50: median((round) => of(round).p50),
    p95: median((round) => of(round).p95),
    p99: median((round) => of(round).p99),
  });
  return {
    options,
    rounds,
    idle: spread(({ idle }) => idle.ms),
    abuse: spread(({ abuse }) => abuse.ms),
    p99Ratio: median(({ p99Ratio }) => p99Ratio),
    cpuMsPerHostileRequest: median((round) => round.cpuMsPerHostileRequest),
  };
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    "per-second": { type: "string", default: "500" },
    honest: { type: "string", default: "50" },
    json: { type: "boolean", default: false },
    part: { type: "string" },
  },
});
if (values.part === "gateway") await serve();
else if (values.part !== undefined) {
  const part = parts[values.part];
  if (!part) throw new Error(`there is no part ${values.part}`);
  process.send?.("ready");
  const [load] = await once(process, "message");
  process.send?.(await part(load as Load));
  await once(process, "message");
  process.disconnect?.();
} else {
  const figures = await compare({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    perSecond: Number(values["per-second"]),
    honest: Number(values.honest),
  });
  process.stderr.write(
    `honest callers: ${line("idle", figures.idle)}; ${line("under abuse", figures.abuse)}\n` +
      `p99 is ${figures.p99Ratio.toFixed(2)} times idle; a hostile request costs ${figures.cpuMsPerHostileRequest.toFixed(2)} ms of CPU\n`,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
}
