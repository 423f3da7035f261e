/** Requests that somebody would send to hurt a gateway, each with the code that it must be refused with. */

export interface HostileRequest {
  readonly name: string;
  readonly code: string;
  readonly method?: "POST" | "GET";
  /** The path with its query; `/graphql` if left out. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each request: `salt` keeps what was said before from answering it. */
  readonly body?: (salt: string) => string | Buffer;
}

const times = (count: number, make: (index: number) => string, between = " "): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(between);

const json = (value: object): string => JSON.stringify(value);

/** A request with this query. */
const asks = (
  name: string,
  code: string,
  query: string,
  rest: Readonly<Record<string, unknown>> = {},
): HostileRequest => ({
  name,
  code,
  body: (salt) => json({ query: `${query}#${salt}`, ...rest }),
});

const nested = (levels: number, inner = "hash"): string =>
  `{ jobs { nodes { ${"tasks { ".repeat(levels)}${inner}${" }".repeat(levels)} } } }`;

/** Each fragment spreads the next one twice: 2^count fields. */
const doubling = (count: number): string =>
  `{ ...f0 } ${times(count, (i) => `fragment f${i} on Query { a${i}: __typename ...f${i + 1} b${i}: __typename ...f${i + 1} }`)} fragment f${count} on Query { __typename }`;

const submission = "mutation ($s: [JobSpecJson!]!) { submitJobs(specs: $s) { __typename } }";
const digest = "0".repeat(64);

