/** `cnct quote <app> <files…>`: what `cnct submit` with the same words would cost, and how it is checked. */

import type { Command } from "commander";
import type { JobQuote } from "../../sdk/index.ts";
import { withActor } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { addRequestOptions, appIn, type RequestFlags, requestsOf } from "../job-request.ts";
import { type Line, lineList, points, print, printJson } from "../output.ts";

export const addQuote = (program: Command): void => {
  addRequestOptions(
    program
      .command("quote")
      .description("what a job would cost, and how its results would be checked; submits nothing"),
  )
    .addHelpText(
      "after",
      `
Examples:
  cnct quote ocr page.png --assurance standard
  cnct quote ocr page.png --assurance high --json`,
    )
    .action(
      async (name: string, files: readonly string[], flags: RequestFlags, command: Command) => {
        const [request, ...others] = await requestsOf(appIn(name), files, flags);
        if (request === undefined)
          throw new CliFailure("missing-input", "there is no job to quote", exitCodes.badInput);
        // As the one that would submit it: whether it is sealed shows in the plan.
        await withActor(command, async (client, { json }) => {
          const quote = await client.quote(request);
          // Those of one command differ in their files alone, and files do not change the price.
          const jobs = 1 + others.length;
          if (json) printJson({ jobs, ...quote });
          else print(quoteText(quote, jobs));
        });
      },
    );
};

const quoteText = (quote: JobQuote, jobs: number): string => {
  const { plan, eligible, arbiters, executions } = quote;
  const sum = (amount: string) =>
    jobs === 1
      ? `${points(amount)} points`
      : `${points(BigInt(amount) * BigInt(jobs))} points for ${jobs} jobs (${points(amount)} each)`;
  const results = `${Number(executions.toFixed(2))} results${jobs === 1 ? "" : " a job"}`;
  const lines: readonly Line[] = [
    { name: "app", value: quote.app },
    { name: "assurance", value: quote.assurance?.toLowerCase() ?? "none: a plain quorum" },
    { name: "price", value: `${points(quote.price)} points for each accepted result` },
    { name: "at most", value: `${sum(quote.escrow)}, set aside at once` },
    { name: "as a rule", value: `${sum(quote.expected)}: ${results}, if all nodes are honest` },
    { name: "wait", value: waitText(quote.waitMs) },
    { name: "nodes", value: nodesText(eligible, quote.assurance !== null) },
    ...eligible.classes.map(({ executionClass, nodes, live }) => ({
      name: "",
      value: `${executionClass}: ${nodes}, ${live} live`,
    })),
    ...(plan.threshold === null ? [] : [{ name: "arbiters", value: nodesText(arbiters, false) }]),
    ...plan.text.map((value, at) => ({ name: at === 0 ? "checks" : "", value })),
    { name: "policy", value: `version ${quote.policyVersion}` },
  ];
  return lineList(lines);
};

const waitText = (waitMs: number | null): string => {
  if (waitMs === null) return "not known: no live node has computed this app yet";
  return `about ${waitMs < 1_000 ? `${Math.ceil(waitMs)} ms` : `${Number((waitMs / 1_000).toPrecision(2))} s`}, by what is open now`;
};

const nodesText = (
  { nodes, live, owners, trusted }: JobQuote["eligible"],
  shows: boolean,
): string => {
  const trust = shows ? `, ${trusted} trusted alone` : "";
  return `${nodes} of ${owners} ${owners === 1 ? "owner" : "owners"}, ${live} live${trust}`;
};
