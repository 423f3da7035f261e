/**
 * Which internet addresses a collector may talk to: those of the public internet and no others. A
 * URL is chosen by a stranger, and its host name by its owner, so that both may point into the
 * node's own machine, its local network or its cloud's metadata service.
 */

export type AddressKind =
  | "public"
  /** Not in the one spelling that resolvers give: `127.1`, `0x7f.1` and zones (`fe80::1%eth0`) are none. */
  | "malformed"
  | "unspecified"
  | "loopback"
  | "private"
  /** Shared by the customers of one provider (100.64.0.0/10). */
  | "shared"
  | "link-local"
  | "multicast"
  | "documentation"
  | "benchmarking"
  | "reserved"
  /** An IPv4 address in IPv6 clothes (::ffff:0:0/96, ::/96): the kernel would undress it. */
  | "embedded"
  /** NAT64: a translator on the way would undress it. */
  | "translated"
  /** 6to4, Teredo, ISATAP: a tunnel's end would undress it. */
  | "tunnelled"
  /** Where a cloud tells its machines their secrets, outside of every range above. */
  | "metadata";

/**
 * What kind of address it is. Only `public` may be talked to.
 *
 * @param address - As a resolver writes it: `192.0.2.1` or `2001:db8::1`, without brackets.
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890.
 *
 * @example
 * addressKind("93.184.216.34"); // "public"
 * addressKind("::ffff:10.0.0.1"); // "embedded"
 */
export const addressKind = (address: string): AddressKind => {
  const groups4 = readIpv4(address);
  if (groups4) return kindIn(ranges4, groups4) ?? "public";
  const groups6 = readIpv6(address);
  if (!groups6) return "malformed";
  const named = kindIn(ranges6, groups6);
  if (named) return named;
  if (isIsatap(groups6)) return "tunnelled";
  // All that was ever given out to be reached by everyone lies in 2000::/3.
  return ((groups6[0] ?? 0) & 0xe000) === 0x2000 ? "public" : "reserved";
};

export const isPublicAddress = (address: string): boolean => addressKind(address) === "public";

/** Groups of 16 bits, the highest first: two of IPv4, eight of IPv6. */
type Groups = readonly number[];

interface Range {
  readonly groups: Groups;
  readonly bits: number;
  readonly kind: AddressKind;
}

/** Strictly four decimal numbers without leading zeros: any other spelling is read in two ways. */
const readIpv4 = (text: string): Groups | undefined => {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
  if (Math.max(a, b, c, d) > 255) return undefined;
  return [a * 256 + b, c * 256 + d];
};

const readIpv6 = (text: string): Groups | undefined => {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(readGroups);
  if (!halves.every((half) => readGroups(half) !== undefined)) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : undefined;
  if (halves[0]?.includes(".") || missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
};

const readGroups = (half: string): number[] | undefined => {
  if (half === "") return [];
  const groups: number[] = [];
  const parts = half.split(":");
  for (const [index, part] of parts.entries()) {
    const embedded = index === parts.length - 1 ? readIpv4(part) : undefined;
    if (embedded) groups.push(...embedded);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
};

const kindIn = (ranges: readonly Range[], address: Groups): AddressKind | undefined =>
  ranges.find((range) => isWithin(range, address))?.kind;

const isWithin = ({ groups, bits }: Range, address: Groups): boolean =>
  groups.every((group, index) => {
    const counted = Math.min(16, Math.max(0, bits - 16 * index));
    const mask = counted === 0 ? 0 : (0xffff << (16 - counted)) & 0xffff;
    return (group & mask) === ((address[index] ?? 0) & mask);
  });

/** ISATAP: an interface id of ::0:5efe:a.b.c.d or ::200:5efe:a.b.c.d under any prefix (RFC 5214). */
const isIsatap = (groups: Groups): boolean =>
  groups[5] === 0x5efe && (groups[4] === 0 || groups[4] === 0x0200);

const range = (text: string, kind: AddressKind): Range => {
  const [address = "", bits = ""] = text.split("/");
  const groups = readIpv4(address) ?? readIpv6(address);
  if (!groups) throw new RangeError(`expected an address range, got ${text}`);
  return { groups, bits: Number(bits), kind };
};

const ranges4: readonly Range[] = [
  range("0.0.0.0/8", "unspecified"),
  range("10.0.0.0/8", "private"),
  range("100.64.0.0/10", "shared"),
  range("127.0.0.0/8", "loopback"),
  range("169.254.0.0/16", "link-local"),
  range("172.16.0.0/12", "private"),
  range("192.0.0.0/24", "reserved"),
  range("192.0.2.0/24", "documentation"),
  range("192.88.99.0/24", "tunnelled"),
  range("192.168.0.0/16", "private"),
  range("198.18.0.0/15", "benchmarking"),
  range("198.51.100.0/24", "documentation"),
  range("203.0.113.0/24", "documentation"),
  range("224.0.0.0/4", "multicast"),
  range("240.0.0.0/4", "reserved"),
  // Azure's, reachable from its machines alone.
  range("168.63.129.16/32", "metadata"),
];

const ranges6: readonly Range[] = [
  range("::/128", "unspecified"),
  range("::1/128", "loopback"),
  range("::/96", "embedded"),
  range("::ffff:0:0/96", "embedded"),
  range("::ffff:0:0:0/96", "translated"),
  range("64:ff9b::/96", "translated"),
  range("64:ff9b:1::/48", "translated"),
  range("100::/64", "reserved"),
  range("2001::/32", "tunnelled"),
  range("2001:2::/48", "benchmarking"),
  range("2001::/23", "reserved"),
  range("2001:db8::/32", "documentation"),
  range("2002::/16", "tunnelled"),
  range("3fff::/20", "documentation"),
  range("fc00::/7", "private"),
  range("fe80::/10", "link-local"),
  range("fec0::/10", "private"),
  range("ff00::/8", "multicast"),
];
