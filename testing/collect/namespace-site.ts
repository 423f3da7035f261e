/** The site in its namespace: public pages at one address, and at the other what must stay unread. */

import { createServer } from "node:http";
import { insideAddress, publicAddress } from "./namespaces.ts";

const pages: Readonly<Record<string, string>> = {
  "/to-inside": "http://inside.example.org/",
  "/to-address": `http://${insideAddress}/`,
  "/to-self": "http://127.0.0.1/",
};
let insideVisits = 0;

const outside = createServer((request, response) => {
  const location = pages[request.url ?? ""];
  if (request.url === "/robots.txt") response.writeHead(404).end();
  else if (request.url === "/inside-visits") {
    response.writeHead(200, { "content-type": "application/json" }).end(String(insideVisits));
  } else if (location) response.writeHead(302, { location }).end();
  else response.writeHead(200, { "content-type": "text/html" }).end("public");
});
const inside = createServer((_, response) => {
  insideVisits++;
  response.writeHead(200, { "content-type": "text/html" }).end("secret");
});
inside.listen(80, insideAddress, () =>
  outside.listen(80, publicAddress, () => console.log("listening")),
);
