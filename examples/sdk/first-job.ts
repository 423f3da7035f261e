/**
 * The shortest program that uses CNCT: finds the faces in a photo.
 *
 *     node examples/sdk/first-job.ts photo.jpg
 */
import { readFile } from "node:fs/promises";
import { connect, newIdentity } from "../../sdk/index.ts";

const gateway = process.env["CNCT_GATEWAY"] ?? "http://127.0.0.1:4000";
const client = connect({ gateway, identity: newIdentity() });
const image = await readFile(process.argv[2] ?? "photo.jpg");
const { hash } = await client.submit({ app: "faces", inputs: { image } });
const output = await client.result(hash); // Waits for the verdict, and checks the digest.
const { faces } = JSON.parse(new TextDecoder().decode(output));
console.log(`job ${hash.slice(0, 12)}: ${faces.length} faces`);
await client.close();
