import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type AddressKind, addressKind, isPublicAddress } from "./addresses.ts";

/** First and last of each range, and their neighbours on the public side. */
const table: Readonly<Record<AddressKind, string>> = {
  public: `1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0
    126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255
    172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255
    192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
    223.255.255.255 2000:: 2001:200:: 2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003::
    2606:4700:4700::1111 2A00:1450:4009:80b::200e 3fff:1000:: 3ffe:ffff::1
    2606:2800:220:1:248:1893:25c8:1946 2001:4860::203.0.114.9 2a02::5efe:1:2:3`,
  malformed: `127.1 127.0.1 2130706433 0x7f.0.0.1 0x7f000001 0177.0.0.1 017700000001 127.0.0.1.
    127.0.0.01 127.0.0.256 1.2.3 1.2.3.4.5 1.2.3.-4 1.2.3.4/8 ::1%lo fe80::1%eth0 [::1] ::: :::1
    1::2::3 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7::8 12345:: g:: ::1.2.3 ::1.2.3.256
    1.2.3.4:: ::1.2.3.4:5 : example.org localhost １２７.0.0.1 127。0。0。1 +1.2.3.4 ::ffff:0x7f.0.0.1`,
  unspecified: "0.0.0.0 0.0.0.1 0.255.255.255 :: 0:0:0:0:0:0:0:0 ::0.0.0.0",
  loopback:
    "127.0.0.0 127.0.0.1 127.1.2.3 127.255.255.255 ::1 0:0:0:0:0:0:0:1 0000::0001 ::0.0.0.1",
  private: `10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 fc00::
    fd00:ec2::254 fd20:ce::254 fdff:ffff:: fec0:: feff::1`,
  shared: "100.64.0.0 100.100.100.200 100.127.255.255",
  "link-local": "169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 fe80:: FE80::1 febf::1",
  multicast: "224.0.0.0 224.0.0.251 239.255.255.255 ff00:: ff02::1 ffff::",
  documentation: `192.0.2.0 192.0.2.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255
    2001:db8:: 2001:db8:ffff::1 3fff:: 3fff:fff::1`,
  benchmarking: "198.18.0.0 198.19.255.255 2001:2:: 2001:2:0:ffff::",
  reserved: `192.0.0.0 192.0.0.192 192.0.0.255 240.0.0.0 255.255.255.255 100:: 2001:10::1 2001:20::1
    2001:1ff:ffff:: 1fff:ffff:: 4000:: 5f00:: 8000:: fbff:: fe00::`,
  embedded: `::2 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1
    ::ffff:8.8.8.8 0:0:0:0:0:ffff:169.254.169.254 ::FFFF:a9fe:a9fe`,
  translated:
    "64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::a00:1 ::ffff:0:127.0.0.1",
  tunnelled: `192.88.99.0 192.88.99.255 2002:: 2002:7f00:1:: 2002:a00:1::1 2001:: 2001:0:4136:e378::
    2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:127.0.0.1`,
  metadata: "168.63.129.16",
};

const rows = Object.entries(table).flatMap(([kind, list]) =>
  list.split(/\s+/).map((address) => ({ kind, address })),
);

describe("an address", () => {
  test("is of the kind that the registries say", () => {
    for (const { kind, address } of rows) assert.equal(addressKind(address), kind, address);
    assert.ok(rows.length >= 150, `${rows.length} addresses`);
  });

  test("is read by us exactly when Node reads it, zones apart", () => {
    for (const { kind, address } of rows)
      if (!address.includes("%"))
        assert.equal(isIP(address) !== 0, kind !== "malformed", `${address} is ${kind}`);
  });

  test("is public in IPv4 exactly when no prefix of the table holds it", () => {
    const part = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(part, part, part, part), ([a, b, c, d]) => {
        const closed =
          a === 0 ||
          a === 10 ||
          (a === 100 && b >= 64 && b < 128) ||
          a === 127 ||
          (a === 169 && b === 254) ||
          (a === 172 && b >= 16 && b < 32) ||
          (a === 192 && b === 0 && (c === 0 || c === 2)) ||
          (a === 192 && b === 88 && c === 99) ||
          (a === 192 && b === 168) ||
          (a === 198 && (b === 18 || b === 19)) ||
          (a === 198 && b === 51 && c === 100) ||
          (a === 203 && b === 0 && c === 113) ||
          a >= 224 ||
          [a, b, c, d].join(".") === "168.63.129.16";
        assert.equal(isPublicAddress([a, b, c, d].join(".")), !closed);
      }),
    );
  });

  test("is never public when it carries an IPv4 address that a translator would take out", () => {
    const part = fc.integer({ min: 0, max: 255 });
    const prefix = fc.constantFrom("::", "::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::");
    fc.assert(
      fc.property(prefix, fc.tuple(part, part, part, part), (before, parts) => {
        assert.equal(isPublicAddress(before + parts.join(".")), false);
      }),
    );
  });

  test("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => void addressKind(text)));
  });
});
