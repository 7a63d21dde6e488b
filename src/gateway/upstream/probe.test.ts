import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type LookupFunction } from "node:net";
import { describe, it } from "node:test";

import { upstreamConfig } from "../config.ts";
import { probeUpstream } from "./probe.ts";

const upstream = (url: string, more: object = {}): ReturnType<typeof upstreamConfig.parse> =>
  upstreamConfig.parse({ name: "u", protocol: "openai", url, ...more });

describe("a probe of an upstream", () => {
  it("finds who listens, and says nothing to them", async () => {
    let got = "";
    const server = createServer((socket) => {
      socket.on("data", (data) => {
        got += data.toString();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    assert.equal(await probeUpstream(upstream(`http://127.0.0.1:${port}/v1`)), undefined);
    server.close();
    await once(server, "close");
    assert.equal(got, "");
    const gone = await probeUpstream(upstream(`http://127.0.0.1:${port}/v1`));
    assert.equal(gone?.code, "gateway.upstream-unreachable");
    assert.match(gone.message, /ECONNREFUSED/);
  });

  it("speaks TLS where the URL says so: a listener alone is not an upstream", async () => {
    const server = createServer((socket) => socket.end("no TLS"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    assert.equal((await probeUpstream(upstream(`https://127.0.0.1:${port}/v1`)))?.code, "gateway.upstream-unreachable");
    server.close();
  });

  it("judges the address as the gateway does", async () => {
    let connections = 0;
    const server = createServer(() => connections++);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const lookup: LookupFunction = (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]);
    const named = `http://model.test:${port}/v1`;
    assert.equal((await probeUpstream(upstream(named), lookup))?.code, "gateway.upstream-address");
    assert.equal(connections, 0);
    assert.equal(await probeUpstream(upstream(named, { network: "private" }), lookup), undefined);
    server.close();
  });
});
