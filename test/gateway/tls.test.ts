/** The TLS listener: who is let in by a certificate, and how one is replaced under connections that stay. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

import { systemClock } from "../../src/core/index.ts";
import { openTlsListener } from "../../src/gateway/tls/listener.ts";
import { tlsConfig } from "../../src/gateway/tls/config.ts";
import { testAuthority, type Pem, type TestAuthority } from "../identity/certificates.ts";
import { chat, startHarness, type Harness } from "./harness.ts";

const first = testAuthority();
const second = testAuthority();
const skip = first === undefined || second === undefined ? "skipped: openssl is not installed" : false;
const folder = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
const file = (name: string): string => join(folder, name);
after(() => {
  first?.close();
  second?.close();
  rmSync(folder, { recursive: true, force: true });
});

function write({ cert, key }: Pem): void {
  writeFileSync(file("cert.pem"), cert);
  writeFileSync(file("key.pem"), key);
}

const TLS = { cert: { file: file("cert.pem") }, key: { file: file("key.pem") }, clientCa: { file: file("ca.pem") } };

describe("a gateway that speaks TLS", { skip }, () => {
  let harness: Harness;
  const [one, two] = [first as TestAuthority, second as TestAuthority];
  const known = skip === false ? one.client("URI:spiffe://a.example/shop") : undefined;
  const stranger = skip === false ? one.client("URI:spiffe://a.example/other") : undefined;
  const forged = skip === false ? two.client("URI:spiffe://a.example/shop") : undefined;

  before(async () => {
    write(one.server);
    writeFileSync(file("ca.pem"), one.cert);
    harness = await startHarness({
      config: {
        tls: TLS,
        identity: { certificates: [{ name: "shop", match: { uri: "spiffe://a.example/shop" }, app: "shop" }] },
      },
    });
  });
  after(() => harness.close());

  const open = async (options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({ port: harness.port, host: "127.0.0.1", ca: [one.cert, two.cert], ...options });
    socket.on("error", () => undefined);
    await once(socket, "secureConnect");
    return socket;
  };
  const ask = (headers: Record<string, string>, options: ConnectionOptions = {}): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          port: harness.port,
          host: "127.0.0.1",
          path: "/v1/chat/completions",
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          ca: one.cert,
          agent: false,
          ...options,
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve([response.statusCode ?? 0, text]));
        },
      );
      sent.on("error", reject);
      sent.end(JSON.stringify(chat("hello")));
    });
  /** A request on a connection that is open already. */
  const askOn = async (socket: TLSSocket): Promise<string> => {
    const body = JSON.stringify(chat("hello"));
    const answer = once(socket, "data") as Promise<[Buffer]>;
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer ${harness.key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    return (await answer)[0].toString("latin1").split("\r\n", 1)[0] ?? "";
  };
  const shown = (socket: TLSSocket): string => socket.getPeerX509Certificate()?.fingerprint256 ?? "";

  it("lets in by key, by a certificate that is named, and nobody else", async () => {
    assert.equal((await ask({ authorization: `Bearer ${harness.key}` }))[0], 200);
    assert.equal((await ask({}))[0], 401);
    assert.equal((await ask({}, known))[0], 200);
    const [status, text] = await ask({}, stranger);
    assert.equal(status, 401);
    assert.match(text, /gateway\.certificate-unknown/);
    const receipts = await harness.receipts();
    assert.ok(receipts.some(({ principal }) => JSON.stringify(principal).includes("certificate:shop:")));
  });

  it("believes no certificate of another authority, whatever name it bears", async () => {
    const [status, text] = await ask({}, forged);
    assert.equal(status, 401);
    assert.match(text, /gateway\.key-missing/, "as if none had been shown");
  });

  it("answers nothing below TLS, and stays up", async () => {
    const plain = connectPlain(harness.port, "127.0.0.1");
    let got = "";
    plain.on("data", (chunk) => (got += chunk.toString("latin1")));
    plain.on("error", () => undefined);
    plain.write("GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n");
    await once(plain, "close");
    assert.equal(got.includes("HTTP/1.1"), false, got);
    assert.equal((await ask({ authorization: `Bearer ${harness.key}` }))[0], 200);
  });

  it("refuses versions older than asked for", async () => {
    const { config } = harness;
    const reload = await harness.gateway.prepare({
      ...config,
      tls: tlsConfig.parse({ ...TLS, minVersion: "TLSv1.3" }),
    });
    reload.commit();
    await assert.rejects(open({ maxVersion: "TLSv1.2" }));
    (await open()).destroy();
  });

  it("takes up another certificate while open connections go on with the old one", async () => {
    const old = await open();
    const fingerprint = shown(old);
    assert.match(await askOn(old), /200/);
    write(two.server);
    (await harness.gateway.prepare(harness.config)).commit();
    const fresh = await open();
    assert.notEqual(shown(fresh), fingerprint);
    assert.match(await askOn(old), /200/, "the same connection");
    assert.match(await askOn(fresh), /200/);
    old.destroy();
    fresh.destroy();
  });

  it("keeps the pair in use when half of another one is there, and says which part is wrong", async () => {
    const before = shown(await open());
    writeFileSync(file("cert.pem"), one.server.cert);
    await assert.rejects(harness.gateway.prepare(harness.config), /the key is not the certificate's/);
    writeFileSync(file("cert.pem"), one.server.cert.slice(0, 200));
    await assert.rejects(harness.gateway.prepare(harness.config), /cert: not whole/);
    const socket = await open();
    assert.equal(shown(socket), before);
    assert.match(await askOn(socket), /200/);
    socket.destroy();
  });

  it("checks the certificate at every handshake: no session is resumed", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = connect({ port: harness.port, host: "127.0.0.1", ca: [one.cert, two.cert], maxVersion, ...known });
      let session: Buffer | undefined;
      socket.on("session", (ticket) => (session = ticket));
      socket.on("error", () => undefined);
      await once(socket, "secureConnect");
      // Tickets of TLS 1.3 come with the first bytes.
      await askOn(socket);
      const again = await open({ maxVersion, ...known, ...(session === undefined ? {} : { session }) });
      assert.equal(again.isSessionReused(), false, maxVersion);
      socket.destroy();
      again.destroy();
    }
  });

  it("believes an authority no longer, from the next connection on, once it is taken out", async () => {
    write(one.server);
    writeFileSync(file("ca.pem"), two.cert);
    const trusted = connect({ port: harness.port, host: "127.0.0.1", ca: [one.cert, two.cert], ...known });
    let session: Buffer | undefined;
    trusted.on("session", (ticket) => (session = ticket));
    trusted.on("error", () => undefined);
    await once(trusted, "secureConnect");
    (await harness.gateway.prepare(harness.config)).commit();
    assert.equal((await ask({}, known))[0], 401);
    assert.equal((await ask({}, { ...known, ...(session === undefined ? {} : { session }) }))[0], 401, "resumed");
    assert.equal((await ask({}, forged))[0], 200, "the other authority's is the one that counts now");
    trusted.destroy();
  });

  it("names what it cannot change while it runs", async () => {
    const { config } = harness;
    const { tls, ...plain } = config;
    const { clientCa, ...unasked } = tls ?? TLS;
    assert.ok(clientCa);
    await assert.rejects(harness.gateway.prepare(plain), /restart.*: gateway\.tls$/);
    await assert.rejects(
      harness.gateway.prepare({ ...config, tls: tlsConfig.parse(unasked) }),
      /restart.*: gateway\.tls\.clientCa$/,
    );
    await assert.rejects(harness.gateway.prepare({ ...config, listen: "127.0.0.1:1" }), /restart.*: gateway\.listen$/);
  });
});

