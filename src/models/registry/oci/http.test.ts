import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type LookupFunction } from "node:net";
import { describe, it, type TestContext } from "node:test";

import { isHoldfastError, Secret } from "../../../core/index.ts";
import { addressJudge, ociHttp, type OciHttp } from "./http.ts";

const code = (expected: string, detail?: RegExp) => (error: unknown) =>
  isHoldfastError(error, expected) && (detail === undefined || detail.test(error.message));

describe("how a registry is shown who asks", () => {
  /** A server for one test. */
  async function serve(t: TestContext, listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    t.after(() => server.closeAllConnections());
    t.after(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const credentials = { username: "me", password: new Secret("pw") };
  const basic = `Basic ${Buffer.from("me:pw").toString("base64")}`;
  const ask = async (http: OciHttp, url = "/v2/bot/blobs/x"): Promise<number> => {
    const answer = await http.send({ method: "GET", url, scope: "repository:bot:pull", accept: [200] });
    await answer.discard();
    return answer.status;
  };

  it("by a token that its token server hands out, asked for once", async (t) => {
    const seen: string[] = [];
    const host = await serve(t, (request: IncomingMessage, response) => {
      const { authorization = "" } = request.headers;
      seen.push(`${request.url} ${authorization}`);
      if (request.url?.startsWith("/token") === true) {
        response.end(JSON.stringify(authorization === basic ? { token: "t0k" } : {}));
      } else if (authorization === "Bearer t0k") response.end("ok");
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token",service="reg"` }).end();
    });
    const http = ociHttp({ host, plain: true, credentials });
    t.after(() => http.close());
    assert.deepEqual([await ask(http), await ask(http)], [200, 200]);
    assert.deepEqual(
      seen.map((line) => line.split(" ")[0]),
      ["/v2/bot/blobs/x", "/token?service=reg&scope=repository%3Abot%3Apull", "/v2/bot/blobs/x", "/v2/bot/blobs/x"],
    );
  });

  it("and the password goes nowhere else", async (t) => {
    const stolen: (string | undefined)[] = [];
    const thief = await serve(t, (request, response) => {
      stolen.push(request.headers.authorization);
      response.end(JSON.stringify({ token: "x" }));
    });
    const host = await serve(t, (request, response) => {
      if (request.url === "/v2/moved") response.writeHead(307, { location: `http://${thief}/x` }).end();
      else if (request.headers.authorization === undefined && request.url !== "/v2/elsewhere") {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else if (request.url === "/v2/elsewhere") {
        response.writeHead(401, { "www-authenticate": 'Bearer realm="http://token.example.org/t"' }).end();
      } else response.end("ok");
    });
    const http = ociHttp({ host, plain: true, credentials });
    t.after(() => http.close());
    assert.equal(await ask(http), 200);
    assert.equal(await ask(http, "/v2/moved"), 200);
    assert.deepEqual(stolen, [undefined]);
    const other = ociHttp({ host, plain: true, credentials });
    t.after(() => other.close());
    await assert.rejects(ask(other, "/v2/elsewhere"), code("models.oci-refused", /no TLS/));
  });

  it("and where it leads is judged before it is connected to: 0 connections", async (t) => {
    let connections = 0;
    const listener = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "::");
    await once(listener, "listening");
    t.after(() => listener.close());
    const { port } = listener.address() as AddressInfo;
    // A name for each address; the registry is at one of this machine.
    const names = new Map<string, readonly string[]>();
    const lookup: LookupFunction = (name, _options, callback) => {
      const found = names.get(name) ?? ["127.0.0.1"];
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
    const forbidden = [
      "0.0.0.0",
      "::",
      "::ffff:127.0.0.1",
      "::127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::1",
      "2001:0:7f00:1::1",
      "169.254.169.254",
      "fd00:ec2::254",
      "100.100.100.200",
      "fe80::1",
      "224.0.0.1",
      "255.255.255.255",
    ];
    const hosts = forbidden.map((address, index) => {
      names.set(`n${index}.example.test`, [address]);
      return [`n${index}.example.test`, address.includes(":") ? `[${address}]` : address];
    });
    names.set("two.example.test", ["127.0.0.1", "0.0.0.0"]);
    let leads = "";
    const host = await serve(t, (request, response) => {
      if (request.url?.startsWith("/v2/token") === true) {
        response.writeHead(401, { "www-authenticate": `Bearer realm="${leads}"` }).end();
      } else response.writeHead(Number(/\d{3}/.exec(request.url ?? "")?.[0]), { location: leads }).end();
    });
    const name = `registry.example.test:${host.split(":")[1] ?? ""}`;
    for (const to of [...hosts.flat(), "two.example.test", "here.example.test"]) {
      // The last is at the listener, where the registry's own network is: the others would come there as well.
      const isHere = to === "here.example.test";
      for (const status of [301, 302, 303, 307, 308]) {
        leads = `http://${to}:${port}/`;
        const http = ociHttp({ host: name, plain: true, credentials, lookup });
        t.after(() => http.close());
        const expected = isHere ? code("models.oci-unreachable") : code("models.oci-refused", /where no registry is/);
        await assert.rejects(ask(http, `/v2/${status}`), expected, `${status} ${to}`);
      }
      if (isHere) continue;
      leads = `https://${to}:${port}/token`;
      const http = ociHttp({ host: name, plain: true, credentials, lookup });
      t.after(() => http.close());
      await assert.rejects(ask(http, "/v2/token"), code("models.oci-refused", /where no registry is/), to);
    }
    assert.equal(connections, 5);
    const there = ociHttp({ host: "169.254.169.254", plain: true, lookup });
    t.after(() => there.close());
    await assert.rejects(ask(there), code("models.oci-refused", /where no registry is/));
  });

  it("and from the internet nothing leads inwards", () => {
    const inside = addressJudge("registry.internal");
    assert.equal(inside("registry.internal", ["10.0.0.7"]), undefined);
    assert.equal(inside("storage.internal", ["10.0.0.8"]), undefined);
    assert.equal(inside("cdn.example", ["203.0.112.1"]), undefined);
    const outside = addressJudge("registry.example");
    assert.equal(outside("registry.example", ["203.0.112.1"]), undefined);
    assert.equal(outside("cdn.example", ["203.0.112.2", "2606:4700::1"]), undefined);
    for (const addresses of [
      ["127.0.0.1"],
      ["10.0.0.8"],
      ["::1"],
      ["fd00::2"],
      ["100.64.0.1"],
      ["203.0.112.2", "10.0.0.8"],
    ]) {
      assert.match(outside("cdn.example", addresses)?.message ?? "", /where no registry is/);
      // Nor is the registry itself inside later, which was not (rebinding).
      assert.match(outside("registry.example", addresses)?.message ?? "", /where no registry is/);
    }
  });

  it("and what redirects without end, without TLS or refuses is named", async (t) => {
    const host = await serve(t, (request, response) => {
      if (request.url === "/v2/loop") response.writeHead(302, { location: "/v2/loop" }).end();
      else
        response
          .writeHead(404, { "content-type": "application/json" })
          .end('{"errors":[{"code":"NAME_UNKNOWN\\u001b[2J"}]}');
    });
    const http = ociHttp({ host, plain: true });
    t.after(() => http.close());
    await assert.rejects(ask(http, "/v2/loop"), code("models.oci-refused", /redirects/));
    await assert.rejects(ask(http), code("models.oci-refused", /404, NAME_UNKNOWN\?\[2J/));
    const secure = ociHttp({ host, plain: false });
    t.after(() => secure.close());
    await assert.rejects(ask(secure), code("models.oci-unreachable"));
    await assert.rejects(ask(secure, `http://${host}/v2/x`), code("models.oci-refused", /without TLS/));
  });
});
