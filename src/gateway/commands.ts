/**
 * `holdfast key …`: thin, over `identity/store.ts`.
 *
 * @module
 */

import { textTable, type Clock, type CommandResult, type CommandRun, type Style, textOption } from "../core/index.ts";
import { gatewayError } from "./errors.ts";
import { createKey, listKeys, revokeKey, rotateKey, type KeyInfo } from "./identity/store.ts";
import type { GatewayServices } from "./module.ts";

type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export const create: CommandRun<GatewayServices> = async ({ services, options }) => {
  const { clock } = services;
  const app = textOption(options, "app") ?? "default";
  const expires = textOption(options, "expires");
  const models = options["model"];
  const rate = count(options, "rate");
  const concurrency = count(options, "concurrency");
  const expiresAt = expires === undefined || expires === "never" ? undefined : clock.now() + duration(expires);
  const made = await createKey(
    await services.db(),
    {
      app,
      ...(Array.isArray(models) && models.length > 0 ? { models: models as string[] } : {}),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(rate === undefined ? {} : { requestsPerMinute: rate }),
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    clock,
  );
  return shownOnce({ id: made.id, app, key: made.key.reveal(), expiresAt }, "created");
};

export const list: CommandRun<GatewayServices> = async ({ services, options }) => {
  const now = services.clock.now();
  const all = await listKeys(await services.db());
  const keys = options["all"] === true ? all : all.filter((key) => stateOf(key, now) === "active");
  return {
    data: { keys: keys.map((key) => ({ ...key, state: stateOf(key, now) })) },
    text: (style) => table(keys, now, style, all.length - keys.length),
  };
};

export const revoke: CommandRun<GatewayServices> = async ({ services, args }) => {
  const key = await revokeKey(await services.db(), args["id"] ?? "", services.clock);
  return { data: { id: key.id, revokedAt: key.revokedAt }, text: () => `key ${key.id} of app ${key.app} is revoked` };
};

export const rotate: CommandRun<GatewayServices> = async ({ services, args, options }) => {
  const grace = duration(textOption(options, "grace") ?? "24h");
  const made = await rotateKey(await services.db(), args["id"] ?? "", grace, services.clock);
  const result = shownOnce(
    { id: made.id, key: made.key.reveal(), replaces: args["id"], oldExpiresAt: made.oldExpiresAt },
    "made",
  );
  return {
    data: result.data,
    text: (style) => `${result.text(style)}\nthe old key ${args["id"] ?? ""} works until ${iso(made.oldExpiresAt)}`,
  };
};

/** Milliseconds of `90s`, `15m`, `24h`, `30d`. @throws `gateway.key-option` */
export function duration(value: string): number {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(value);
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    throw gatewayError("gateway.key-option", { detail: "a duration: a number and s, m, h or d, for example 30d" });
  }
  return Number(match[1]) * unit;
}

function shownOnce(
  data: { readonly id: string; readonly key: string } & Readonly<Record<string, unknown>>,
  how: string,
): CommandResult {
  return {
    data,
    text: (style) =>
      `key ${data.id} ${how}; it is shown only now, and only its hash is stored\n\n    ${style.bold(data.key)}\n`,
  };
}

function table(keys: readonly KeyInfo[], now: number, style: Style, hidden: number): string {
  const rows = keys.map((key) => [
    key.id,
    key.app,
    stateOf(key, now),
    key.models.join(","),
    key.expiresAt === undefined ? "never" : iso(key.expiresAt),
    iso(key.createdAt),
  ]);
  const note = hidden > 0 ? style.dim(`${hidden} expired or revoked; show them with --all`) : "";
  if (rows.length === 0) return note === "" ? "no keys yet; make one with `holdfast key create`" : note;
  const lines = textTable(["ID", "APP", "STATE", "MODELS", "EXPIRES", "CREATED"], rows, style);
  return note === "" ? lines : `${lines}\n${note}`;
}

function stateOf(key: KeyInfo, now: ReturnType<Clock["now"]>): "active" | "expired" | "revoked" {
  if (key.revokedAt !== undefined) return "revoked";
  return key.expiresAt !== undefined && key.expiresAt <= now ? "expired" : "active";
}

function count(options: Options, name: string): number | undefined {
  const value = textOption(options, name);
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw gatewayError("gateway.key-option", { detail: `--${name}: a whole number from 1` });
  return Number(value);
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