describe("a certificate that is watched", { skip }, () => {
  it("is taken up when the pair is whole, and each refusal is logged once", async () => {
    const [one, two] = [first as TestAuthority, second as TestAuthority];
    write(one.server);
    const logged: string[] = [];
    const log = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
    const config = tlsConfig.parse({ cert: TLS.cert, key: TLS.key });
    const listener = openTlsListener({
      config,
      env: {},
      clock: systemClock,
      log: { info: log, warn: log, error: log },
      everyMs: 5,
    });
    const used: unknown[] = [];
    listener.watch({ setSecureContext: (options) => void used.push(options.cert) });
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      writeFileSync(file("cert.pem"), two.server.cert);
      await until(() => logged.length === 2);
      // Many looks later it is still the same refusal.
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(used.length, 0);
      assert.equal(logged.length, 2, logged.join("\n"));
      assert.match(logged[0] ?? "", /ends soon/, "the test's certificates last two days");
      assert.match(logged[1] ?? "", /refused, and the old one stays in use .*the key is not the certificate's/);
      assert.equal(listener.certificate().trim(), one.server.cert.trim());

      writeFileSync(file("key.pem"), two.server.key);
      await until(() => used.length === 1);
      assert.equal(used[0], two.server.cert);
      assert.equal(listener.certificate().trim(), two.server.cert.trim());
    } finally {
      listener.stop();
    }
  });
});
