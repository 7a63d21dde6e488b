/**
 * A name server for tests, on loopback: it answers A and AAAA questions as it likes, and another time otherwise, which
 * no system resolver can be made to do. Just enough of RFC 1035 (section 4) and RFC 3596 for that.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { promises, type LookupAddress } from "node:dns";
import { once } from "node:events";
import { isIPv4, isIPv6, type LookupFunction } from "node:net";

export interface FakeDns {
  /** Questions so far, `name A` or `name AAAA`, in order. */
  readonly questions: readonly string[];
  /** In place of the machine's own: asks this server, once for each family. */
  readonly lookup: LookupFunction;
  close(): void;
}

/** Addresses of a name; `times` is how often it was asked for with this type before. */
export type DnsAnswer = (name: string, times: number) => readonly string[];

/**
 * @example
 * ```ts
 * const dns = await startDns((name, times) => (times === 0 ? ["127.0.0.1"] : ["127.0.0.2"]));
 * dns.lookup("some.test", { all: true }, (error, addresses) => {});
 * dns.close();
 * ```
 */
export async function startDns(answer: DnsAnswer): Promise<FakeDns> {
  const questions: string[] = [];
  const server = createSocket("udp4");
  server.on("message", (query, from) => {
    const { name, type, end } = question(query);
    const kind = type === AAAA ? "AAAA" : "A";
    const times = questions.filter((one) => one === `${name} ${kind}`).length;
    questions.push(`${name} ${kind}`);
    const addresses = answer(name, times).filter((one) => (type === AAAA ? isIPv6(one) : type === A && isIPv4(one)));
    server.send(response(query.subarray(0, end), type, addresses), from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const resolver = new promises.Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);

  const resolve = async (hostname: string): Promise<LookupAddress[]> => {
    const of = async (family: 4 | 6): Promise<LookupAddress[]> => {
      try {
        const found = family === 4 ? await resolver.resolve4(hostname) : await resolver.resolve6(hostname);
        return found.map((address) => ({ address, family }));
      } catch {
        // No address of this family.
        return [];
      }
    };
    return [...(await of(4)), ...(await of(6))];
  };
  const answerLater = async (hostname: string, callback: Parameters<LookupFunction>[2]): Promise<void> => {
    const addresses = await resolve(hostname);
    const error = addresses.length > 0 ? null : Object.assign(new Error("not found"), { code: "ENOTFOUND" });
    callback(error, addresses);
  };
  return {
    questions,
    lookup: (hostname, _options, callback) => {
      void answerLater(hostname, callback);
    },
    close() {
      resolver.cancel();
      server.close();
    },
  };
}

const A = 1;
const AAAA = 28;
const HEADER = 12;

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The question again, and after it the answers, whose time to live is 0. */
function response(query: Buffer, type: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(query.subarray(0, HEADER));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const data = bytesOf(address);
    const record = Buffer.alloc(HEADER + data.length);
    record.writeUInt16BE(0xc000 | HEADER, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    data.copy(record, HEADER);
    return record;
  });
  return Buffer.concat([head, query.subarray(HEADER), ...records]);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes every form of an address as groups of hexadecimal digits.
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const zeros = Array.from({ length: 8 - groups(head).length - groups(tail).length }, () => "0");
  const bytes = Buffer.alloc(16);
  [...groups(head), ...zeros, ...groups(tail)].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}