const byText: readonly HostileRequest[] = [
  asks("a query 11 levels deep", "QUERY_TOO_DEEP", nested(8)),
  asks("a query 300 levels deep", "QUERY_TOO_DEEP", nested(300)),
  asks("levels hidden in inline fragments", "QUERY_TOO_DEEP", nested(9, "... { ... { code } }")),
  asks(
    "levels hidden in fragments",
    "QUERY_TOO_DEEP",
    `{ jobs { nodes { ...a } } } fragment a on Job { tasks { ...b } } fragment b on Task ${nested(9).replace("jobs", "output")}`,
  ),
  asks("braces without end", "QUERY_TOO_DEEP", "{a".repeat(8_000)),
  asks("a value 1,900 lists deep", "QUERY_TOO_DEEP", `{ job(hash: ${"[".repeat(1_900)}`),
  asks(
    "31 aliases of one field",
    "TOO_MANY_ALIASES",
    `{ ${times(31, (i) => `a${i}: network { head }`)} }`,
  ),
  asks("300 aliases", "TOO_MANY_ALIASES", `{ ${times(300, (i) => `a${i}: __typename`)} }`),
  asks(
    "aliases in fragments",
    "TOO_MANY_ALIASES",
    `{ ...f } fragment f on Query { ${times(40, (i) => `a${i}: __typename`)} }`,
  ),
  asks(
    "aliases that multiply pages",
    "QUERY_TOO_COSTLY",
    `{ ${times(30, (i) => `a${i}: jobs(first: 100) { nodes { hash tasks { code } } }`)} }`,
  ),
  asks("5,000 aliases", "QUERY_TOO_LONG", `{ ${times(5_000, (i) => `a${i}:__typename`)} }`),
  asks("a fragment that spreads itself", "FRAGMENT_CYCLE", "{ ...a } fragment a on Query { ...a }"),
  asks(
    "a ring of fragments",
    "FRAGMENT_CYCLE",
    `{ ...f0 } ${times(20, (i) => `fragment f${i} on Query { ...f${(i + 1) % 20} }`)}`,
  ),
  asks(
    "a ring that nobody spreads",
    "FRAGMENT_CYCLE",
    "{ __typename } fragment a on Query { ...b } fragment b on Query { ...a }",
  ),
  asks("a bomb of fragments", "QUERY_TOO_LARGE", doubling(14).replaceAll(/[ab]\d+: /g, "")),
  asks(
    "30 fragments",
    "QUERY_TOO_LARGE",
    `{ ...f0 } ${times(30, (i) => `fragment f${i} on Query { __typename ${i < 29 ? `...f${i + 1}` : ""} }`)}`,
  ),
  asks(
    "100 spreads of one fragment",
    "QUERY_TOO_LARGE",
    `{ ${"...a ".repeat(100)} } fragment a on Query { __typename }`,
  ),
  asks(
    "51 directives",
    "TOO_MANY_DIRECTIVES",
    `{ __typename ${"@include(if: true) ".repeat(51)} }`,
  ),
  asks("a flood of directives", "TOO_MANY_DIRECTIVES", `{ __typename ${"@a ".repeat(900)} }`),
  asks(
    "directives on an operation",
    "TOO_MANY_DIRECTIVES",
    `query ${"@a ".repeat(60)} { __typename }`,
  ),
  asks(
    "directives on a variable",
    "TOO_MANY_DIRECTIVES",
    `query ($a: Int ${"@a ".repeat(60)}) { __typename }`,
  ),
  asks("10^5 tokens", "QUERY_TOO_LONG", `{ ${"a ".repeat(100_000)} }`),
  asks("2,001 tokens in few characters", "QUERY_TOO_LONG", `{${"a,".repeat(2_100)}}`),
  asks("a name of 16,000 characters", "GRAPHQL_VALIDATION_FAILED", `{ ${"a".repeat(16_000)} }`),
  asks(
    "a string of 20,000 characters",
    "QUERY_TOO_LONG",
    `{ app(name: "${"a".repeat(20_000)}") { name } }`,
  ),
  asks("one field 51 times", "QUERY_TOO_LARGE", `{ ${"__typename ".repeat(51)} }`),
  asks(
    "fields that must be merged",
    "QUERY_TOO_LARGE",
    `{ ${times(120, () => "network { head }")} }`,
  ),
  asks(
    "fields that cannot be merged",
    "GRAPHQL_VALIDATION_FAILED",
    `{ ${times(15, (i) => `x: app(name: "${i}") { name }`)} }`,
  ),
  asks(
    "501 fields",
    "QUERY_TOO_LARGE",
    `{ ${times(11, (i) => `a${i}: network { ${times(45, (j) => `...f${j % 2}`)} }`)} } fragment f0 on Network { head position } fragment f1 on Network { events version }`,
  ),
  asks("100 unknown fields", "GRAPHQL_VALIDATION_FAILED", `{ ${times(400, (i) => `jobz${i}`)} }`),
  asks(
    "unknown arguments",
    "GRAPHQL_VALIDATION_FAILED",
    `{ jobs(${times(300, (i) => `firzt${i}: 1`)}) { nodes { hash } } }`,
  ),
  asks(
    "50 operations",
    "QUERY_TOO_LARGE",
    times(50, (i) => `query q${i} { __typename }`),
  ),
  asks(
    "two operations and no name",
    "OPERATION_UNKNOWN",
    "query a { __typename } query b { __typename }",
  ),
  asks("the name of another operation", "OPERATION_UNKNOWN", "query a { __typename }", {
    operationName: "b",
  }),
  asks("a name that breaks out of a comment", "OPERATION_UNKNOWN", "query a { __typename }", {
    operationName: "a\n{ network { head } }",
  }),
  asks("__proto__ as the operation's name", "OPERATION_UNKNOWN", "query a { __typename }", {
    operationName: "__proto__",
  }),
  asks("no operation", "OPERATION_UNKNOWN", "fragment a on Query { __typename } "),
  asks(
    "type definitions",
    "GRAPHQL_VALIDATION_FAILED",
    `type A { a: Int } ${times(200, (i) => `scalar S${i}`)}`,
  ),
  asks(
    "introspection 30 times",
    "TOO_MANY_ALIASES",
    `{ ${times(31, (i) => `a${i}: __schema { types { name } }`)} }`,
  ),
  asks(
    "four questions for the schema",
    "QUERY_TOO_LARGE",
    `{ ${times(4, (i) => `a${i}: __schema { types { name } }`)} }`,
  ),
  asks(
    "an introspection bomb",
    "GRAPHQL_VALIDATION_FAILED",
    `{ __schema { types { ${"fields { type { ".repeat(6)} name ${" } }".repeat(6)} } } }`,
  ),
  asks(
    "pages of pages",
    "QUERY_TOO_COSTLY",
    "{ accounts(first: 100) { nodes { entries(first: 100) { nodes { at } } } } }",
  ),
  asks(
    "pages of pages by a variable",
    "QUERY_TOO_COSTLY",
    "query ($n: Int!) { accounts(first: $n) { nodes { entries(first: $n) { nodes { at } } } } }",
    { variables: { n: 100 } },
  ),
  asks(
    "pages by a default",
    "QUERY_TOO_COSTLY",
    "query ($n: Int! = 100) { accounts(first: $n) { nodes { entries(first: $n) { nodes { at } } } } }",
  ),
  asks(
    "the histories of a hundred jobs",
    "QUERY_TOO_COSTLY",
    `{ jobs(first: 100) { nodes { ${times(3, (i) => `h${i}: history { id }`)} } } }`,
  ),
  asks("a page of 10^9 rows", "BAD_USER_INPUT", "{ jobs(first: 1000000000) { nodes { hash } } }"),
  asks(
    "a page of 10^30 rows",
    "GRAPHQL_VALIDATION_FAILED",
    `{ jobs(first: 1${"0".repeat(30)}) { nodes { hash } } }`,
  ),
  asks(
    "a page of 10^300 rows by a variable",
    "BAD_USER_INPUT",
    "query ($n: Int!) { jobs(first: $n) { nodes { hash } } }",
    { variables: { n: 1e300 } },
  ),
  asks("a page of minus one", "BAD_USER_INPUT", "{ jobs(first: -1) { nodes { hash } } }"),
  asks(
    "a page without a number",
    "BAD_USER_INPUT",
    "query ($n: Int!) { jobs(first: $n) { nodes { hash } } }",
    { variables: { n: "100" } },
  ),
  asks(
    "variables that are a list",
    "BAD_USER_INPUT",
    "query ($n: String!) { app(name: $n) { name } }",
    {
      variables: [1],
    },
  ),
  asks(
    "variables of 200 kB",
    "REQUEST_TOO_LARGE",
    "query ($n: String!) { app(name: $n) { name } }",
    { variables: { n: "x".repeat(200_000) } },
  ),
  asks("20,000 variables", "BODY_TOO_LARGE", "query ($n: String) { __typename }", {
    variables: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`v${i}`, i])),
  }),
  asks("invisible characters", "GRAPHQL_PARSE_FAILED", "{ \u200bnetwork\u202e { head } }"),
  asks("letters that look alike", "GRAPHQL_PARSE_FAILED", "{ n\u0435twork { head } }"),
  asks("half a character", "GRAPHQL_PARSE_FAILED", '{ app(name: "\\uD800") { name } }'),
  asks("a NUL", "GRAPHQL_PARSE_FAILED", "{ network\u0000 { head } }"),
  asks("a string without end", "GRAPHQL_PARSE_FAILED", `{ app(name: """${'\\"""'.repeat(1_000)}`),
  asks(
    "a query that is a JSON tree",
    "GRAPHQL_PARSE_FAILED",
    json({ kind: "Document", definitions: [] }),
  ),
  asks("a subscription by POST", "WRONG_TRANSPORT", "subscription { events { position } }"),
];

