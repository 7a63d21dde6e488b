/**
 * The admin API's socket.
 *
 * @module
 */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer } from "@hono/node-server";

import type { Gateway } from "../../gateway/index.ts";
import type { Db } from "../../storage/index.ts";
import { parseListen, type ListenAddress } from "../config/listen.ts";
import { readSecret } from "../config/secret.ts";
import { serverError } from "../errors.ts";
import { keyFile } from "../home.ts";
import type { Reload } from "../reload.ts";
import { modules } from "../modules.ts";
import type { Services } from "../services.ts";
import { createAdminApp } from "./app.ts";
import { adminToken } from "./token.ts";

export interface AdminOptions {
  readonly services: Services;
  readonly db: Db;
  readonly gateway: Gateway;
  /** Moves evidence of changes into the ledger. */
  readonly drain: () => Promise<void>;
  readonly reload: Reload;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSE_WAIT_MS = 2_000;

/** Starts the admin API and resolves when it listens. @throws `server.listen-failed`, `server.secret-missing` */
export async function startAdmin(
  options: AdminOptions,
): Promise<{ readonly address: ListenAddress; close(): Promise<void> }> {
  const { services, db, gateway, drain, reload } = options;
  const wanted = parseListen(services.config.admin.listen) as ListenAddress;
  const { login } = services.config.admin;
  const app = await createAdminApp({
    services,
    modules,
    db,
    token: adminToken(keyFile(services.home, "admin.token")),
    login,
    clientSecret:
      login?.clientSecret === undefined
        ? undefined
        : readSecret(login.clientSecret, services.source.env, "admin.login.clientSecret"),
    hosts: [wanted.host, ...services.config.admin.hosts, ...(login === undefined ? [] : [new URL(login.url).hostname])],
    ready: gateway.ready,
    ...(gateway.metricsText === undefined ? {} : { metricsText: gateway.metricsText }),
    drain,
    reload,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  const address = await listen(server, wanted);
  return { address, close: () => close(server) };
}

function listen(server: Server, wanted: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const detail = `${wanted.host} port ${wanted.port} (${cause.code ?? "unknown error"})`;
      reject(serverError("server.listen-failed", { detail, cause }));
    });
    server.listen(wanted.port, wanted.host, () => {
      const bound = server.address() as AddressInfo;
      resolve({ host: bound.address, port: bound.port });
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
  await closed;
  clearTimeout(timer);
}
