/** The collector in its namespace: one job with the strict policy, and one without, as a control. */

import { isPublicAddress } from "../../domain/collection/addresses.ts";
import { type CollectNetwork, publicInternet } from "../../worker/collect/network.ts";
import { insideAddress, publicAddress } from "./namespaces.ts";
import { collect, openTestCollect } from "./run.ts";

const names = (): CollectNetwork["resolve"] => {
  let questions = 0;
  return async (host) => {
    if (host === "inside.example.org") return [insideAddress];
    if (host === "flip.example.org") return [questions++ === 0 ? publicAddress : insideAddress];
    return [publicAddress];
  };
};
/** The real policy, but for the one address that is the internet in this test. */
const strict: CollectNetwork = {
  ...publicInternet,
  resolve: names(),
  mayConnect: (address) => address === publicAddress || isPublicAddress(address),
};
const careless: CollectNetwork = { ...strict, resolve: names(), mayConnect: () => true };

const hosts = [
  "http://www.example.org/",
  "http://www.example.org/to-inside",
  "http://www.example.org/to-address",
  "http://www.example.org/to-self",
  "http://inside.example.org/",
  "http://flip.example.org/",
];
const say = async (network: CollectNetwork, urls: readonly string[]) =>
  console.log(JSON.stringify(await collect(openTestCollect({ network }), urls)));
await say(strict, hosts);
await say(strict, ["http://www.example.org/inside-visits"]);
await say(careless, ["http://inside.example.org/"]);
await say(strict, ["http://www.example.org/inside-visits"]);
