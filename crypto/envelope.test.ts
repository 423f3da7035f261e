/**
 * Sealing and opening together, and what an attacker could do to an envelope on its way. One file,
 * because every attack begins with the same whole envelope and must end in a refusal of its own.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import type { Digest } from "../domain/ids.ts";
import { chunkBytes, headBytes, preambleBytes, sealedChunkBytes, sealedSize } from "./body.ts";
import { concat, hexOf, utf8 } from "./bytes.ts";
import { type OpenRefusal, openBody, openContentKey } from "./open.ts";
import type { Primitives } from "./primitives.ts";
import { native } from "./primitives-native.ts";
import { portable } from "./primitives-portable.ts";
import { openJobKey, resultTag } from "./result-tag.ts";
import { newContentKey, sealBody, wrapContentKey } from "./seal.ts";
import { newEncryptionPair } from "./signatures.ts";
import {
  inputHeader,
  macOf,
  readWraps,
  recipientsMax,
  resultHeader,
  type WrapHeader,
  type Wraps,
  wrapsCharsMax,
  writeWraps,
} from "./wraps.ts";

const digestOf = (bytes: Uint8Array): Digest => hexOf(native.sha256(bytes));
const pairs = Array.from({ length: recipientsMax + 1 }, () => newEncryptionPair(native));
const [ada, bob, eve] = pairs as [(typeof pairs)[0], (typeof pairs)[0], (typeof pairs)[0]];
const keysOf = (...some: readonly (typeof ada)[]): ReadonlyMap<Digest, Uint8Array> =>
  new Map(some.map(({ publicKey, secret }) => [encryptionKeyId(publicKey), secret]));

const jobHash = digestOf(utf8("a job"));
const otherJob = digestOf(utf8("another job"));
const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);

const wrap = (
  contentKey: Uint8Array,
  header: WrapHeader,
  ...to: readonly (typeof ada)[]
): Wraps => {
  const recipients = to.map(({ publicKey }) => publicKey);
  const wrapped = wrapContentKey(native, { contentKey, header, recipients });
  assert.ok(wrapped.ok);
  return wrapped.wraps;
};

/** A whole envelope, and what its reader expects. */
const envelope = (plaintext: Uint8Array, ...to: readonly (typeof ada)[]) => {
  const contentKey = newContentKey(native);
  const body = sealBody(native, { contentKey, plaintext });
  const header = inputHeader(jobHash, [digestOf(body)]);
  return { contentKey, body, header, wraps: wrap(contentKey, header, ...to) };
};

/** All that a reader does: the plaintext, or the code of the refusal. */
const read = (
  primitives: Primitives,
  input: {
    readonly wraps: unknown;
    readonly header: WrapHeader;
    readonly body: Uint8Array;
    readonly as: typeof ada;
  },
): Uint8Array | OpenRefusal => {
  const { wraps, header, body } = input;
  const opened = openContentKey(primitives, { wraps, expected: header, keys: keysOf(input.as) });
  if (!opened.ok) return opened.code;
  const digest = header.bodies[0] as Digest;
  const answer = openBody(primitives, { contentKey: opened.contentKey, body, digest });
  return answer.ok ? answer.plaintext : answer.code;
};

