/**
 * The certificate of a listener while it runs: taken up anew when it changes, without a connection being dropped. Those
 * that are open keep what they began with; the next handshake uses the new one.
 *
 * What cannot be used leaves the old one in use and is logged once, by its code; the log says so again when it changes.
 *
 * @module
 */

import { isHoldfastError, type Clock } from "../../core/index.ts";
import type { Log } from "../serving.ts";
import type { TlsConfig } from "./config.ts";
import { leafOf, readTls, sameMaterial, secureOptions, type TlsMaterial } from "./material.ts";

/** What of a `tls.Server` this needs. */
interface SecureServer {
  setSecureContext(options: ReturnType<typeof secureOptions>): void;
}

export interface ListenerOptions {
  readonly config: TlsConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Between two looks at the files, in milliseconds. */
  readonly everyMs?: number;
}

export interface TlsListener {
  /** For `createServer`: the context, and whether clients are asked for a certificate. */
  readonly options: ReturnType<typeof secureOptions> & { requestCert: boolean; rejectUnauthorized: false };
  /** PEM of the certificate that is in use now. */
  readonly certificate: () => string;
  /** Begins to look at the files. */
  watch(server: SecureServer): void;
  /**
   * Checks another configuration, and what it names, without using it; `use` takes it up.
   *
   * @throws `gateway.tls-unreadable`, `gateway.tls-invalid`
   */
  prepare(config: TlsConfig): { use(): void };
  stop(): void;
}

/** A rotation is taken up within this time. Files are read rather than watched: what is mounted tells no change. */
const EVERY_MS = 5_000;
/** From when before its end on a certificate is warned of. */
const SOON_MS = 7 * 86_400_000;

/**
 * Reads the certificate of a listener that is about to start.
 *
 * @throws `gateway.tls-unreadable`, `gateway.tls-invalid`
 */
export function openTlsListener({ config, env, clock, log, everyMs = EVERY_MS }: ListenerOptions): TlsListener {
  let current = { config, material: readTls(config, env) };
  const options = secureOptions(current.material, config);
  warnOfEnd(current.material, clock, log);
  let server: SecureServer | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** The last thing that was refused: said once. */
  let refused: string | undefined;

  const prepare = (next: TlsConfig): { use(): void; changed: boolean } => {
    const material = readTls(next, env);
    const context = secureOptions(material, next);
    const changed = !sameMaterial(material, current.material) || next.minVersion !== current.config.minVersion;
    return {
      changed,
      use() {
        current = { config: next, material };
        refused = undefined;
        if (!changed) return;
        server?.setSecureContext(context);
        log.info("the gateway uses a new certificate", { sha256: leafOf(material).fingerprint256 });
        warnOfEnd(material, clock, log);
      },
    };
  };
  const look = (): void => {
    try {
      const next = prepare(current.config);
      if (next.changed || refused !== undefined) next.use();
    } catch (error) {
      const why = isHoldfastError(error) ? error.message : "an unexpected error";
      if (why !== refused) log.error("a new certificate was refused, and the old one stays in use", { error: why });
      refused = why;
    }
  };

  return {
    options: { ...options, requestCert: config.clientCa !== undefined, rejectUnauthorized: false },
    certificate: () => leafOf(current.material).toString(),
    watch(watched) {
      server = watched;
      timer = setInterval(look, everyMs).unref();
    },
    prepare,
    stop: () => clearInterval(timer),
  };
}

function warnOfEnd(material: TlsMaterial, clock: Clock, log: Log): void {
  const { validFrom, validTo } = leafOf(material);
  const left = Date.parse(validTo) - clock.now();
  const fields = { from: validFrom, to: validTo };
  if (left <= 0 || Date.parse(validFrom) > clock.now()) {
    log.warn("the gateway's certificate is not valid at this time: clients will refuse it", fields);
  } else if (left < SOON_MS) {
    log.warn("the gateway's certificate ends soon", fields);
  }
}
