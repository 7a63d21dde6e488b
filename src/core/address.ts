/**
 * What kind of address an IP address is: whether it leads out to the internet, or inwards, to this machine and its
 * networks.
 *
 * Inwards is everything that is not known to lead outwards: of IPv6 only global unicast (2000::/3) does. Addresses that
 * carry another one within them (IPv4-mapped and -compatible, NAT64, 6to4, Teredo) are a kind of their own and never
 * outwards, whatever they carry: which address is reached in the end is decided by a router elsewhere.
 *
 * Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), RFC 4291 (IPv6 addresses), RFC 6052 and
 * 8215 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 6598 (shared address space); the documentation of AWS, Google
 * Cloud, Azure, Oracle Cloud and Alibaba Cloud for the addresses of their metadata services.
 *
 * @module
 */

export type AddressKind =
  | "public"
  | "loopback"
  | "private"
  /** Between a provider and its customers (carrier-grade NAT); overlay networks and clusters use it too. */
  | "shared"
  | "link-local"
  /** Where a cloud gives credentials to whoever asks from inside. */
  | "metadata"
  | "multicast"
  | "unspecified"
  /** Carries another address within it. */
  | "embedded"
  | "reserved";

/** Which addresses an upstream may have: those of the internet, or those of this machine and its own networks. */
export type Network = "public" | "private";

/** Where a connection may go: an upstream to its network, a server that only the operator names to both. */
export type Reach = Network | "either";

const INWARDS = ["loopback", "private", "shared"] as const;
const KINDS: Readonly<Record<Reach, ReadonlySet<AddressKind>>> = {
  public: new Set<AddressKind>(["public"]),
  private: new Set<AddressKind>(INWARDS),
  either: new Set<AddressKind>(["public", ...INWARDS]),
};

/**
 * The kind of an address in text form; undefined where the text is no IP address.
 *
 * @example
 * ```ts
 * addressKind("10.1.2.3"); // "private"
 * addressKind("::ffff:8.8.8.8"); // "embedded"
 * ```
 */
export function addressKind(address: string): AddressKind | undefined {
  // A zone (`fe80::1%eth0`) says through which interface, not where to.
  const text = address.split("%", 1)[0] as string;
  const family = familyOf(text);
  if (family === undefined) return undefined;
  const [bits, value, ranges] = family === 4 ? ([32, ipv4(text), V4] as const) : ([128, ipv6(text), V6] as const);
  for (const { start, length, kind } of ranges) {
    const rest = BigInt(bits - length);
    if (value >> rest === start >> rest) return kind;
  }
  return family === 4 ? "public" : "reserved";
}

/**
 * The kind of an address that an upstream of `network` may not have; undefined where it may. What is no IP address is
 * `reserved`.
 */
export function refusedKind(address: string, network: Reach): AddressKind | undefined {
  const kind = addressKind(address) ?? "reserved";
  return KINDS[network].has(kind) ? undefined : kind;
}

/**
 * Which addresses an upstream may have where the configuration does not say: whoever writes `localhost`, or an address
 * of an own network, has named it.
 */
export function networkOf(url: URL): Network {
  const host = hostOf(url);
  if (host === "localhost") return "private";
  const kind = addressKind(host);
  return kind !== undefined && KINDS.private.has(kind) ? "private" : "public";
}

/**
 * Whether the host of a URL stands there as the URL parser reads it. One that it reads as another (`0x7f.1`, `2130706433`,
 * full-width digits, percent signs) is a host that nobody sees who reads the text. Of a backslash, parsers differ on which
 * side of it the host is. What is no URL has no host to hide.
 */
export function isPlainHost(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const host = /^[^:]*:\/\/([^/:?#[\]]+|\[[^\]]*\])(?=[:/?#]|$)/.exec(text)?.[1];
  return !text.includes("\\") && host?.toLowerCase() === new URL(text).hostname;
}

/**
 * Whether a URL that an operator writes names a host in its plain form and, where that is an address, one that a server
 * of theirs may have: none of a metadata service, and none that leads who knows where.
 */
export function isServerUrl(text: string): boolean {
  if (!URL.canParse(text) || !isPlainHost(text)) return false;
  const host = hostOf(new URL(text));
  return addressKind(host) === undefined || refusedKind(host, "either") === undefined;
}

/**
 * A {@link isServerUrl} that secrets or texts may be sent to: over TLS, or on this machine, and without a user or a password
 * in it.
 */
export function isServiceUrl(text: string): boolean {
  if (!isServerUrl(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return false;
  if (protocol === "https:") return true;
  return (
    protocol === "http:" && (hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname))
  );
}

/** The host of a URL as the resolver takes it: without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

interface Range {
  readonly start: bigint;
  readonly length: number;
  readonly kind: AddressKind;
}

/** Ranges in the order in which they are tried: the first that holds an address says what it is. */
const V4: readonly Range[] = ranges(ipv4, [
  ["169.254.169.254/32", "metadata"], // AWS, Google Cloud, Azure and most others
  ["169.254.170.2/32", "metadata"], // AWS, tasks of containers
  ["169.254.170.23/32", "metadata"], // AWS, pods of Kubernetes
  ["100.100.100.200/32", "metadata"], // Alibaba Cloud
  ["192.0.0.192/32", "metadata"], // Oracle Cloud
  ["168.63.129.16/32", "metadata"], // Azure, the host of a virtual machine
  ["0.0.0.0/8", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "reserved"],
  ["192.88.99.0/24", "embedded"], // relays of 6to4
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "reserved"],
  ["198.51.100.0/24", "reserved"],
  ["203.0.113.0/24", "reserved"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
]);

const V6: readonly Range[] = ranges(ipv6, [
  ["fd00:ec2::254/128", "metadata"], // AWS
  ["fd00:ec2::23/128", "metadata"], // AWS, pods of Kubernetes
  ["fd20:ce::254/128", "metadata"], // Google Cloud
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["::/96", "embedded"], // IPv4-compatible
  ["::ffff:0:0/96", "embedded"], // IPv4-mapped
  ["::ffff:0:0:0/96", "embedded"], // IPv4-translated
  ["64:ff9b::/96", "embedded"], // NAT64
  ["64:ff9b:1::/48", "embedded"], // NAT64, local use
  ["2001::/32", "embedded"], // Teredo
  ["2002::/16", "embedded"], // 6to4
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "reserved"],
  ["3fff::/20", "reserved"],
  ["fc00::/7", "private"],
  ["fe80::/10", "link-local"],
  ["ff00::/8", "multicast"],
  ["2000::/3", "public"],
]);

function ranges(read: (text: string) => bigint, rows: readonly (readonly [string, AddressKind])[]): readonly Range[] {
  return rows.map(([range, kind]) => {
    const [start = "", length = ""] = range.split("/");
    return { start: read(start), length: Number(length), kind };
  });
}

/** Four numbers from 0 to 255, none with a zero before it. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Undefined for what is no address in its plain form. */
function familyOf(text: string): 4 | 6 | undefined {
  if (IPV4.test(text)) return 4;
  return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`) ? 6 : undefined;
}

/** Four numbers from 0 to 255, as `familyOf` has checked. */
function ipv4(text: string): bigint {
  return text.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

/** Eight groups, one run of zeros left out, the last two perhaps as IPv4 (RFC 4291 section 2.2), as `familyOf` has checked. */
function ipv6(text: string): bigint {
  const [head = "", tail] = text.split("::", 2);
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n);
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | group, 0n);
}

function groups(text: string): readonly bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = ipv4(group);
    return [value >> 16n, value & 0xffffn];
  });
}