describe("a sealed input", () => {
  test("is opened by each recipient, whatever its length", () => {
    const around = [chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, 3 * chunkBytes + 5];
    for (const length of [0, 1, 100, ...around])
      for (const primitives of [native, portable]) {
        const plaintext = text(length);
        const { wraps, header, body } = envelope(plaintext, ada, bob);
        assert.equal(body.length, sealedSize(length));
        for (const as of [ada, bob])
          assert.deepEqual(read(primitives, { wraps, header, body, as }), plaintext);
      }
  });

  test("has one text in both directions", () => {
    const { wraps } = envelope(text(5), ada, bob);
    assert.deepEqual(readWraps(writeWraps(wraps)), { ok: true, wraps });
    const { mac, ...rest } = wraps;
    for (const other of [JSON.stringify({ mac, ...rest }), ` ${writeWraps(wraps)}`, "", "[]", "{"])
      assert.deepEqual(readWraps(other), { ok: false, code: "wraps-malformed" });
  });

  test("fits its text with as many recipients and bodies as may be", () => {
    const bodies = Array.from({ length: 16 }, (_, i) => digestOf(Uint8Array.of(i)));
    const wraps = wrap(
      newContentKey(native),
      inputHeader(jobHash, bodies),
      ...pairs.slice(0, recipientsMax),
    );
    assert.ok(writeWraps(wraps).length <= wrapsCharsMax, `${writeWraps(wraps).length}`);
    assert.equal(readWraps(writeWraps(wraps)).ok, true);
  });

  test("is wrapped for one who comes late, and the body stays as it is", () => {
    const plaintext = text(1_000);
    const { contentKey, body, header } = envelope(plaintext, ada);
    const late = wrap(contentKey, header, bob);
    assert.deepEqual(read(native, { wraps: late, header, body, as: bob }), plaintext);
    assert.equal(read(native, { wraps: late, header, body, as: ada }), "not-a-recipient");
  });

  test("may be one of several under one key, each with a salt of its own", () => {
    const contentKey = newContentKey(native);
    const plaintext = text(50);
    const bodies = [1, 2].map(() => sealBody(native, { contentKey, plaintext }));
    const header = inputHeader(jobHash, bodies.map(digestOf));
    assert.equal(header.bodies.length, 2);
    const keys = keysOf(ada);
    const opened = openContentKey(native, {
      wraps: wrap(contentKey, header, ada),
      expected: header,
      keys,
    });
    assert.ok(opened.ok);
    for (const body of bodies)
      assert.deepEqual(
        openBody(native, { contentKey: opened.contentKey, body, digest: digestOf(body) }),
        {
          ok: true,
          plaintext,
        },
      );
  });

  test("is sealed for 1 to 32 different recipients", () => {
    const { contentKey, header } = envelope(text(1), ada);
    const to =
      (...some: readonly (typeof ada)[]) =>
      () =>
        wrap(contentKey, header, ...some);
    assert.doesNotThrow(to(...pairs.slice(0, recipientsMax)));
    assert.throws(to(...pairs), RangeError);
    assert.throws(to(), RangeError);
    assert.throws(to(ada, ada), RangeError);
  });

  test("is not sealed for a key that would keep no secret", () => {
    const { contentKey, header } = envelope(text(1), ada);
    for (const recipient of ["00".repeat(32), "beef", "AB".repeat(32)])
      assert.deepEqual(
        wrapContentKey(native, { contentKey, header, recipients: [ada.publicKey, recipient] }),
        { ok: false, code: "unsafe-key", recipient },
      );
  });
});

