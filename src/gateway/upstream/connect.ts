/**
 * How a connection to an upstream comes about: the address that is really connected to is judged, in the step that
 * connects. A name is resolved once, and the connection goes to the addresses of that answer and no others: a name that
 * answers with another address the next time (DNS rebinding) is judged the next time.
 *
 * A name one of whose addresses is refused is refused whole: the rest of such an answer is worth no more.
 *
 * @module
 */

import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";

import { buildConnector } from "undici";

import { refusedKind, type Reach } from "../../core/index.ts";
import { gatewayError, type GatewayError } from "../errors.ts";

export interface ConnectOptions {
  /** The upstream's name, for errors. */
  readonly name: string;
  readonly network: Reach;
  readonly timeoutMs: number;
  /** How a name becomes addresses. Default: as the machine does it. */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * What undici opens connections with. It gives `gateway.upstream-address` for an upstream whose address is not of its
 * network; then nothing was connected.
 */
export function connector(options: ConnectOptions): buildConnector.connector {
  const { name, network } = options;
  const connect = buildConnector({
    timeout: options.timeoutMs,
    // HTTP/1.1 is what the gateway reads: see dispatch.ts.
    allowH2: false,
    lookup: judgedLookup(options),
  });
  return (target, callback) => {
    // Node asks no resolver for what is an address already.
    const host = target.hostname.replace(/^\[(.*)\]$/, "$1");
    const refused = isIP(host) === 0 ? undefined : refusal(name, network, host);
    if (refused !== undefined) {
      callback(refused, null);
      return;
    }
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      // What is connected now is what was judged before. Should that ever not be so, nothing is said to it.
      const remote = remoteOf(socket);
      const elsewhere = remote === undefined ? undefined : refusal(name, network, remote);
      if (elsewhere === undefined) callback(null, socket);
      else {
        socket.destroy();
        callback(elsewhere, null);
      }
    });
  };
}

/** A resolver that gives only addresses that may be connected to. */
function judgedLookup({ name, network, lookup = systemLookup }: ConnectOptions): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const addresses = found as unknown as readonly LookupAddress[];
      const refused = addresses.map(({ address }) => refusal(name, network, address)).find((one) => one !== undefined);
      const [first] = addresses;
      if (refused !== undefined) callback(refused, "", 0);
      else if (first === undefined) callback(gatewayError("gateway.upstream-unreachable", { detail: name }), "", 0);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

/** Says of which kind the address is, and not which: the detail reaches clients, and is a map of the network. */
function refusal(name: string, network: Reach, address: string): GatewayError | undefined {
  const kind = refusedKind(address, network);
  if (kind === undefined) return undefined;
  const detail = `${name}: ${kind === "public" ? "a public" : `not a public, but a ${kind}`} address`;
  return gatewayError("gateway.upstream-address", { detail });
}

/**
 * IPv4 over a socket of IPv6 shows itself as IPv4-mapped; what was connected to is the IPv4 address. Undefined where the
 * connection is closed already.
 */
function remoteOf(socket: Socket): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "");
}
