/** A policy in a file of an operator. */

import { readFile } from "node:fs/promises";
import { type Policy, parsePolicy } from "../../domain/policy/policy.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";

/**
 * @throws {CliFailure} `policy-no-json`, or the fault that `parsePolicy` finds.
 * @throws Node's error when the file cannot be read.
 */
export const readPolicyFile = async (path: string): Promise<Policy> => {
  const text = await readFile(path, "utf8");
  return demandPolicy(jsonIn(text, path), path);
};

/** @throws {CliFailure} With the fault that `parsePolicy` finds. */
export const demandPolicy = (value: unknown, where: string): Policy => {
  const parsed = parsePolicy(value);
  if (parsed.ok) return parsed.policy;
  throw new CliFailure(parsed.code, `${where}: ${parsed.message}`, exitCodes.badInput);
};

const jsonIn = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliFailure(
      "policy-no-json",
      `${path} is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      exitCodes.badInput,
    );
  }
};