const byBody: readonly HostileRequest[] = [
  {
    name: "a list of 100,000 lists",
    code: "BODY_TOO_LARGE",
    body: () => `{"variables":[${"[],".repeat(100_000)}[]]}`,
  },
  {
    name: "a batch",
    code: "BATCH_NOT_ALLOWED",
    body: (salt) =>
      json(Array.from({ length: 100 }, () => ({ query: `{ network { head } }#${salt}` }))),
  },
  { name: "an empty batch", code: "BATCH_NOT_ALLOWED", body: () => "[]" },
  {
    name: "JSON 65 levels deep",
    code: "BODY_TOO_DEEP",
    body: () => `{"query":"{ __typename }","variables":${"[".repeat(65)}${"]".repeat(65)}}`,
  },
  {
    name: "JSON 10^6 levels deep",
    code: "BODY_TOO_DEEP",
    body: () => `{"variables":${"[".repeat(1_000_000)}`,
  },
  { name: "objects 10^5 levels deep", code: "BODY_TOO_DEEP", body: () => '{"a":'.repeat(100_000) },
  {
    name: "__proto__ in the body",
    code: "BAD_JSON",
    body: () => '{"query":"{ __typename }","__proto__":{"isAdmin":true}}',
  },
  {
    name: "__proto__ in the variables",
    code: "BAD_JSON",
    body: () => '{"query":"{ __typename }","variables":{"__proto__":{"first":100}}}',
  },
  {
    name: "constructor.prototype in the variables",
    code: "BAD_JSON",
    body: () => '{"query":"{ __typename }","variables":{"constructor":{"prototype":{"first":1}}}}',
  },
  {
    name: "a body of 3 MB",
    code: "BODY_TOO_LARGE",
    body: () => json({ query: "x".repeat(3_000_000) }),
  },
  { name: "no query", code: "BAD_REQUEST", body: () => "{}" },
  { name: "a query that is null", code: "BAD_REQUEST", body: () => '{"query":null}' },
  { name: "a body that is a number", code: "BAD_REQUEST", body: () => "1" },
  { name: "half a body", code: "BAD_JSON", body: () => '{"query":"{ __type' },
  {
    name: "bytes that are no UTF-8",
    code: "BAD_JSON",
    body: () => Buffer.from([0x7b, 0xff, 0xfe, 0x22]),
  },
  {
    name: "a hash that nobody sent",
    code: "PERSISTED_QUERY_NOT_FOUND",
    body: () => json({ extensions: { persistedQuery: { version: 1, sha256Hash: digest } } }),
  },
  {
    name: "a text under another's hash",
    code: "PERSISTED_QUERY_MISMATCH",
    body: (salt) =>
      json({
        query: `{ __typename }#${salt}`,
        extensions: { persistedQuery: { version: 1, sha256Hash: digest } },
      }),
  },
  {
    name: "a hash called __proto__",
    code: "BAD_USER_INPUT",
    body: () => json({ extensions: { persistedQuery: { version: 1, sha256Hash: "__proto__" } } }),
  },
  {
    name: "a hash of version 2",
    code: "BAD_USER_INPUT",
    body: () => json({ extensions: { persistedQuery: { version: 2, sha256Hash: digest } } }),
  },
  {
    name: "a mutation with the wrong type",
    code: "BAD_USER_INPUT",
    body: (salt) => json({ query: `${submission}#${salt}`, variables: { s: null } }),
  },
];

