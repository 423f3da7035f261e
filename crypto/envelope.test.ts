/**
 * Sealing and opening together, and what an attacker could do to an envelope on its way. One file,
 * because every attack begins with the same whole envelope and must end in a refusal of its own.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import type { Digest, JobHash } from "../domain/ids.ts";
import { contextMessagesMax, recipientsMax, type Wrap, type Wraps } from "../domain/job/wraps.ts";
import { chunkBytes, headBytes, preambleBytes, sealedChunkBytes, sealedSize } from "./body.ts";
import { concat, hexOf, utf8 } from "./bytes.ts";
import { outputKey } from "./derive-key.ts";
import { type OpenRefusal, openBody } from "./open.ts";
import { createWrapOpener, type OpenWrapRefusal } from "./open-wraps.ts";
import type { Primitives } from "./primitives.ts";
import { native } from "./primitives-native.ts";
import { portable } from "./primitives-portable.ts";
import { openJobKey, resultTag } from "./result-tag.ts";
import { newContentKey, sealBody } from "./seal.ts";
import { newEncryptionPair } from "./signatures.ts";
import { createWrapper, type Wrapper } from "./wrapper.ts";
import { parseWraps } from "./wraps.ts";

const digestOf = (bytes: Uint8Array): Digest => hexOf(native.sha256(bytes));
const pairs = Array.from({ length: recipientsMax + 1 }, () => newEncryptionPair(native));
const [ada, bob, eve] = pairs as [(typeof pairs)[0], (typeof pairs)[0], (typeof pairs)[0]];
const keysOf =
  (...some: readonly (typeof ada)[]) =>
  (keyId: Digest): Uint8Array | undefined =>
    some.find(({ publicKey }) => encryptionKeyId(publicKey) === keyId)?.secret;

const jobHash = digestOf(utf8("a job"));
const otherJob = digestOf(utf8("another job"));
const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);

const wrapFor = (
  wrapper: Wrapper,
  { contentKey, of = jobHash }: { readonly contentKey: Uint8Array; readonly of?: JobHash },
  ...to: readonly (typeof ada)[]
): Wraps => {
  const recipients = to.map(({ publicKey }) => publicKey);
  const wrapped = wrapper.wrap({ contentKey, jobHash: of, recipients });
  assert.ok(wrapped.ok);
  return wrapped.wraps;
};

/** A whole envelope. */
const envelope = (plaintext: Uint8Array, ...to: readonly (typeof ada)[]) => {
  const contentKey = newContentKey(native);
  const body = sealBody(native, { contentKey, plaintext });
  const wraps = wrapFor(createWrapper(native), { contentKey }, ...to);
  return { contentKey, body, digest: digestOf(body), wraps };
};

interface Read {
  readonly wraps: Wraps;
  readonly body: Uint8Array;
  readonly digest: Digest;
  readonly as: typeof ada;
  readonly of?: JobHash;
  /** Instead of the wrap that names the reader's key. */
  readonly wrap?: unknown;
}

/** All that a reader does: the plaintext, or the code of the refusal. */
const read = (primitives: Primitives, input: Read): Uint8Array | OpenRefusal | OpenWrapRefusal => {
  const { wraps, body, digest, as, of = jobHash } = input;
  const keyId = encryptionKeyId(as.publicKey);
  const own = wraps.recipients.find((wrap) => wrap.keyId === keyId) ?? wraps.recipients[0];
  const wrap = "wrap" in input ? input.wrap : own;
  const opened = createWrapOpener(primitives, keysOf(as)).open({ wrap, jobHash: of });
  if (!opened.ok) return opened.code;
  const answer = openBody(primitives, { contentKey: opened.contentKey, body, digest });
  return answer.ok ? answer.plaintext : answer.code;
};

