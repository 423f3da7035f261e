/** `/livez`: the process runs. `/readyz`: it can do its work now; `?verbose` says what it looked at. */
import type { FastifyInstance } from "fastify";
import type { Gateway } from "./context.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const storeTimeoutMs = 1_000;
/** From then on what queries show is too old to be called ready. */
const behindMaxMs = 10_000;

export const healthRoutes =
  (gateway: Gateway, isDraining: () => boolean) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get("/livez", async () => ({ alive: true }));
    app.get<{ readonly Querystring: { readonly verbose?: string } }>(
      "/readyz",
      async (request, reply) => {
        const checks = [
          { name: "serving", ok: !isDraining(), detail: isDraining() ? "draining" : "yes" },
          await storeCheck(gateway),
          projectionsCheck(gateway),
          {
            name: "nats",
            ok: gateway.natsUrl !== "",
            detail: gateway.natsUrl === "" ? "no address" : gateway.natsUrl,
          },
        ] satisfies readonly Check[];
        const ready = checks.every(({ ok }) => ok);
        reply.code(ready ? 200 : 503).header("cache-control", "no-store");
        return request.query.verbose === undefined ? { ready } : { ready, checks };
      },
    );
  };

const storeCheck = async ({ store, clock }: Gateway): Promise<Check> => {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.after(storeTimeoutMs, () =>
      reject(new Error(`no answer within ${storeTimeoutMs} ms`)),
    );
  });
  try {
    return { name: "store", ok: true, detail: `head ${await Promise.race([store.head(), late])}` };
  } catch (error) {
    return { name: "store", ok: false, detail: error instanceof Error ? error.message : "fails" };
  } finally {
    timer?.cancel();
  }
};

const projectionsCheck = ({ projections }: Gateway): Check => {
  const { flushed, pending, live, behindMs } = projections.lag();
  return {
    name: "projections",
    ok: live && behindMs <= behindMaxMs,
    detail: `${live ? "live" : "catching up"} at ${flushed}, ${pending} pending, ${behindMs} ms behind`,
  };
};