const get = (query: string, rest = ""): string =>
  `/graphql?query=${encodeURIComponent(query)}${rest}`;

const byHeader: readonly HostileRequest[] = [
  {
    name: "a form, as any page can send it",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: () => "query=%7B__typename%7D",
  },
  {
    name: "plain text, as any page can send it",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "text/plain" },
    body: () => '{"query":"{ __typename }"}',
  },
  {
    name: "a form with files",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "multipart/form-data; boundary=a" },
    body: () => "--a--",
  },
  {
    name: "a query without JSON",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "application/graphql" },
    body: () => "{ __typename }",
  },
  {
    name: "a type that only begins like JSON",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "application/json-seq" },
    body: () => "{}",
  },
  {
    name: "a compressed body",
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: () => Buffer.from("1f8b0800", "hex"),
  },
  {
    name: "a page of another origin",
    code: "FOREIGN_ORIGIN",
    headers: { "content-type": "application/json", origin: "https://evil.example" },
    body: () => '{"query":"{ __typename }"}',
  },
  {
    name: "a mutation by GET",
    code: "METHOD_NOT_ALLOWED",
    method: "GET",
    path: get(
      `mutation { cancelJob(input: { hash: "${digest}", client: "client:ada" }) { __typename } }`,
    ),
  },
  {
    name: "a mutation by GET under a query's name",
    code: "METHOD_NOT_ALLOWED",
    method: "GET",
    path: get(
      `query a { __typename } mutation b { cancelJob(input: { hash: "${digest}", client: "client:ada" }) { __typename } }`,
      "&operationName=b",
    ),
  },
  {
    name: "a subscription by GET",
    code: "WRONG_TRANSPORT",
    method: "GET",
    path: get("subscription { events { position } }"),
  },
  {
    name: "variables by GET that are no JSON",
    code: "BAD_USER_INPUT",
    method: "GET",
    path: get("{ __typename }", "&variables=%7B"),
  },
  {
    name: "pages of pages by GET",
    code: "QUERY_TOO_COSTLY",
    method: "GET",
    path: get("{ accounts(first: 100) { nodes { entries(first: 100) { nodes { at } } } } }"),
  },
];

export const hostileRequests: readonly HostileRequest[] = [...byText, ...byBody, ...byHeader];

/** Sends one; answers the code that the gateway gives, and its whole answer. */
export const sendHostile = async (
  gateway: string,
  { method = "POST", path = "/graphql", headers, body }: HostileRequest,
  salt: string,
): Promise<{
  readonly code: string | undefined;
  readonly status: number;
  readonly answer: unknown;
}> => {
  const sent = body?.(salt);
  const response = await fetch(gateway + path, {
    method,
    headers: headers ?? { "content-type": "application/json" },
    ...(sent === undefined ? {} : { body: sent as string }),
  });
  const answer = (await response.json()) as {
    readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
    readonly code?: string;
  };
  const code =
    answer.errors?.[0]?.extensions?.code ?? answer.code?.toUpperCase().replaceAll("-", "_");
  return { code, status: response.status, answer };
};
