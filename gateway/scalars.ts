/** The schema's own scalars: what is read from requests and how values are written. */
import { GraphQLError, type ValueNode, valueFromASTUntyped } from "graphql";
import { isCnctId } from "../domain/identity/inception.ts";
import { isDigest, isNodeId } from "../domain/ids.ts";
import { isMicroPoints } from "../domain/points.ts";

interface Scalar {
  readonly parseValue: (value: unknown) => unknown;
  readonly parseLiteral: (
    node: ValueNode,
    variables?: Readonly<Record<string, unknown>> | null,
  ) => unknown;
  readonly serialize: (value: unknown) => unknown;
}

const scalar = (
  parse: (value: unknown) => unknown,
  serialize: (value: unknown) => unknown = (value) => value,
): Scalar => ({
  parseValue: parse,
  parseLiteral: (node, variables) => parse(valueFromASTUntyped(node, variables)),
  serialize,
});

const checked = (isOne: (value: unknown) => boolean, expected: string): Scalar =>
  scalar((value) => {
    if (isOne(value)) return value;
    throw new GraphQLError(`expected ${expected}`);
  });

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const accountForm =
  /^(client|node|pending|bond|escrow):[a-z0-9][a-z0-9-]{0,63}$|^(issuance|slash-sink)$/;
const positionForm = /^(-1|0|[1-9][0-9]{0,19})$/;

export const scalars: Readonly<Record<string, Scalar>> = {
  Digest: checked(isDigest, "64 characters of 0-9 and a-f"),
  NodeId: checked(isNodeId, "a node's name: 3 to 64 characters of a-z, 0-9 and hyphen"),
  AccountId: checked(
    (value) => typeof value === "string" && accountForm.test(value),
    'an account such as "client:ada"',
  ),
  Position: scalar((value) => {
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text === "string" && positionForm.test(text)) return text;
    throw new GraphQLError(
      'expected a position: a whole number as a string, "-1" for the beginning',
    );
  }, String),
  MicroPoints: scalar((value) => {
    if (isMicroPoints(value)) return value;
    throw new GraphQLError("expected micro-points: a whole number of at least 0 as a string");
  }, String),
  Instant: checked(isWhole, "milliseconds since the Unix epoch"),
  Millis: checked(isWhole, "a whole number of milliseconds"),
  Bytes: checked(isWhole, "a whole number of bytes"),
  Json: scalar((value) => value),
  // What is read by those who refuse it with a code.
  JobSpecJson: scalar((value) => value),
  WrapsJson: scalar((value) => value),
  InceptionRecordJson: scalar((value) => value),
  IdentityStatementJson: scalar((value) => value),
  CnctId: checked(isCnctId, 'the id of an identity: "cnct:" and 52 characters'),
  Hex: checked(
    (value) => typeof value === "string" && /^(?:[0-9a-f]{2}){1,512}$/.test(value),
    "bytes in lower-case hex",
  ),
};
