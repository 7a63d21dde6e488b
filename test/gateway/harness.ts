/**
 * A whole gateway for tests: a real ledger, a real database, a key, and a fake upstream, all in a temporary folder and
 * on loopback. What the gateway did is read back from its ledger.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type LookupFunction, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { decodeStatement, PredicateType, systemClock, type ReleaseAdmission } from "../../src/core/index.ts";
import {
  createKey,
  gatewayConfig,
  gatewayModule,
  startGateway,
  telemetryConfig,
  type Gateway,
  type GatewayConfig,
  type KeyInput,
  type Receipt,
} from "../../src/gateway/index.ts";
import { openCommitter, openLedger, openLedgerReader, type Committer, type Ledger } from "../../src/ledger/index.ts";
import { migrate, openCounters, openDb, storageModule, type Db } from "../../src/storage/index.ts";
import { startFakeUpstream, type FakeScript, type FakeUpstream } from "../upstreams/fake.ts";

/**
 * The key of what receipts commit to, and so of the sketches that count who asks how much: about, and with another key
 * otherwise. With one key for all runs the same questions are always as many.
 */
const COMMITMENT_KEY = Buffer.alloc(32, "commitment");

const off = { request: "off", response: "off" };

/** The guards that are off where a test is about rules of its own, or about characters. */
export const OTHER_GUARDS_OFF = {
  secrets: off,
  injection: off,
  pii: off,
  moderation: off,
  leak: off,
  exfiltration: off,
};

export interface HarnessOptions {
  readonly script?: FakeScript;
  /** Merged over the default configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Instead of one upstream of each protocol at the fake server. */
  readonly upstreams?: readonly unknown[];
  readonly telemetry?: unknown;
  /** Where counters are. Default: in memory. */
  readonly countersUrl?: string;
  readonly key?: Partial<KeyInput>;
  /** Stands between the gateway and its ledger. */
  readonly wrapLedger?: (ledger: Ledger) => Pick<Ledger, "append">;
  /** Stands between the gateway and its database. */
  readonly wrapDb?: (db: Db) => Db;
  readonly env?: Readonly<Record<string, string>>;
  /** How names of upstreams become addresses. */
  readonly lookup?: LookupFunction;
  /** The registry of models that admission asks, on the harness's own database. */
  readonly releases?: (db: Db) => Promise<ReleaseAdmission>;
}

export interface Harness {
  readonly config: GatewayConfig;
  readonly gateway: Gateway;
  readonly port: number;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly key: string;
  readonly db: Db;
  readonly committer: Committer;
  readonly upstream: FakeUpstream;
  /** Lines that the gateway logged. */
  readonly logged: readonly string[];
  /** A POST with the harness's key, unless `headers` say otherwise. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The text of every entry of the ledger, in order. */
  entries(): Promise<readonly string[]>;
  receipts(): Promise<readonly Receipt[]>;
  /** The receipt of the request with this id. */
  receipt(id: string | null): Promise<Receipt>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: {
    readonly error?: { readonly message: string; readonly type: string; readonly code: string | null };
  } & Record<string, unknown>;
}

/** Starts one. Call `close`, also when the test fails. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-gateway-"));
  const upstream = await startFakeUpstream(options.script);
  const db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, gatewayModule]);
  const folder = join(home, "ledger");
  const ledger = await openLedger({ folder, keyFile: join(home, "keys", "ledger.key") });
  const commitmentKey = join(home, "keys", "commitment.key");
  await writeFile(commitmentKey, COMMITMENT_KEY, { mode: 0o600 });
  const committer = await openCommitter(commitmentKey);
  const counters = await openCounters({ url: options.countersUrl ?? "memory", recoveryMs: 300 });
  const logged: string[] = [];
  const log = (message: string, fields?: object): void => {
    logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const config = gatewayConfig.parse({
    listen: "127.0.0.1:0",
    upstreams: options.upstreams ?? [
      { name: "fake-openai", protocol: "openai", url: upstream.url },
      { name: "fake-anthropic", protocol: "anthropic", url: upstream.url },
      { name: "fake-gemini", protocol: "gemini", url: upstream.url.replace(/v1$/, "v1beta") },
    ],
    ...options.config,
  });
  const closeRest = async (): Promise<void> => {
    await counters.close();
    await ledger.close();
    await db.close();
    await upstream.close();
    await rm(home, { recursive: true, force: true });
  };
  const releases = await options.releases?.(db);
  const gateway = await startGateway({
    config,
    db: options.wrapDb?.(db) ?? db,
    ledger: options.wrapLedger?.(ledger) ?? ledger,
    committer,
    counters,
    clock: systemClock,
    log: { info: log, warn: log, error: log },
    telemetry: telemetryConfig.parse(options.telemetry),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(releases === undefined ? {} : { releases }),
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  }).catch(async (error: unknown) => {
    await closeRest();
    throw error;
  });
  const { port } = gateway.address;
  const url = `http://127.0.0.1:${port}`;
  const key = (await createKey(db, { app: "test", ...options.key }, systemClock)).key.reveal();

  type Init = { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> };
  const request = async (path: string, init: Init): Promise<Answer> => {
    const response = await fetch(url + path, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
    const text = await response.text();
    const json = text.startsWith("{") ? (JSON.parse(text) as Answer["json"]) : {};
    return { status: response.status, headers: response.headers, text, json };
  };
  const entries = async (): Promise<string[]> => {
    const { size } = await ledger.checkpoint();
    const found: string[] = [];
    for await (const { bytes } of openLedgerReader(folder).entries(0, size))
      found.push(new TextDecoder().decode(bytes));
    return found;
  };
  const receipts = async (): Promise<Receipt[]> =>
    (await entries())
      .map((text) => decodeStatement(new TextEncoder().encode(text)))
      .filter((statement) => statement.predicateType === PredicateType.receipt)
      .map((statement) => statement.predicate as Receipt);

  return {
    config,
    gateway,
    port,
    url,
    key,
    db,
    committer,
    upstream,
    logged,
    post: (path, body, headers) =>
      request(path, {
        method: "POST",
        body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    get: (path, headers) => request(path, headers === undefined ? {} : { headers }),
    entries,
    receipts,
    async receipt(id) {
      const found = (await receipts()).filter((receipt) => receipt.id === id);
      if (found.length !== 1) throw new Error(`${found.length} receipts for ${String(id)}`);
      return found[0] as Receipt;
    },
    async close() {
      await gateway.close(1_000);
      await closeRest();
    },
  };
}

/** What a raw connection got: everything until the server closed it, or `waitMs` passed. */
export function raw(port: number, write: (socket: Socket) => void, waitMs = 15_000): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      write(socket);
    });
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(done, waitMs);
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
    });
    socket.on("end", done);
    socket.on("close", done);
    socket.on("error", done);
  });
}

/** A chat request with one user message. */
export const chat = (content: unknown, more: object = {}): Record<string, unknown> => ({
  model: "fake-model",
  messages: [{ role: "user", content }],
  ...more,
});

/** A Messages request with one user message. */
export const message = (content: unknown, more: object = {}): Record<string, unknown> => ({
  model: "fake-model",
  max_tokens: 100,
  messages: [{ role: "user", content }],
  ...more,
});
