/**
 * `holdfast admin …`: tokens and sessions of the admin API; thin, over `admin/tokens.ts` and `admin/sessions.ts`.
 *
 * @module
 */

import { textTable, type CommandRun } from "../../core/index.ts";
import { createAdminToken, listAdminTokens, revokeAdminToken, type AdminToken } from "../admin/tokens.ts";
import { endSession, listSessions, type Session } from "../admin/sessions.ts";
import { serverError } from "../errors.ts";
import type { Services } from "../services.ts";

/** Who ends something from the command line, as evidence names it. */
const BY = "command";

export const runTokenCreate: CommandRun<Services> = async ({ services, options }) => {
  const { token, info } = await createAdminToken(
    await services.db(),
    {
      name: String(options["name"] ?? ""),
      role: String(options["role"] ?? ""),
      lastsMs: duration(String(options["expires"] ?? "")),
    },
    services.clock,
  );
  return {
    data: { ...info, token: token.reveal() },
    text: (style) =>
      `token ${info.id} of ${info.name}, ${info.role} until ${iso(info.expiresAt)}; it is shown only now, and only its ` +
      `hash is stored\n\n    ${style.bold(token.reveal())}\n`,
  };
};

export const runTokenList: CommandRun<Services> = async ({ services, options }) => {
  const now = services.clock.now();
  const all = (await listAdminTokens(await services.db())).map((token) => ({ ...token, state: stateOf(token, now) }));
  const tokens = options["all"] === true ? all : all.filter(({ state }) => state === "active");
  return {
    data: { tokens },
    text: (style) => {
      if (tokens.length === 0) return "no tokens; make one with `holdfast admin token create`";
      const rows = tokens.map(({ id, name, role, state, expiresAt }) => [id, name, role, state, iso(expiresAt)]);
      return textTable(["ID", "NAME", "ROLE", "STATE", "EXPIRES"], rows, style);
    },
  };
};

export const runTokenRevoke: CommandRun<Services> = async ({ services, args }) => {
  const token = await revokeAdminToken(await services.db(), args["id"] ?? "", BY, services.clock);
  return {
    data: { id: token.id, revokedAt: token.revokedAt },
    text: () => `token ${token.id} of ${token.name} is revoked`,
  };
};

export const runSessionList: CommandRun<Services> = async ({ services, options }) => {
  const now = services.clock.now();
  const all = (await listSessions(await services.db())).map((session) => ({
    ...publicOf(session),
    state: stateOf(session, now),
  }));
  const sessions = options["all"] === true ? all : all.filter(({ state }) => state === "active");
  return {
    data: { sessions },
    text: (style) => {
      if (sessions.length === 0) return "nobody is signed in";
      const rows = sessions.map(({ id, who, state, seenAt, expiresAt }) => [
        id,
        who,
        state,
        iso(seenAt),
        iso(expiresAt),
      ]);
      return textTable(["ID", "WHO", "STATE", "SEEN", "EXPIRES"], rows, style);
    },
  };
};

export const runSessionRevoke: CommandRun<Services> = async ({ services, args }) => {
  const session = await endSession(await services.db(), args["id"] ?? "", BY, services.clock);
  return { data: { id: session.id, revokedAt: session.revokedAt }, text: () => `session ${session.id} is over` };
};

/** Without what a browser has to show. */
function publicOf({ id, who, values, createdAt, seenAt, expiresAt, revokedAt }: Session) {
  return { id, who, values, createdAt, seenAt, expiresAt, revokedAt };
}

function stateOf(
  { expiresAt, revokedAt }: Pick<AdminToken, "expiresAt" | "revokedAt">,
  now: number,
): "active" | "expired" | "revoked" {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt <= now ? "expired" : "active";
}

/** Milliseconds of `90s`, `15m`, `24h`, `30d`. @throws `server.admin-option` */
function duration(value: string): number {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(value);
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    throw serverError("server.admin-option", { detail: "expires: a number and s, m, h or d, for example 30d" });
  }
  return Number(match[1]) * unit;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