describe("a reader of a sealed input refuses", () => {
  const plaintext = text(2 * chunkBytes + 10);
  const sealed = envelope(plaintext, ada, bob);
  const { contentKey, header, body, wraps } = sealed;
  const good = { wraps, header, body, as: ada };
  const key = { contentKey, digest: digestOf(body) };

  test("nothing that is as it was sealed", () => assert.deepEqual(read(native, good), plaintext));

  test("to be another than the recipient", () => {
    assert.equal(read(native, { ...good, as: eve }), "not-a-recipient");
    // Eve puts her own key's name over Bob's wrap, or knows his name for his key.
    const renamed = wraps.recipients.map((it) =>
      it.keyId === encryptionKeyId(bob.publicKey)
        ? { ...it, keyId: encryptionKeyId(eve.publicKey) }
        : it,
    );
    const asEve = { ...good, wraps: { ...wraps, recipients: renamed }, as: eve };
    assert.equal(read(native, asEve), "wrap-forged");
    const asBob = { publicKey: bob.publicKey, secret: eve.secret };
    assert.equal(read(native, { ...good, as: asBob }), "wrap-forged");
  });

  test("the wraps of another job, however they are relabelled", () => {
    const other = inputHeader(otherJob, header.bodies);
    // Eve submits a job of her own over Ada's body and hands its wraps to the same node.
    assert.equal(read(native, { ...good, header: other }), "wraps-of-another-job");
    const relabelled = { ...wraps, jobHash: otherJob };
    assert.equal(read(native, { ...good, wraps: relabelled, header: other }), "wrap-forged");
    const asResult = resultHeader({ jobHash, replica: 0, attempt: 1 }, key.digest);
    assert.equal(read(native, { ...good, header: asResult }), "wraps-of-another-job");
    const { recipients, mac } = wraps;
    const turned = { ...asResult, recipients, mac };
    assert.equal(read(native, { ...good, wraps: turned, header: asResult }), "wrap-forged");
  });

  test("the wraps of another body, however they are relabelled", () => {
    const theirs = envelope(text(9), ada);
    const swapped = { ...good, header: theirs.header, body: theirs.body };
    assert.equal(read(native, swapped), "wraps-of-another-job");
    const relabelled = { ...wraps, bodies: theirs.header.bodies };
    assert.equal(read(native, { ...swapped, wraps: relabelled }), "wrap-forged");
    assert.equal(read(native, { ...good, body: theirs.body }), "body-of-another-digest");
  });

  test("a list of recipients that was changed without the key", () => {
    const [first, second] = wraps.recipients;
    const third = { ...second, keyId: encryptionKeyId(eve.publicKey) };
    for (const recipients of [[first], [second, first], [first, second, third]])
      assert.equal(read(native, { ...good, wraps: { ...wraps, recipients } }), "header-forged");
  });

  test("two bodies' keys under one wrap: what opens is what was committed to", () => {
    // A client gives Ada and Bob different keys for one body, to have one of them judged wrong.
    const false_ = newContentKey(native);
    const other = wrap(false_, header, ada);
    assert.equal(read(native, { ...good, wraps: other }), "wrong-content-key");
  });

  const chunks = [0, 1, 2].map((i) =>
    body.subarray(preambleBytes + i * sealedChunkBytes, preambleBytes + (i + 1) * sealedChunkBytes),
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const preamble = body.subarray(0, preambleBytes);
  const [one, two, last] = chunks;
  const empty = native.aeadSeal({
    key: new Uint8Array(32),
    nonce: new Uint8Array(12),
    aad: preamble,
    plaintext: utf8(""),
  });
  for (const [what, parts] of Object.entries({
    "a chunk cut out": [one, last],
    "the first chunk cut off": [two, last],
    "the last chunk cut off": [one, two],
    "all but the first chunk cut off": [one],
    "chunks in another order": [two, one, last],
    "the last chunk first": [last, one, two],
    "a chunk twice": [one, one, two, last],
    "the last chunk twice": [one, two, last, last],
    "the last chunk cut short": [one, two, last.subarray(0, -1)],
    "a last chunk of nothing but a tag": [one, two, last.subarray(-16)],
    "a piece of a tag at the end": [one, two, last, last.subarray(0, 5)],
    "bytes appended": [one, two, last, utf8("more")],
    "an empty chunk appended": [one, two, last, empty],
    "no chunk at all": [],
  }))
    test(what, () => {
      const changed = concat(preamble, ...parts);
      // Even under the right digest, as if a thief of the key had made the job.
      const answer = openBody(native, { contentKey, body: changed, digest: digestOf(changed) });
      const code = parts.length === 0 ? "not-a-sealed-body" : "body-damaged";
      assert.deepEqual(answer, { ok: false, code });
      assert.equal(read(native, { ...good, body: changed }), "body-of-another-digest");
    });

  test("an empty chunk after a full one, though it was sealed with the key", () => {
    const full = text(chunkBytes);
    const short = envelope(full, ada);
    const salt = short.body.subarray(headBytes, headBytes + 32);
    const k = native.hkdfExpand({
      key: native.hkdfExtract({ salt, secret: short.contentKey }),
      info: utf8("cnct/body/v1"),
      bytes: 32,
    });
    const aad = short.body.subarray(0, preambleBytes);
    const nonce = (index: number, flag: number) =>
      concat(new Uint8Array(10), Uint8Array.of(index, flag));
    const twoForms = concat(
      aad,
      native.aeadSeal({ key: k, nonce: nonce(0, 0), aad, plaintext: full }),
      native.aeadSeal({ key: k, nonce: nonce(1, 1), aad, plaintext: utf8("") }),
    );
    const { contentKey } = short;
    const open = (body: Uint8Array) =>
      openBody(native, { contentKey, body, digest: digestOf(body) });
    assert.deepEqual(open(twoForms), { ok: false, code: "body-damaged" });
    const oneForm = concat(
      aad,
      native.aeadSeal({ key: k, nonce: nonce(0, 1), aad, plaintext: full }),
    );
    assert.deepEqual(open(oneForm), { ok: true, plaintext: full }, "the same by hand, rightly");
  });

  test("chunks under the preamble of another body with the same key", () => {
    const twin = sealBody(native, { contentKey, plaintext });
    const mixed = concat(twin.subarray(0, preambleBytes), body.subarray(preambleBytes));
    assert.deepEqual(openBody(native, { contentKey, body: mixed, digest: digestOf(mixed) }), {
      ok: false,
      code: "body-damaged",
    });
  });

  test("every flipped bit of a small envelope", () => {
    const small = envelope(utf8("forty-two"), ada, bob);
    const wire = utf8(writeWraps(small.wraps));
    let tried = 0;
    const codes = new Set<string>();
    const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte));
    for (let at = 0; at < wire.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const parsed = readWraps(new TextDecoder().decode(flipped(wire, at, bit)));
        const answer = parsed.ok
          ? read(native, { ...small, wraps: parsed.wraps, as: ada })
          : parsed.code;
        assert.equal(typeof answer, "string", `wraps, byte ${at}, bit ${bit}`);
        codes.add(answer as string);
        tried++;
      }
    for (let at = 0; at < small.body.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const changed = flipped(small.body, at, bit);
        assert.equal(read(native, { ...small, body: changed, as: ada }), "body-of-another-digest");
        const { contentKey } = small;
        const answer = openBody(native, { contentKey, body: changed, digest: digestOf(changed) });
        assert.equal(answer.ok, false, `body, byte ${at}, bit ${bit}`);
        if (!answer.ok) codes.add(answer.code);
        tried++;
      }
    assert.equal(tried, 8 * (wire.length + small.body.length));
    assert.deepEqual([...codes].sort(), [
      "body-damaged",
      "header-forged",
      "not-a-recipient",
      "not-a-sealed-body",
      "wrap-forged",
      "wraps-malformed",
      "wraps-of-another-job",
      "wrong-content-key",
    ]);
  });

  test("10,000 recipients, before any work with keys", (t) => {
    const [first] = wraps.recipients;
    const recipients = Array.from({ length: 10_000 }, (_, i) => ({
      ...first,
      keyId: digestOf(utf8(`${i}`)),
    }));
    const many = {
      ...header,
      recipients,
      mac: macOf(native, contentKey, { ...header, recipients: [] }),
    };
    const wire = JSON.stringify(many);
    let operations = 0;
    const counting: Primitives = {
      ...portable,
      x25519: {
        ...portable.x25519,
        shared: (input) => {
          operations++;
          return portable.x25519.shared(input);
        },
      },
    };
    const started = process.cpuUsage();
    const asText = readWraps(wire);
    const asObject = read(counting, { ...good, wraps: many });
    const { user, system } = process.cpuUsage(started);
    assert.deepEqual(asText, { ok: false, code: "wraps-too-large" });
    assert.equal(asObject, "too-many-recipients");
    assert.equal(operations, 0);
    t.diagnostic(`refused twice in ${(user + system) / 1000} ms of CPU`);
    assert.ok(user + system <= 20_000, `${user + system} µs of CPU`);
    assert.deepEqual(read(counting, good), plaintext);
    assert.equal(operations, 1, "one operation with a key, however many recipients");
  });

  test("shapes that are not those of wraps", () => {
    const [first] = wraps.recipients;
    const { jobHash: _, ...noJob } = wraps;
    const bad: readonly unknown[] = [
      null,
      [],
      "wraps",
      {},
      noJob,
      { ...wraps, version: 2 },
      { ...wraps, more: 1 },
      { ...wraps, purpose: "other" },
      { ...wraps, purpose: "result" },
      { ...wraps, purpose: "result", replica: 0, attempt: 0 },
      { ...wraps, bodies: [] },
      { ...wraps, bodies: [...wraps.bodies, ...wraps.bodies] },
      { ...wraps, bodies: Array.from({ length: 17 }, (_, i) => digestOf(Uint8Array.of(i))).sort() },
      { ...wraps, recipients: [] },
      { ...wraps, recipients: {} },
      { ...wraps, recipients: [first, first] },
      { ...wraps, recipients: [{ ...first, enc: "00" }] },
      { ...wraps, recipients: [{ ...first, wrapped: first?.enc }] },
      { ...wraps, recipients: [{ ...first, more: 1 }] },
      { ...wraps, mac: wraps.mac.toUpperCase() },
    ];
    for (const value of bad)
      assert.equal(
        read(native, { ...good, wraps: value }),
        "wraps-malformed",
        JSON.stringify(value),
      );
  });
});