describe("a sealed input", () => {
  test("is opened by each recipient, whatever its length", () => {
    const around = [chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, 3 * chunkBytes + 5];
    for (const length of [0, 1, 100, ...around])
      for (const primitives of [native, portable]) {
        const plaintext = text(length);
        const sealed = envelope(plaintext, ada, bob);
        assert.equal(sealed.body.length, sealedSize(length));
        for (const as of [ada, bob])
          assert.deepEqual(read(primitives, { ...sealed, as }), plaintext);
      }
  });

  test("is wrapped for one who comes late, and the body stays as it is", () => {
    const plaintext = text(1_000);
    const sealed = envelope(plaintext, ada);
    const late = wrapFor(createWrapper(native), sealed, bob);
    assert.deepEqual(read(native, { ...sealed, wraps: late, as: bob }), plaintext);
    assert.equal(read(native, { ...sealed, wraps: late, as: ada }), "not-a-recipient");
  });

  test("may be one of several under one key, each with a salt of its own", () => {
    const plaintext = text(50);
    const { contentKey, wraps, ...first } = envelope(plaintext, ada);
    const body = sealBody(native, { contentKey, plaintext });
    assert.notEqual(digestOf(body), first.digest);
    for (const one of [first, { body, digest: digestOf(body) }])
      assert.deepEqual(read(native, { wraps, ...one, as: ada }), plaintext);
  });
});

describe("the wraps of one sender", () => {
  const contentKey = newContentKey(native);

  test("are for 1 to 32 different recipients", () => {
    const to =
      (...some: readonly (typeof ada)[]) =>
      () =>
        wrapFor(createWrapper(native), { contentKey }, ...some);
    assert.doesNotThrow(to(...pairs.slice(0, recipientsMax)));
    assert.throws(to(...pairs), RangeError);
    assert.throws(to(), RangeError);
    assert.throws(to(ada, ada), RangeError);
  });

  test("are not made for a key that would keep no secret", () => {
    for (const recipient of ["00".repeat(32), "beef", "AB".repeat(32)])
      assert.deepEqual(
        createWrapper(native).wrap({ contentKey, jobHash, recipients: [ada.publicKey, recipient] }),
        { ok: false, code: "unsafe-key", recipient },
      );
  });

  test("share one context with each recipient, whose numbers are never used twice", () => {
    const [wrapper, opener] = [createWrapper(native), createWrapOpener(native, keysOf(ada))];
    const seen = new Set<string>();
    const encs = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const [own, other] = wrapFor(wrapper, { contentKey, of: digestOf(utf8(`${n}`)) }, ada, bob)
        .recipients as [Wrap, Wrap];
      assert.deepEqual([own.seq, other.seq], [n, n]);
      assert.notEqual(own.enc, other.enc);
      encs.add(own.enc);
      seen.add(own.wrapped);
      const opened = opener.open({ wrap: own, jobHash: digestOf(utf8(`${n}`)) });
      assert.deepEqual(opened, { ok: true, contentKey });
    }
    assert.deepEqual([encs.size, seen.size], [1, 20]);
  });

  test("cost one operation with a key at the first message, and none after", () => {
    const operations = { once: 0, shared: 0 };
    const { x25519 } = native;
    const counting: Primitives = {
      ...native,
      x25519: {
        ...x25519,
        sharedOnce: (recipient) => {
          operations.once++;
          return x25519.sharedOnce(recipient);
        },
        shared: (input) => {
          operations.shared++;
          return x25519.shared(input);
        },
      },
    };
    const [wrapper, opener] = [createWrapper(counting), createWrapOpener(counting, keysOf(ada))];
    for (let n = 0; n < 5; n++) {
      const [wrap] = wrapFor(wrapper, { contentKey }, ada).recipients;
      assert.equal(opener.open({ wrap, jobHash }).ok, true);
    }
    assert.deepEqual(operations, { once: 1, shared: 1 });
  });

  test("go on in a new context after as many messages as one may have", () => {
    const wrapper = createWrapper(native, { messages: 3 });
    const numbers = Array.from({ length: 7 }, () => wrapFor(wrapper, { contentKey }, ada)).map(
      ({ recipients: [wrap] }) => wrap as Wrap,
    );
    assert.deepEqual(
      numbers.map(({ seq }) => seq),
      [0, 1, 2, 0, 1, 2, 0],
    );
    assert.equal(new Set(numbers.map(({ enc }) => enc)).size, 3);
    const opener = createWrapOpener(native, keysOf(ada));
    for (const wrap of numbers.reverse()) assert.equal(opener.open({ wrap, jobHash }).ok, true);
    assert.throws(() => createWrapper(native, { messages: contextMessagesMax + 1 }), RangeError);
  });

  test("stay few in memory on both sides: who was forgotten gets a new context", () => {
    const wrapper = createWrapper(native, { contexts: 1 });
    const [a, b, c] = [ada, bob, ada].map(
      (to) => wrapFor(wrapper, { contentKey }, to).recipients[0] as Wrap,
    ) as [Wrap, Wrap, Wrap];
    assert.deepEqual([a.seq, b.seq, c.seq], [0, 0, 0]);
    assert.notEqual(a.enc, c.enc);
    const opener = createWrapOpener(native, keysOf(ada, bob), 1);
    for (const wrap of [a, b, c, a]) assert.equal(opener.open({ wrap, jobHash }).ok, true);
  });

  test("are read the same by either implementation", () => {
    for (const [sender, reader] of [
      [native, portable],
      [portable, native],
    ] as const) {
      const [wrap] = wrapFor(createWrapper(sender), { contentKey }, ada).recipients;
      assert.deepEqual(createWrapOpener(reader, keysOf(ada)).open({ wrap, jobHash }), {
        ok: true,
        contentKey,
      });
    }
  });
});

