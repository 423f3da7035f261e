/** Every resolver of the schema. */
import type { Context } from "../context.ts";
import type { Resolvers } from "../schema.types.ts";
import type { GatewaySources } from "../sources.ts";
import { Subscription } from "../subscriptions.ts";
import * as accounts from "./accounts.ts";
import * as apps from "./apps.ts";
import * as blobs from "./blobs.ts";
import * as drains from "./drains.ts";
import * as events from "./events.ts";
import * as identities from "./identities.ts";
import * as jobs from "./jobs.ts";
import * as nats from "./nats.ts";
import * as network from "./network.ts";
import * as nodes from "./nodes.ts";
import * as policy from "./policy.ts";
import * as quotes from "./quotes.ts";
import * as reputation from "./reputation.ts";
import * as sealing from "./sealing.ts";
import * as serviceKeys from "./service-keys.ts";

export const resolvers: Resolvers<GatewaySources, Context> = {
  Query: {
    ...jobs.Query,
    ...sealing.Query,
    ...nodes.Query,
    ...reputation.Query,
    ...accounts.Query,
    ...blobs.Query,
    ...apps.Query,
    ...identities.Query,
    ...serviceKeys.Query,
    ...network.Query,
    ...policy.Query,
    ...quotes.Query,
  },
  Mutation: {
    ...jobs.Mutation,
    ...sealing.Mutation,
    ...nodes.Mutation,
    ...drains.Mutation,
    ...nats.Mutation,
    ...identities.Mutation,
    ...serviceKeys.Mutation,
  },
  Subscription,
  Job: { ...jobs.Job, ...sealing.Job },
  Task: jobs.Task,
  Node: nodes.Node,
  MeasuredSpeed: nodes.MeasuredSpeed,
  Reputation: reputation.Reputation,
  ScoreChange: reputation.ScoreChange,
  Requester: reputation.Requester,
  Identity: identities.Identity,
  Account: accounts.Account,
  Entry: accounts.Entry,
  Blob: blobs.Blob,
  App: apps.App,
  Network: network.Network,
  Event: events.Event,
};