describe("a sealed result", () => {
  test("is for one task, and for whom the worker wrapped it", () => {
    const task = { jobHash, replica: 1, attempt: 2 };
    const contentKey = newContentKey(native);
    const body = sealBody(native, { contentKey, plaintext: utf8("42") });
    const header = resultHeader(task, digestOf(body));
    const wraps = wrap(contentKey, header, ada);
    assert.deepEqual(read(portable, { wraps, header, body, as: ada }), utf8("42"));
    const later = resultHeader({ ...task, attempt: 3 }, digestOf(body));
    assert.equal(read(native, { wraps, header: later, body, as: ada }), "wraps-of-another-job");
    const relabelled = { ...wraps, attempt: 3 };
    assert.equal(read(native, { wraps: relabelled, header: later, body, as: ada }), "wrap-forged");
  });
});

describe("a result tag", () => {
  const contentKey = newContentKey(native);
  const output = utf8("yes");
  test("is equal for equal outputs of one job, and for nothing else", () => {
    const tag = resultTag(native, { contentKey, jobHash, output });
    assert.equal(resultTag(portable, { contentKey, jobHash, output }), tag);
    for (const other of [
      { contentKey, jobHash, output: utf8("no") },
      { contentKey, jobHash: otherJob, output },
      { contentKey: newContentKey(native), jobHash, output },
      { contentKey: openJobKey(native, jobHash), jobHash, output },
    ])
      assert.notEqual(resultTag(native, other), tag);
  });
});
