import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { allows, parseAllowList } from "./allow-list.ts";
import { readUrl, type UrlFault, urlLengthMax } from "./urls.ts";

/** What hostile and careless jobs name. */
const refused: Readonly<Record<UrlFault, readonly string[]>> = {
  malformed: [
    "",
    "example.org",
    "//example.org/",
    "/etc/passwd",
    "http:",
    "http:/example.org/",
    "http:example.org/",
    "http://",
    "http:///example.org/",
    "http://?x",
    "http://exa mple.org/",
    " http://example.org/",
    "http://example.org/\n",
    "http://example.org/\r\nHost: evil.example",
    "ht\ttp://example.org/",
    "http://example.org\\@127.0.0.1/",
    "http:\\\\example.org\\",
    "http://example.org:99999/",
    "http://example.org:-1/",
    "http://example.org:80x/",
    "http://[::1/",
    "http://[example.org]/",
    "http://exa%00mple.org/",
    "http://exa<mple.org/",
    "http://a..example.org/",
    "http://.example.org/",
    "http://1.2.3.4.5/",
    "http://999.1.1.1/",
    "http://0x.1.1.256/",
    "http://exam!ple.org/",
    `http://${"a".repeat(64)}.example.org/`,
    `http://${"a.".repeat(130)}example.org/`,
    "http://\ud800.example.org/",
  ],
  "too-long": [
    `http://example.org/${"a".repeat(urlLengthMax)}`,
    `http://example.org/${"é".repeat(800)}`,
  ],
  scheme: [
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org:70/_x",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ws://example.org/",
    "httpx://example.org/",
    "blob:http://example.org/x",
    "view-source:http://example.org/",
  ],
  credentials: [
    "http://ada@example.org/",
    "http://ada:secret@example.org/",
    "http://@example.org/",
    "http://:@example.org/",
    "http://example.org@127.0.0.1/",
    "http://example.org:80@evil.example/",
    "http://example.org%40evil.example@x.example/",
  ],
  "address-literal": [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://%31%32%37.0.0.1/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1]/",
    "http://8.8.8.8/",
  ],
  "trailing-dot": ["http://example.org./", "http://localhost./", "http://example.org%2e/"],
  "local-name": [
    "http://localhost/",
    "http://LOCALHOST/",
    "http://ⓛocalhost/",
    "http://x.localhost/",
    "http://printer/",
    "http://nas.local/",
    "http://metadata.google.internal/",
    "http://router.lan/",
    "http://router.home.arpa/",
    "http://duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion/",
    "http://1.0.0.127.in-addr.arpa/",
  ],
  port: [
    "http://example.org:22/",
    "http://example.org:8080/",
    "http://example.org:0/",
    "https://example.org:6379/",
    "http://example.org:65535/",
  ],
};

describe("a URL", () => {
  for (const [fault, texts] of Object.entries(refused))
    test(`is refused: ${fault}`, () => {
      for (const text of texts)
        assert.deepEqual(readUrl(text), { ok: false, fault }, JSON.stringify(text));
    });

  test("is read in one spelling, without its fragment", () => {
    const spellings = [
      "https://example.org/a/b?c=d",
      "HTTPS://EXAMPLE.org:443/a/b?c=d#e",
      "https://example.org/x/../a/./b?c=d",
      "https://ⓔxample.org/a/b?c=d",
    ];
    for (const text of spellings)
      assert.deepEqual(readUrl(text), {
        ok: true,
        url: {
          href: "https://example.org/a/b?c=d",
          origin: "https://example.org",
          secure: true,
          host: "example.org",
          port: 443,
          target: "/a/b?c=d",
        },
      });
    const unicode = readUrl("http://bücher.example:443/ä");
    assert.ok(unicode.ok);
    assert.equal(unicode.url.href, "http://xn--bcher-kva.example:443/%C3%A4");
    assert.equal(unicode.url.port, 443);
  });

  test("that is read is read again as itself, and names no address", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const read = readUrl(text);
        if (!read.ok) return;
        assert.deepEqual(readUrl(read.url.href), read);
        assert.equal(new URL(read.url.href).hostname, read.url.host);
      }),
      { numRuns: 40 },
    );
  });

  test("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void readUrl(text)));
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => void readUrl(`http://${text}/`)),
    );
  });
});

describe("an owner's allow-list", () => {
  const parsed = parseAllowList(["example.org", "*.Data.gov", "bücher.example"]);
  assert.ok(parsed.ok);
  const { list } = parsed;

  test("has a host, or every name below one", () => {
    for (const host of ["example.org", "api.data.gov", "a.b.data.gov", "xn--bcher-kva.example"])
      assert.ok(allows(list, host), host);
    for (const host of [
      "www.example.org",
      "data.gov",
      "notdata.gov",
      "data.gov.evil.example",
      "example.org.evil.example",
      "evil-example.org",
      "org",
      "",
    ])
      assert.ok(!allows(list, host), host);
  });

  test("takes no pattern for everything, no address, no URL", () => {
    for (const pattern of [
      "*",
      "*.org",
      "",
      "*.",
      "a.*.org",
      "**.example.org",
      "*example.org",
      "127.0.0.1",
      "*.0.0.1",
      "[::1]",
      "localhost",
      "*.internal",
      "http://example.org",
      "example.org/",
      "example.org:80",
      "ada@example.org",
      "example.org.",
      "exa mple.org",
    ])
      assert.deepEqual(parseAllowList([pattern]), { ok: false, pattern }, pattern);
  });

  test("that is empty allows nothing", () => assert.ok(!allows([], "example.org")));
});
