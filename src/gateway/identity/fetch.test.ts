/** The client that reads issuers' documents, before servers that misbehave. */

import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LookupFunction } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { startIssuer, type TestIssuer } from "../../../test/identity/issuer.ts";
import { fetchJson, postForm } from "./fetch.ts";

describe("the client of issuers", () => {
  let issuer: TestIssuer;
  before(async () => {
    issuer = await startIssuer();
  });
  after(async () => {
    await issuer.close();
  });
  beforeEach(() => {
    issuer.behave(undefined);
  });

  const refused = async (why: RegExp, deadlineMs?: number): Promise<void> => {
    await assert.rejects(
      fetchJson(`${issuer.url}/keys`, deadlineMs),
      (error) =>
        isHoldfastError(error, "gateway.issuer-unavailable") &&
        why.test(error.detail ?? "") &&
        !/secret/.test(error.message),
    );
  };

  it("asks nobody at an address that is no issuer's, whatever the name says", async () => {
    const at =
      (address: string): LookupFunction =>
      (_host, _options, callback) => {
        callback(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
      };
    for (const address of ["169.254.169.254", "fd00:ec2::254", "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1"]) {
      await assert.rejects(
        fetchJson("https://issuer.example/keys", 2_000, at(address)),
        (error) => isHoldfastError(error, "gateway.issuer-unavailable") && /no issuer's/.test(error.detail ?? ""),
      );
    }
    await assert.rejects(fetchJson("http://169.254.169.254/keys", 2_000), /no issuer's/);
    const { port } = new URL(issuer.url);
    const found = await fetchJson(`http://issuer.example:${port}/keys`, 2_000, at("127.0.0.1"));
    assert.deepEqual(found, { keys: issuer.jwks }, "one of an own network is asked");
  });

  it("sends a form there alone, too, follows no redirect with it, and reads what is not refused for its status", async () => {
    const fields = new URLSearchParams({ code: "c" });
    const post = (url: string, lookup?: LookupFunction): ReturnType<typeof postForm> =>
      postForm(url, {
        fields,
        authorization: "Basic x",
        deadlineMs: 2_000,
        ...(lookup === undefined ? {} : { lookup }),
      });
    const unavailable = (why: RegExp) => (error: unknown) =>
      isHoldfastError(error, "gateway.issuer-unavailable") && why.test(error.detail ?? "");
    const metadata: LookupFunction = (_host, _options, callback) => {
      callback(null, [{ address: "169.254.169.254", family: 4 }]);
    };
    await assert.rejects(post("https://issuer.example/token", metadata), unavailable(/no issuer's/));
    const elsewhere = await startIssuer();
    issuer.behave((_, response) => response.writeHead(307, { ...json, location: `${elsewhere.url}/token` }).end("{}"));
    assert.deepEqual(await post(`${issuer.url}/token`), { status: 307, value: {} });
    assert.deepEqual(elsewhere.asked, []);
    await elsewhere.close();
    issuer.behave((request, response) => {
      const { authorization, "content-type": type } = request.headers;
      response.writeHead(400, json).end(JSON.stringify({ method: request.method, authorization, type }));
    });
    assert.deepEqual(await post(`${issuer.url}/token?tenant=a`), {
      status: 400,
      value: { method: "POST", authorization: "Basic x", type: "application/x-www-form-urlencoded" },
    });
    assert.equal(issuer.asked.at(-1), "/token?tenant=a");
    issuer.behave((_, response) => response.writeHead(200, json).end(" ".repeat(65_537)));
    await assert.rejects(post(`${issuer.url}/token`), unavailable(/65536 bytes/));
  });

  it("reads a document", async () => {
    assert.deepEqual(await fetchJson(`${issuer.url}/keys`), { keys: issuer.jwks });
  });

  const json = { "content-type": "application/json" };
  const servers: readonly (readonly [string, (request: IncomingMessage, response: ServerResponse) => void, RegExp])[] =
    [
      ["an error", (_, response) => response.writeHead(500, json).end("{}"), /status 500/],
      ["nothing there", (_, response) => response.writeHead(404, json).end("{}"), /status 404/],
      [
        "a web page",
        (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("{}"),
        /not application/,
      ],
      ["no type", (_, response) => response.writeHead(200).end("{}"), /not application/],
      ["no JSON", (_, response) => response.writeHead(200, json).end("secret"), /not JSON/],
      ["a name twice", (_, response) => response.writeHead(200, json).end('{"keys":[],"keys":[1]}'), /not JSON/],
      [
        "a compressed body",
        (_, response) => response.writeHead(200, json).end(Buffer.from("1f8b0800", "hex")),
        /not JSON/,
      ],
      ["deep nesting", (_, response) => response.writeHead(200, json).end("[".repeat(17) + "]".repeat(17)), /not JSON/],
      ["more than the limit", (_, response) => response.writeHead(200, json).end(" ".repeat(262_145)), /262144 bytes/],
      ["a body without end", endless, /262144 bytes/],
      ["a broken connection", (request) => request.socket.destroy(), /not reachable/],
    ];
  for (const [what, behave, why] of servers) {
    it(`refuses ${what}`, async () => {
      issuer.behave(behave);
      await refused(why);
    });
  }

  it("follows no redirect", async () => {
    const elsewhere = await startIssuer();
    issuer.behave((_, response) => response.writeHead(302, { ...json, location: `${elsewhere.url}/keys` }).end("{}"));
    await refused(/status 302/);
    assert.deepEqual(elsewhere.asked, []);
    await elsewhere.close();
  });

  it("does not wait for an issuer that says nothing, or hardly anything", async () => {
    issuer.behave(() => undefined);
    await refused(/within 200 ms/, 200);
    issuer.behave((_, response) => {
      response.writeHead(200, json);
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => {
        clearInterval(drip);
      });
    });
    await refused(/within 200 ms/, 200);
  });

  it("tells an issuer that is not there", async () => {
    const gone = await startIssuer();
    await gone.close();
    await assert.rejects(fetchJson(`${gone.url}/keys`), (error) =>
      isHoldfastError(error, "gateway.issuer-unavailable"),
    );
  });
});

function endless(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const more = (): void => {
    while (!response.destroyed && response.write(" ".repeat(16_384)));
  };
  response.on("drain", more);
  more();
}
