/** GraphiQL at `/graphiql`, served from installed packages: the page asks nobody but this gateway. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";

const require = createRequire(import.meta.url);
const inPackage = (name: string, file: string): string =>
  join(dirname(require.resolve(`${name}/package.json`)), file);
const own = (file: string): string => fileURLToPath(new URL(`graphiql/${file}`, import.meta.url));

const files: Readonly<Record<string, { readonly path: () => string; readonly type: string }>> = {
  "": { path: () => own("index.html"), type: "text/html" },
  "/page.js": { path: () => own("page.js"), type: "text/javascript" },
  "/page.css": { path: () => own("page.css"), type: "text/css" },
  "/graphiql.js": { path: () => inPackage("graphiql", "graphiql.min.js"), type: "text/javascript" },
  "/graphiql.css": { path: () => inPackage("graphiql", "graphiql.min.css"), type: "text/css" },
  "/react.js": {
    path: () => inPackage("react", "umd/react.production.min.js"),
    type: "text/javascript",
  },
  "/react-dom.js": {
    path: () => inPackage("react-dom", "umd/react-dom.production.min.js"),
    type: "text/javascript",
  },
  "/graphql-ws.js": {
    path: () => inPackage("graphql-ws", "umd/graphql-ws.min.js"),
    type: "text/javascript",
  },
};

/** Only what this gateway serves; GraphiQL's style sheet carries its fonts in itself. */
const policy =
  "default-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const graphiqlRoutes = async (app: FastifyInstance): Promise<void> => {
  for (const [path, { path: fileOf, type }] of Object.entries(files))
    app.get(`/graphiql${path}`, async (request, reply) => {
      const content = await readFile(fileOf());
      const etag = `"${createHash("sha256").update(content).digest("base64url")}"`;
      reply.headers({
        "content-type": `${type}; charset=utf-8`,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
        etag,
      });
      if (request.headers["if-none-match"] === etag) return reply.code(304).send();
      return reply.send(content);
    });
};
