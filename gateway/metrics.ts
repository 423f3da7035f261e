/** `/metrics` in Prometheus' form: rate, errors and duration of each route, and what the views show. */
import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type Gateway, lifeOf } from "./context.ts";

/** A WebSocket, as far as it is measured. */
export interface OpenSocket {
  /** Bytes that were sent and that the peer has not taken yet. */
  readonly bufferedAmount: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** Measures every request of the server. */
  readonly watch: (app: FastifyInstance) => void;
}

export const gatewayMetrics = (gateway: Gateway, sockets: ReadonlySet<OpenSocket>): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: "cnct_http_request_duration_seconds",
    help: "From the request's head to the answer's end, by route.",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const requests = new Counter({
    name: "cnct_http_requests_total",
    help: "Requests answered, by route and status.",
    labelNames: ["method", "route", "status"] as const,
    registers,
  });
  const { projections, blobs, tail } = gateway;
  new Gauge({
    name: "cnct_jobs",
    help: "Jobs by status, as the views show them.",
    labelNames: ["status"] as const,
    registers,
    collect() {
      for (const [status, count] of Object.entries(projections.views.totals().jobs))
        this.set({ status }, count);
    },
  });
  new Gauge({
    name: "cnct_nodes",
    help: "Nodes by status; live ones were heard of in the last seconds.",
    labelNames: ["status"] as const,
    registers,
    collect() {
      for (const [status, count] of Object.entries(projections.views.totals().nodes))
        this.set({ status }, count);
      let live = 0;
      for (const nodeId of gateway.live().keys()) if (lifeOf(gateway, nodeId)) live++;
      this.set({ status: "live" }, live);
    },
  });
  new Counter({
    name: "cnct_events_total",
    help: "Events of the log that the views show.",
    registers,
    collect() {
      this.reset();
      this.inc(projections.views.totals().events);
    },
  });
  new Gauge({
    name: "cnct_projection_lag_seconds",
    help: "Age of the oldest event that is known and not shown yet.",
    registers,
    collect() {
      this.set(projections.lag().behindMs / 1000);
    },
  });
  new Gauge({
    name: "cnct_projection_pending_events",
    help: "Events that were folded and are not shown yet.",
    registers,
    collect() {
      this.set(projections.lag().pending);
    },
  });
  new Gauge({
    name: "cnct_blob_store_bytes",
    help: "Bytes of all blobs that are stored here.",
    registers,
    collect() {
      this.set(blobs.usage().bytes);
    },
  });
  new Gauge({
    name: "cnct_subscribers",
    help: "Subscriptions that follow the log.",
    registers,
    collect() {
      this.set(tail.followers());
    },
  });
  new Gauge({
    name: "cnct_websockets",
    help: "WebSocket connections that are open.",
    registers,
    collect() {
      this.set(sockets.size);
    },
  });
  new Gauge({
    name: "cnct_websocket_buffered_bytes",
    help: "What was sent to subscribers and not taken by them yet.",
    registers,
    collect() {
      let bytes = 0;
      for (const { bufferedAmount } of sockets) bytes += bufferedAmount;
      this.set(bytes);
    },
  });

  return {
    registry,
    watch: (app) => {
      app.addHook("onResponse", async (request, reply) => {
        const route = request.routeOptions.url ?? "none";
        const labels = { method: request.method, route, status: String(reply.statusCode) };
        requests.inc(labels);
        duration.observe(labels, reply.elapsedTime / 1000);
      });
      app.get("/metrics", async (_request, reply) =>
        reply.type(registry.contentType).send(await registry.metrics()),
      );
    },
  };
};
