/**
 * The read path over HTTP: exactly the resources of c2sp.org/tlog-tiles, from the folder as it is.
 *
 * A request names a file only through an address that {@link parseTilePath} understands, so no other path of the
 * machine, and nothing of the writer's own (`.state`), can be asked for in any spelling.
 *
 * @module
 */

import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { diskFiles } from "./files.ts";
import { parseTilePath } from "./tile.ts";

/**
 * Tiles never change: a year, the longest that caches honour. Not `public`: where this stands behind a login, shared
 * caches must not hand it on (RFC 9111 section 3.5); where it does not, they may keep it all the same.
 */
const IMMUTABLE = "max-age=31536000, immutable";
/** The checkpoint changes about every second. */
const MUTABLE = "no-cache";

const compress = promisify(gzip);

/**
 * Serves the ledger in `folder`. The resources stand at the root of the request's path: a server that mounts this
 * elsewhere strips its prefix first.
 *
 * @example
 * ```ts
 * import { ledgerHandler } from "holdfast/ledger";
 *
 * const handle = ledgerHandler(".holdfast/ledger");
 * const response = await handle(new Request("http://localhost/checkpoint"));
 * ```
 */
export function ledgerHandler(folder: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const resource = new URL(request.url).pathname.slice(1);
    const address = parseTilePath(resource);
    if (resource !== "checkpoint" && address === undefined) return new Response("not found\n", { status: 404 });
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("only GET and HEAD\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const bytes = await diskFiles.read(join(folder, resource));
    if (bytes === undefined) return new Response("not found\n", { status: 404 });

    const headers = new Headers({
      "content-type": address === undefined ? "text/plain; charset=utf-8" : "application/octet-stream",
      "cache-control": address === undefined ? MUTABLE : IMMUTABLE,
      "x-content-type-options": "nosniff",
    });
    let body = bytes;
    if (address?.level === "entries") {
      headers.set("vary", "accept-encoding");
      if (acceptsGzip(request)) {
        body = await compress(bytes);
        headers.set("content-encoding", "gzip");
      }
    }
    headers.set("content-length", String(body.length));
    return new Response(request.method === "HEAD" ? null : new Uint8Array(body), { headers });
  };
}

/** RFC 9110 section 12.5.3, as far as it concerns gzip named outright. */
function acceptsGzip(request: Request): boolean {
  return (request.headers.get("accept-encoding") ?? "").split(",").some((coding) => {
    const [name = "", weight = ""] = coding.split(";").map((part) => part.trim().toLowerCase());
    return name === "gzip" && !/^q=0(?:\.0{0,3})?$/.test(weight);
  });
}
