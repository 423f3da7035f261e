/**
 * The policy: the parameters by which the network dispatches, verifies, scores and prices. One
 * versioned object, adopted as a whole, so that a decision can name the policy it was made under.
 */

import { canonicalJson } from "../canonical-json.ts";
import { type Group, isParameter, type Parameter, type ValuesOf } from "./parameter.ts";
import { parameters } from "./parameters.ts";

/** Each parameter is described, with its bounds, in `parameters.ts`. */
export type Policy = ValuesOf<typeof parameters>;
export type VerificationPolicy = Policy["verification"];

export type PolicyFault =
  | "policy-not-an-object"
  | "parameter-missing"
  | "parameter-unknown"
  | "parameter-absurd"
  | "high-below-standard"
  | "too-few-arbiters";

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly code: PolicyFault; readonly message: string };

const defaultsOf = (group: Group): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(group).map(([name, entry]) => [
      name,
      isParameter(entry) ? entry.standard : defaultsOf(entry),
    ]),
  );

/** In force until another one is adopted. */
export const policyDefaults = defaultsOf(parameters) as unknown as Policy;

/**
 * Reads a policy from outside: every parameter must be there and nothing else, each within its
 * bounds. The message names the first parameter that is wrong, what was given, and what may be.
 */
export const parsePolicy = (value: unknown): ParsedPolicy => {
  const refusal = faultIn(value, parameters, "");
  if (refusal) return { ok: false, ...refusal };
  const policy = value as Policy;
  const disagreement = disagreementIn(policy);
  return disagreement ? { ok: false, ...disagreement } : { ok: true, policy };
};

/**
 * A policy that was adopted earlier, with the defaults of parameters that there were not then, and
 * without those that are no more. Believes the rest.
 */
export const withDefaults = (adopted: unknown): Policy =>
  filled(adopted, parameters) as unknown as Policy;

/** Whether two policies differ in nothing but their version. */
export const sameParameters = (a: Policy, b: Policy): boolean =>
  canonicalJson({ ...a, version: 0 }) === canonicalJson({ ...b, version: 0 });

/** One parameter that differs between two policies, by its path such as `verification.holdMs`. */
export interface PolicyChange {
  readonly parameter: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** In which parameters two policies differ, their versions aside. */
export const changesBetween = (from: Policy, to: Policy): readonly PolicyChange[] =>
  listParameters().flatMap(({ path, of }) => {
    const change = { parameter: path, from: of(from), to: of(to) };
    const differs = canonicalJson(change.from) !== canonicalJson(change.to);
    return differs && path !== "version" ? [change] : [];
  });

export interface ListedParameter {
  /** Such as `verification.standard.epsilon`. */
  readonly path: string;
  readonly parameter: Parameter<unknown>;
  /** Its value in a policy. */
  readonly of: (policy: Policy) => unknown;
}

/** All parameters, in their order. */
export const listParameters = (group: Group = parameters, at = ""): readonly ListedParameter[] =>
  Object.entries(group).flatMap(([name, entry]) => {
    const path = at === "" ? name : `${at}.${name}`;
    if (!isParameter(entry)) return listParameters(entry, path);
    const of = (policy: Policy) =>
      path.split(".").reduce<unknown>((value, part) => (value as Values)[part], policy);
    return [{ path, parameter: entry, of }];
  });

type Values = Readonly<Record<string, unknown>>;
type Fault = { readonly code: PolicyFault; readonly message: string };

const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const faultIn = (value: unknown, group: Group, at: string): Fault | undefined => {
  if (!isObject(value)) {
    const what = at === "" ? "a policy" : at;
    return {
      code: "policy-not-an-object",
      message: `${what} must be a JSON object with ${Object.keys(group).join(", ")}`,
    };
  }
  const path = (name: string) => (at === "" ? name : `${at}.${name}`);
  for (const name of Object.keys(value))
    if (!Object.hasOwn(group, name))
      return {
        code: "parameter-unknown",
        message: `a policy has no parameter ${path(name.slice(0, 64))}; ${at === "" ? "it" : at} has ${Object.keys(group).join(", ")}`,
      };
  for (const [name, entry] of Object.entries(group)) {
    if (!Object.hasOwn(value, name))
      return {
        code: "parameter-missing",
        message: `${path(name)} is missing; ${isParameter(entry) ? `it must be ${entry.expected}` : `it has ${Object.keys(entry).join(", ")}`}`,
      };
    const given = value[name];
    if (!isParameter(entry)) {
      const inside = faultIn(given, entry, path(name));
      if (inside) return inside;
    } else if (!entry.allows(given))
      return {
        code: "parameter-absurd",
        message: `${path(name)} must be ${entry.expected}, not ${shown(given)}`,
      };
  }
  return undefined;
};

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
};

/** What each parameter alone does not show. */
const disagreementIn = ({ verification }: Policy): Fault | undefined => {
  const { standard, high, arbiters, arbitersToConvict } = verification;
  if (high.epsilon > standard.epsilon)
    return {
      code: "high-below-standard",
      message: `verification.high.epsilon is ${high.epsilon}, above the ${standard.epsilon} of standard: high must be at least as sure`,
    };
  if (arbiters.length > 0 && arbiters.length < arbitersToConvict)
    return {
      code: "too-few-arbiters",
      message: `verification.arbiters lists ${arbiters.length}, and arbitersToConvict is ${arbitersToConvict}: no cheat could ever be convicted`,
    };
  return undefined;
};

const filled = (value: unknown, group: Group): Values =>
  Object.fromEntries(
    Object.entries(group).map(([name, entry]) => {
      const given = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
      if (!isParameter(entry)) return [name, filled(given, entry)];
      return [name, given ?? entry.standard];
    }),
  );
