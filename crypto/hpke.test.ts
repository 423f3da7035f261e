/**
 * Vectors: RFC 9180, appendix A.2.1 (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305,
 * base mode), as in the draft's source, https://github.com/cfrg/draft-irtf-cfrg-hpke.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, hexOf, utf8 } from "./bytes.ts";
import { deriveKeyPair, exportSecret, kemSecret, nonceAt, sealIn, setupSender } from "./hpke.ts";
import { openIn, setupReceiver } from "./open-hpke.ts";
import { native } from "./primitives-native.ts";
import { portable } from "./primitives-portable.ts";

const hex = (text: string): Uint8Array => fromHex(text.length / 2, text) as Uint8Array;

const info = hex("4f6465206f6e2061204772656369616e2055726e");
const seedE = hex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b");
const secretE = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600";
const enc = hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
const seedR = hex("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df");
const recipient = hex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
const secret = hex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
const sharedSecret = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7";
const key = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91";
const baseNonce = "5c4d98150661b848853b547f";
const exporterSecret = "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922";
const plaintext = utf8("Beauty is truth, truth beauty");
const encryptions = [
  {
    sequence: 0,
    nonce: "5c4d98150661b848853b547f",
    sealed:
      "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
  },
  {
    sequence: 1,
    nonce: "5c4d98150661b848853b547e",
    sealed:
      "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c",
  },
  {
    sequence: 2,
    nonce: "5c4d98150661b848853b547d",
    sealed:
      "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b",
  },
  {
    sequence: 4,
    nonce: "5c4d98150661b848853b547b",
    sealed:
      "63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16",
  },
  {
    sequence: 255,
    nonce: "5c4d98150661b848853b5480",
    sealed:
      "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c",
  },
  {
    sequence: 256,
    nonce: "5c4d98150661b848853b557f",
    sealed:
      "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b",
  },
];
const exported = [
  ["", "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e"],
  ["00", "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69"],
  ["54657374436f6e74657874", "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"],
] as const;

for (const primitives of [portable, native])
  describe(`HPKE over the ${primitives.name} primitives`, () => {
    test("derives the key pairs of RFC 9180, A.2.1", () => {
      const ephemeral = deriveKeyPair(primitives, seedE);
      assert.equal(hexOf(ephemeral.secret), secretE);
      assert.deepEqual(ephemeral.publicKey, enc);
      assert.deepEqual(deriveKeyPair(primitives, seedR), { secret, publicKey: recipient });
      assert.throws(() => deriveKeyPair(primitives, seedR.subarray(1)), RangeError);
    });

    test("sets both sides up as RFC 9180, A.2.1", () => {
      const sender = setupSender(primitives, { recipient, info, ephemeral: hex(secretE) });
      assert.deepEqual(sender?.enc, enc);
      const dh = primitives.x25519.shared({ secret, publicKey: enc }) as Uint8Array;
      assert.equal(hexOf(kemSecret(primitives, { dh, enc, publicKey: recipient })), sharedSecret);
      const receiver = setupReceiver(primitives, { enc, secret, info });
      assert.deepEqual(receiver, sender?.context);
      assert.ok(receiver);
      assert.equal(hexOf(receiver.key), key);
      assert.equal(hexOf(receiver.baseNonce), baseNonce);
      assert.equal(hexOf(receiver.exporterSecret), exporterSecret);
    });

    test("seals, opens and exports as RFC 9180, A.2.1", () => {
      const context = setupReceiver(primitives, { enc, secret, info });
      assert.ok(context);
      for (const { sequence, nonce, sealed } of encryptions) {
        const aad = utf8(`Count-${sequence}`);
        assert.equal(hexOf(nonceAt(context, sequence)), nonce);
        const each = { sequence, aad };
        assert.equal(hexOf(sealIn(primitives, context, { ...each, plaintext })), sealed);
        assert.deepEqual(openIn(primitives, context, { ...each, sealed: hex(sealed) }), plaintext);
      }
      for (const [about, value] of exported)
        assert.equal(
          hexOf(exportSecret(primitives, context, { info: hex(about), bytes: 32 })),
          value,
        );
    });

    test("opens what either implementation sealed, with the same context, number and aad only", () => {
      for (const sender of [portable, native]) {
        const aad = utf8("aad");
        const setup = setupSender(sender, { recipient, info });
        assert.ok(setup);
        const sealed = sealIn(sender, setup.context, { sequence: 7, aad, plaintext });
        const good = { enc: setup.enc, secret, info, sequence: 7, aad };
        const open = (changes: Partial<typeof good>) => {
          const given = { ...good, ...changes };
          const context = setupReceiver(primitives, given);
          return context && openIn(primitives, context, { ...given, sealed });
        };
        const other = utf8("other");
        assert.deepEqual(open({}), plaintext);
        assert.equal(open({ info: other }), undefined);
        assert.equal(open({ aad: other }), undefined);
        assert.equal(open({ sequence: 8 }), undefined);
        assert.equal(open({ secret: seedR }), undefined);
        assert.equal(open({ enc: recipient }), undefined);
        assert.equal(open({ enc: enc.subarray(1) }), undefined);
      }
    });

    test("seals nothing for a key of a small order, and opens nothing from one", () => {
      const small = new Uint8Array(32);
      assert.equal(setupSender(primitives, { recipient: small, info }), undefined);
      assert.equal(setupReceiver(primitives, { enc: small, secret, info }), undefined);
    });
  });
