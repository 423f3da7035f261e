/** What one parameter of a policy may be: its default, its bounds, and what it says. */

export interface Parameter<Value> {
  readonly kind: "parameter";
  readonly standard: Value;
  /** What it does, with its unit and where the figure comes from. */
  readonly says: string;
  /** What is allowed, as the end of the sentence "… must be". */
  readonly expected: string;
  readonly allows: (value: unknown) => value is Value;
}

/** A fraction or another real number. */
export const number = (
  standard: number,
  { least, most, says }: { readonly least: number; readonly most: number; readonly says: string },
): Parameter<number> => ({
  kind: "parameter",
  standard,
  says,
  expected: `a number from ${least} to ${most}`,
  allows: (value): value is number => typeof value === "number" && value >= least && value <= most,
});

export const whole = (
  standard: number,
  { least, most, says }: { readonly least: number; readonly most: number; readonly says: string },
): Parameter<number> => ({
  kind: "parameter",
  standard,
  says,
  expected: `a whole number from ${least} to ${most}`,
  allows: (value): value is number =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
});

/** Yes or no. */
export const flag = (
  standard: boolean,
  { says }: { readonly says: string },
): Parameter<boolean> => ({
  kind: "parameter",
  standard,
  says,
  expected: "true or false",
  allows: (value): value is boolean => typeof value === "boolean",
});

const ownersMax = 64;

/** Names of node owners, each once. */
export const owners = (says: string): Parameter<readonly string[]> => ({
  kind: "parameter",
  standard: [],
  says,
  expected: `a list of at most ${ownersMax} owners, each once, of 1 to 128 characters`,
  allows: (value): value is readonly string[] =>
    Array.isArray(value) &&
    value.length <= ownersMax &&
    new Set(value).size === value.length &&
    value.every((owner) => typeof owner === "string" && /^[^\p{C}]{1,128}$/u.test(owner)),
});

/** Parameters by name, in groups. */
export interface Group {
  readonly [name: string]: Parameter<unknown> | Group;
}

/** What a policy holds for such a group. */
export type ValuesOf<Of> = {
  readonly [Name in keyof Of]: Of[Name] extends Parameter<infer Value> ? Value : ValuesOf<Of[Name]>;
};

export const isParameter = (entry: Parameter<unknown> | Group): entry is Parameter<unknown> =>
  "kind" in entry && entry.kind === "parameter";
