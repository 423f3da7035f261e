/** What a job would cost and how it would be checked, before anything is stored or submitted. */

import type { JobSpec } from "../domain/job/spec.ts";
import { CnctRefusal } from "./errors.ts";
import type { JobQuote, Refusal } from "./schema.types.ts";

const eligible = "{ nodes live owners trusted classes { executionClass nodes live owners } }";

const document = `query Quote($spec: JobSpecJson!, $atLeast: Position) {
  quote(spec: $spec, atLeast: $atLeast) { __typename
    ... on JobQuote { app assurance policyVersion price escrow expected executions waitMs
      eligible ${eligible} arbiters ${eligible}
      plan { comparator byTag oneClass quorum replicasAtStart replicasMax commit threshold auditShare
        arbitersToConvict holdJobs holdMs text } }
    ... on Refusal { code message } } }`;

type Answer =
  | ({ readonly __typename: "JobQuote" } & JobQuote)
  | ({ readonly __typename: "Refusal" } & Refusal);

/** @throws {CnctRefusal} With the code of the rule by which the job would be refused. */
export const quoteSpec = async (
  spec: JobSpec,
  ask: <Data>(query: string, variables: Readonly<Record<string, unknown>>) => Promise<Data>,
): Promise<JobQuote> => {
  const { quote } = await ask<{ quote: Answer }>(document, { spec });
  if (quote.__typename === "Refusal") throw new CnctRefusal(quote.code, quote.message);
  const { __typename: _, ...rest } = quote;
  return rest;
};