describe("a reader of a sealed input refuses", () => {
  const plaintext = text(2 * chunkBytes + 10);
  const sealed = envelope(plaintext, ada, bob);
  const { contentKey, digest, body, wraps } = sealed;
  const good = { ...sealed, as: ada };
  const [own, bobs] = wraps.recipients as [Wrap, Wrap];

  test("nothing that is as it was sealed", () => assert.deepEqual(read(native, good), plaintext));

  test("to be another than the recipient", () => {
    assert.equal(read(native, { ...good, as: eve }), "not-a-recipient");
    // Eve puts her own key's name over Bob's wrap, or knows his name for his key.
    const renamed = { ...bobs, keyId: encryptionKeyId(eve.publicKey) };
    assert.equal(read(native, { ...good, wrap: renamed, as: eve }), "wrap-forged");
    const asBob = { publicKey: bob.publicKey, secret: eve.secret };
    assert.equal(read(native, { ...good, as: asBob }), "wrap-forged");
  });

  test("another's wrap under its own name, whole or in parts", () => {
    const { keyId } = own;
    for (const wrap of [
      { ...bobs, keyId },
      { ...own, enc: bobs.enc },
      { ...own, wrapped: bobs.wrapped },
      { ...own, enc: ada.publicKey },
      { ...own, enc: "00".repeat(32) },
    ])
      assert.equal(read(native, { ...good, wrap }), "wrap-forged");
  });

  test("a wrap under another number, also of a context that it knows", () => {
    const wrapper = createWrapper(native);
    const [first, second] = [0, 1].map(
      () => wrapFor(wrapper, { contentKey }, ada).recipients[0] as Wrap,
    ) as [Wrap, Wrap];
    const opener = createWrapOpener(native, keysOf(ada));
    const open = (wrap: unknown) => opener.open({ wrap, jobHash });
    assert.equal(open(first).ok, true);
    for (const wrap of [
      { ...first, seq: 1 },
      { ...second, seq: 0 },
      { ...first, seq: contextMessagesMax - 1 },
      { ...first, wrapped: second.wrapped },
    ])
      assert.deepEqual(open(wrap), { ok: false, code: "wrap-forged" });
    assert.equal(open(second).ok, true);
  });

  test("the wrap of another job, whether or not it knows the context", () => {
    // Eve submits a job of her own over Ada's body and hands its wrap to the same node.
    assert.equal(read(native, { ...good, of: otherJob }), "wrap-forged");
    const opener = createWrapOpener(native, keysOf(ada));
    assert.equal(opener.open({ wrap: own, jobHash }).ok, true);
    const replayed = opener.open({ wrap: own, jobHash: otherJob });
    assert.deepEqual(replayed, { ok: false, code: "wrap-forged" });
  });

  test("another body", () => {
    const theirs = envelope(text(9), ada);
    assert.equal(read(native, { ...good, body: theirs.body }), "body-of-another-digest");
    const swapped = { body: theirs.body, digest: theirs.digest };
    assert.equal(read(native, { ...good, ...swapped }), "wrong-content-key");
  });

  test("two bodies' keys under one wrap: what opens is what was committed to", () => {
    // A client gives Ada and Bob different keys for one body, to have one of them judged wrong.
    const other = wrapFor(createWrapper(native), { contentKey: newContentKey(native) }, ada);
    assert.equal(read(native, { ...good, wraps: other }), "wrong-content-key");
  });

  test("forgeries without forgetting whom it knows", () => {
    const opener = createWrapOpener(native, keysOf(ada), 1);
    let operations = 0;
    const { x25519 } = native;
    const counting: Primitives = {
      ...native,
      x25519: {
        ...x25519,
        shared: (input) => {
          operations++;
          return x25519.shared(input);
        },
      },
    };
    assert.equal(opener.open({ wrap: own, jobHash }).ok, true);
    const counted = createWrapOpener(counting, keysOf(ada), 1);
    assert.equal(counted.open({ wrap: own, jobHash }).ok, true);
    for (let n = 0; n < 10; n++)
      counted.open({ wrap: { ...own, enc: newEncryptionPair(native).publicKey }, jobHash });
    assert.equal(counted.open({ wrap: own, jobHash }).ok, true);
    assert.equal(operations, 11, "one for the first, one for each forgery, none for the last");
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
    const [wrap] = small.wraps.recipients;
    const wire = utf8(JSON.stringify(wrap));
    let tried = 0;
    const codes = new Set<string>();
    const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte));
    const parse = (bytes: Uint8Array): unknown => {
      try {
        return JSON.parse(new TextDecoder().decode(bytes));
      } catch {
        return undefined;
      }
    };
    for (let at = 0; at < wire.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const changed = parse(flipped(wire, at, bit));
        const answer = read(native, { ...small, wrap: changed, as: ada });
        assert.equal(typeof answer, "string", `wrap, byte ${at}, bit ${bit}`);
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
      "not-a-recipient",
      "not-a-sealed-body",
      "wrap-forged",
      "wraps-malformed",
      "wrong-content-key",
    ]);
  });

  const cpuMs = (work: () => void): number => {
    const started = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1_000;
  };

  test("10,000 recipients, before any work with keys", (t) => {
    const recipients = Array.from({ length: 10_000 }, (_, i) => ({
      ...own,
      keyId: digestOf(utf8(`${i}`)),
    }));
    const many = { ...wraps, recipients };
    const forbidden = (): never => assert.fail("no work with keys");
    const x25519 = { ...native.x25519, shared: forbidden, sharedOnce: forbidden };
    const opener = createWrapOpener({ ...native, x25519, aeadOpen: forbidden }, keysOf(ada));
    const spent = cpuMs(() => {
      assert.deepEqual(parseWraps(many), { ok: false, code: "too-many-recipients" });
      const asWrap = opener.open({ wrap: many, jobHash });
      assert.deepEqual(asWrap, { ok: false, code: "wraps-malformed" });
    });
    t.diagnostic(`refused twice in ${spent} ms of CPU`);
    assert.ok(spent <= 20, `${spent} ms of CPU`);
    assert.equal(parseWraps({ ...many, recipients: [own, bobs] }).ok, true);
  });

  test("each kind of attack within 20 ms of CPU, and none is accepted", (t) => {
    const opener = createWrapOpener(native, keysOf(ada));
    opener.open({ wrap: own, jobHash }); // Warm, as a node's is.
    const cut = body.subarray(0, -1);
    const attacks: Readonly<Record<string, () => { readonly ok: boolean }>> = {
      "a bad number": () => opener.open({ wrap: { ...own, seq: 9 }, jobHash }),
      "a swapped wrap": () => opener.open({ wrap: { ...bobs, keyId: own.keyId }, jobHash }),
      "another job's wrap": () => opener.open({ wrap: own, jobHash: otherJob }),
      "an unknown context": () => opener.open({ wrap: { ...own, enc: bobs.enc }, jobHash }),
      "a cut body": () => openBody(native, { contentKey, body: cut, digest: digestOf(cut) }),
      "a swapped body": () => openBody(native, { contentKey, body: text(99), digest }),
      "a torn body": () =>
        openBody(native, { contentKey, body: body.subarray(0, 50), digest: digestOf(body) }),
    };
    for (const [what, attack] of Object.entries(attacks)) {
      // A machine that does other things is charged for them, too, but hardly three times.
      const spent = Math.min(
        ...[1, 2, 3].map(() => cpuMs(() => assert.equal(attack().ok, false, what))),
      );
      t.diagnostic(`${what}: ${spent} ms`);
      assert.ok(spent <= 20, `${what}: ${spent} ms of CPU`);
    }
  });

  test("shapes that are not those of wraps", () => {
    const { jobHash: _, ...noJob } = wraps;
    const bad: readonly unknown[] = [
      null,
      [],
      "wraps",
      {},
      noJob,
      { ...wraps, version: 2 },
      { ...wraps, more: 1 },
      { ...wraps, recipients: [] },
      { ...wraps, recipients: {} },
      { ...wraps, recipients: [own, own] },
    ];
    for (const value of bad)
      assert.deepEqual(
        parseWraps(value),
        { ok: false, code: "wraps-malformed" },
        JSON.stringify(value),
      );
    const badOnes: readonly unknown[] = [
      undefined,
      null,
      "wrap",
      [own],
      { ...own, more: 1 },
      { ...own, enc: "00" },
      { ...own, enc: own.enc.toUpperCase() },
      { ...own, wrapped: own.enc },
      { ...own, keyId: 7 },
      ...[-1, 0.5, "0", contextMessagesMax, Number.NaN, null].map((seq) => ({ ...own, seq })),
    ];
    for (const wrap of badOnes) {
      assert.equal(read(native, { ...good, wrap }), "wraps-malformed", JSON.stringify(wrap));
      assert.equal(parseWraps({ ...wraps, recipients: [wrap] }).ok, false);
    }
  });
});

describe("a sealed result", () => {
  const contentKey = newContentKey(native);
  const task = { jobHash, replica: 1, attempt: 2 };
  const plaintext = utf8("42");
  const key = outputKey(native, { contentKey, task });
  const body = sealBody(native, { contentKey: key, plaintext });
  const open = (as: Uint8Array) =>
    openBody(native, { contentKey: as, body, digest: digestOf(body) });

  test("is read by whoever has the job's key, and not as another task's", () => {
    assert.deepEqual(outputKey(portable, { contentKey, task }), key);
    assert.deepEqual(open(key), { ok: true, plaintext });
    for (const other of [
      { contentKey, task: { ...task, attempt: 3 } },
      { contentKey, task: { ...task, replica: 0 } },
      { contentKey, task: { ...task, jobHash: otherJob } },
      { contentKey: newContentKey(native), task },
    ])
      assert.deepEqual(open(outputKey(native, other)), { ok: false, code: "wrong-content-key" });
    assert.deepEqual(open(contentKey), { ok: false, code: "wrong-content-key" });
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
