/**
 * `holdfast mcp …`: thin, over `store.ts` and `flow.ts`.
 *
 * What a server says of its tools is shown as JSON with everything but plain ASCII escaped: hidden characters are what an
 * operator must see, and control characters must not reach a terminal.
 *
 * @module
 */

import { Exit, textTable, type CommandRun, type Style } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { GatewayServices } from "../module.ts";
import { changes, type Change } from "./definition.ts";
import { allowCall, ALLOWED_MS, listCalls } from "./flow.ts";
import {
  approveSeen,
  findDefinition,
  listDefinitions,
  readDefinitions,
  revokeApproval,
  type KnownDefinition,
} from "./store.ts";

export const tools: CommandRun<GatewayServices> = async ({ services, args }) => {
  const all = await listDefinitions(await services.db(), args["server"]);
  const waiting = all.filter((one) => stateOf(one) !== "approved").length;
  return {
    data: { definitions: all.map((one) => ({ ...one, state: stateOf(one) })) },
    text: (style) => {
      if (all.length === 0) return "no definitions were seen yet; they are noted when a client lists a server's tools";
      const rows = all.map((one) => [
        one.server,
        one.name,
        stateOf(one),
        [...new Set(one.findings.map(({ rule }) => rule))].join(",") || "-",
        one.seen.slice(0, DIGITS),
        iso(one.seenAt),
      ]);
      const note = waiting === 0 ? [] : [style.yellow(`${waiting} wait for approval: see \`holdfast mcp diff\``)];
      return [textTable(["SERVER", "TOOL", "STATE", "FINDINGS", "DIGEST", "SEEN"], rows, style), ...note].join("\n");
    },
    exit: waiting === 0 ? Exit.clean : Exit.findings,
  };
};

export const diff: CommandRun<GatewayServices> = async ({ services, args }) => {
  const { known, changed } = await look(services, args);
  return {
    data: {
      server: known.server,
      name: known.name,
      state: stateOf(known),
      digest: known.seen,
      findings: known.findings,
      changes: changed,
    },
    text: (style) => shown(known, changed, style),
    exit: changed.length === 0 ? Exit.clean : Exit.findings,
  };
};

export const approve: CommandRun<GatewayServices> = async ({ services, args, options }) => {
  const { known, changed } = await look(services, args);
  const { digest } = options;
  const named = typeof digest === "string" ? digest.toLowerCase() : known.seen;
  const isNamed = named.length >= DIGITS && known.seen.startsWith(named);
  if (!isNamed || !(await approveSeen(await services.db(), known.server, known.name, known.seen))) {
    throw gatewayError("gateway.mcp-definition-changed", { detail: `${known.server} ${known.name}` });
  }
  return {
    data: { server: known.server, name: known.name, digest: known.seen, findings: known.findings, changes: changed },
    text: (style) => `${shown(known, changed, style)}\n\n${style.green("approved")}: clients may use it from now on`,
  };
};

export const revoke: CommandRun<GatewayServices> = async ({ services, args }) => {
  const { server = "", tool = "" } = args;
  if (!(await revokeApproval(await services.db(), server, tool))) {
    throw gatewayError("gateway.mcp-definition-unknown", { detail: "none that is approved" });
  }
  return { data: { server, name: tool }, text: () => `${tool} of ${server} is not there for clients any more` };
};

export const calls: CommandRun<GatewayServices> = async ({ services }) => {
  const all = await listCalls(await services.db(), services.clock.now());
  return {
    data: { calls: all },
    text: (style) =>
      all.length === 0
        ? "no calls wait"
        : textTable(
            ["CALL", "SERVER", "TOOL", "WHO", "REFUSED", "RECEIPT", "STATE"],
            all.map((call) => [
              call.id,
              call.server,
              call.tool,
              call.context,
              iso(call.refusedAt),
              call.requestId,
              call.allowedAt === undefined ? "waits" : "allowed",
            ]),
            style,
          ),
  };
};

export const allow: CommandRun<GatewayServices> = async ({ services, args }) => {
  const { id = "" } = args;
  const now = services.clock.now();
  if (!(await allowCall(await services.db(), id, now))) throw gatewayError("gateway.mcp-call-unknown");
  const until = now + ALLOWED_MS;
  return { data: { id, until: iso(until) }, text: () => `call ${id} may be made once until ${iso(until)}` };
};

/** Digits of a digest that are shown, and that name it at least. */
const DIGITS = 12;

async function look(
  services: GatewayServices,
  { server = "", tool = "" }: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly known: KnownDefinition; readonly changed: readonly Change[] }> {
  const db = await services.db();
  const known = await findDefinition(db, server, tool);
  const texts = await readDefinitions(db, server, tool);
  if (known === undefined || texts === undefined) throw gatewayError("gateway.mcp-definition-unknown");
  return { known, changed: changes(texts.approved ?? {}, texts.seen) };
}

function stateOf({ approved, seen }: KnownDefinition): "approved" | "new" | "changed" {
  return approved === undefined ? "new" : approved === seen ? "approved" : "changed";
}

function shown(known: KnownDefinition, changed: readonly Change[], style: Style): string {
  const head = `${style.bold(`${known.name} of ${known.server}`)}: ${stateOf(known)}, ${known.seen}`;
  const found = known.findings.map(({ at, rule }) => style.yellow(`! ${rule} ${plain(at)}`));
  const lines = changed.flatMap(({ after, at, before }) => [
    style.dim(plain(at)),
    ...(before === undefined ? [] : [style.red(`- ${plain(before)}`)]),
    ...(after === undefined ? [] : [style.green(`+ ${plain(after)}`)]),
  ]);
  return [head, ...found, ...(lines.length === 0 ? ["nothing differs from what is approved"] : lines)].join("\n");
}

/** Plain ASCII, the rest as escapes. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
