import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fromHex, hexOf, utf8 } from "./bytes.ts";
import { native } from "./primitives-native.ts";
import { platform } from "./primitives-platform.ts";
import { portable } from "./primitives-portable.ts";

const hex = (text: string): Uint8Array => fromHex(text.length / 2, text) as Uint8Array;
const range = (from: number, to: number): Uint8Array =>
  Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);

for (const primitives of [portable, native])
  describe(`the ${primitives.name} primitives`, () => {
    const { sha256, hkdfExtract, hkdfExpand, ed25519, x25519 } = primitives;

    test("hash as FIPS 180-4 says, in one part or many", () => {
      const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      assert.equal(hexOf(sha256(utf8("abc"))), abc);
      assert.equal(hexOf(sha256(utf8("a"), utf8(""), utf8("bc"))), abc);
      assert.equal(hexOf(sha256()), hexOf(sha256(utf8(""))));
    });

    test("authenticate as RFC 4231 says (test case 2)", () =>
      assert.equal(
        hexOf(
          primitives.hmacSha256({
            key: utf8("Jefe"),
            message: utf8("what do ya want for nothing?"),
          }),
        ),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      ));

    test("derive keys as RFC 5869 says (A.1 to A.3)", () => {
      const cases = [
        {
          secret: new Uint8Array(22).fill(0x0b),
          salt: range(0x00, 0x0c),
          info: range(0xf0, 0xf9),
          key: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          out: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        },
        {
          secret: range(0x00, 0x4f),
          salt: range(0x60, 0xaf),
          info: range(0xb0, 0xff),
          key: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
          out:
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c" +
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71" +
            "cc30c58179ec3e87c14c01d5c1f3434f1d87",
        },
        {
          secret: new Uint8Array(22).fill(0x0b),
          salt: new Uint8Array(0),
          info: new Uint8Array(0),
          key: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          out: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        },
      ];
      for (const { secret, salt, info, key, out } of cases) {
        assert.equal(hexOf(hkdfExtract({ salt, secret })), key);
        assert.equal(hexOf(hkdfExpand({ key: hex(key), info, bytes: out.length / 2 })), out);
      }
      const tooLong = { key: range(0, 31), info: range(0, 0), bytes: 8_161 };
      assert.throws(() => hkdfExpand(tooLong), RangeError);
    });

    test("sign as RFC 8032 says (7.1, tests 1 to 3)", () => {
      const cases = [
        {
          secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          message: "",
          signature:
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        },
        {
          secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          message: "72",
          signature:
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        },
        {
          secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          message: "af82",
          signature:
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        },
      ];
      for (const { secret, key, message, signature } of cases) {
        assert.equal(hexOf(ed25519.publicKey(hex(secret))), key);
        const signed = ed25519.sign({ message: hex(message), secret: hex(secret) });
        assert.equal(hexOf(signed), signature);
        const claim = { signature: signed, message: hex(message), publicKey: hex(key) };
        assert.equal(ed25519.verifyStrict(claim), true);
        assert.equal(ed25519.verifyStrict({ ...claim, message: utf8("other") }), false);
      }
    });

    test("agree on secrets as RFC 7748 says (5.2, 6.1)", () => {
      const cases = [
        {
          secret: "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
          publicKey: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
          shared: "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        },
        {
          secret: "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
          publicKey: "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
          shared: "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        },
      ];
      for (const { secret, publicKey, shared } of cases)
        assert.equal(
          hexOf(x25519.shared({ secret: hex(secret), publicKey: hex(publicKey) }) as Uint8Array),
          shared,
        );
      const alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
      const bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
      const aliceKey = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
      const bobKey = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
      const both = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
      assert.equal(hexOf(x25519.publicKey(alice)), aliceKey);
      assert.equal(hexOf(x25519.publicKey(bob)), bobKey);
      for (const [secret, publicKey] of [
        [alice, hex(bobKey)],
        [bob, hex(aliceKey)],
      ] as const)
        assert.equal(hexOf(x25519.shared({ secret, publicKey }) as Uint8Array), both);
    });

    test("agree on the iterated secret of RFC 7748 (5.2, once and 1,000 times)", () => {
      let k: Uint8Array = new Uint8Array(32);
      k[0] = 9;
      let u = k;
      for (let i = 1; i <= 1_000; i++) {
        [k, u] = [x25519.shared({ secret: k, publicKey: u }) as Uint8Array, k];
        if (i === 1)
          assert.equal(
            hexOf(k),
            "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
          );
      }
      assert.equal(hexOf(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
    });

    test("seal as RFC 8439 says (2.8.2), and open nothing that was changed", () => {
      const input = {
        key: range(0x80, 0x9f),
        nonce: hex("070000004041424344454647"),
        aad: hex("50515253c0c1c2c3c4c5c6c7"),
      };
      const plaintext = utf8(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the " +
          "future, sunscreen would be it.",
      );
      const sealed = primitives.aeadSeal({ ...input, plaintext });
      assert.equal(
        hexOf(sealed),
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
          "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
          "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
          "3ff4def08e4b7a9de576d26586cec64b6116" +
          "1ae10b594f09e26a7e902ecbd0600691",
      );
      assert.deepEqual(primitives.aeadOpen({ ...input, sealed }), plaintext);
      for (let i = 0; i < sealed.length; i++) {
        const changed = Uint8Array.from(sealed, (byte, at) => (at === i ? byte ^ 1 : byte));
        assert.equal(primitives.aeadOpen({ ...input, sealed: changed }), undefined);
        assert.equal(primitives.aeadOpen({ ...input, sealed: sealed.subarray(0, i) }), undefined);
      }
      assert.equal(primitives.aeadOpen({ ...input, aad: utf8(""), sealed }), undefined);
    });

    test("refuse keys of a wrong length loudly", () => {
      const short = new Uint8Array(31);
      const long = new Uint8Array(33);
      const message = utf8("");
      for (const bad of [short, long]) {
        assert.throws(() => ed25519.publicKey(bad));
        assert.throws(() => ed25519.sign({ message, secret: bad }));
        assert.throws(() => x25519.publicKey(bad));
        assert.throws(() => x25519.shared({ secret: bad, publicKey: range(1, 32) }));
        assert.throws(() => x25519.shared({ secret: range(1, 32), publicKey: bad }));
        const sealing = { key: bad, nonce: range(1, 12), aad: message };
        assert.throws(() => primitives.aeadSeal({ ...sealing, plaintext: message }));
        assert.throws(() => primitives.aeadOpen({ ...sealing, sealed: range(1, 16) }));
      }
    });

    test("agree on a secret with a key for one use, another each time", () => {
      const secret = range(1, 32);
      const recipient = x25519.publicKey(secret);
      const [one, two] = [x25519.sharedOnce(recipient), x25519.sharedOnce(recipient)];
      assert.ok(one && two);
      assert.notDeepEqual(one.publicKey, two.publicKey);
      for (const it of [portable, native])
        assert.deepEqual(it.x25519.shared({ secret, publicKey: one.publicKey }), one.shared);
      assert.equal(x25519.sharedOnce(new Uint8Array(32)), undefined);
      assert.throws(() => x25519.sharedOnce(range(1, 31)));
    });

    test("draw bytes that differ", () => {
      assert.equal(primitives.randomBytes(32).length, 32);
      assert.notDeepEqual(primitives.randomBytes(32), primitives.randomBytes(32));
    });
  });

describe("both implementations", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const text = fc.uint8Array({ maxLength: 300 });
  const runs = { numRuns: 60 };

  test("give the same bytes for the same input", () =>
    fc.assert(
      fc.property(bytes(32), bytes(32), bytes(12), text, text, (key, other, nonce, aad, body) => {
        const both = [portable, native].map((it) => {
          const sealed = it.aeadSeal({ key, nonce, aad, plaintext: body });
          const signature = it.ed25519.sign({ message: body, secret: key });
          return {
            hash: it.sha256(aad, body),
            mac: it.hmacSha256({ key: aad, message: body }),
            sealed,
            opened: it.aeadOpen({ key, nonce, aad, sealed }),
            signature,
            keys: [it.ed25519.publicKey(key), it.x25519.publicKey(key)],
            shared: it.x25519.shared({ secret: key, publicKey: other }),
          };
        });
        assert.deepEqual(both[0], both[1]);
        assert.deepEqual(both[0]?.opened, body);
      }),
      runs,
    ));

  test("give no secret for a key of a small order, and the same for encodings of one point", () => {
    const p = 2n ** 255n - 19n;
    const encode = (value: bigint): Uint8Array =>
      hex(value.toString(16).padStart(64, "0")).toReversed();
    const order8 = 325606250916557431795983626356110631294008115727848805560023387167927233504n;
    const top = 2n ** 255n;
    for (const small of [0n, 1n, p - 1n, p, p + 1n, order8, top, top + 1n])
      for (const it of [portable, native])
        assert.equal(
          it.x25519.shared({ secret: range(1, 32), publicKey: encode(small) }),
          undefined,
          `${it.name} ${small}`,
        );
    for (const twice of [9n, p + 9n, top + 9n]) {
      const shared = [portable, native].map(({ x25519 }) =>
        x25519.shared({ secret: range(1, 32), publicKey: encode(twice) }),
      );
      assert.deepEqual(shared[0], shared[1]);
      assert.deepEqual(shared[0], native.x25519.publicKey(range(1, 32)));
    }
  });
});

test("the platform's primitives are Node's own here", () => {
  assert.equal(platform.name, "native");
  const bytes = utf8("the same bytes");
  assert.deepEqual(platform.sha256(bytes), portable.sha256(bytes));
});
