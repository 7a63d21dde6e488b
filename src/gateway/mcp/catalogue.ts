/**
 * The catalogue of tools: which definitions clients get to see, and which tools they may call.
 *
 * A definition that is new, or is not the approved one, goes to no client: it is kept for an operator, with what was found
 * in it, and until it is approved the tool is not there. So a description cannot act before anyone has read it, nor change
 * after it was read.
 *
 * A call is judged by the approved definition, which is the one that clients saw. A tool whose definition has changed
 * since cannot be called.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { covers } from "../identity/principal.ts";
import type { Log } from "../serving.ts";
import type { Fields } from "../wire/index.ts";
import { any } from "../wire/shape.ts";
import { isObject } from "../wire/walk.ts";
import type { McpConfig } from "./config.ts";
import {
  INSTRUCTIONS,
  pin,
  pinInstructions,
  readTool,
  suspicions,
  type Definition,
  type DefinitionFinding,
  type Tool,
} from "./definition.ts";
import type { Judge } from "./judge.ts";
import type { McpServer } from "./servers.ts";
import {
  findDefinition,
  forgetUnapproved,
  listDefinitions,
  readDefinitions,
  saveSeen,
  type KnownDefinition,
} from "./store.ts";

export interface Catalogue {
  /**
   * The tools of a server's listing that clients may see. What is new or changed is noted first.
   *
   * @throws `gateway.upstream-invalid` for a listing that is none, or of too many tools
   */
  admit(server: McpServer, listing: unknown): Promise<readonly Fields[]>;
  /** Whether clients may see a server's instructions. */
  admitInstructions(server: McpServer, instructions: string): Promise<boolean>;
  /**
   * A tool, for a call of it.
   *
   * @throws `gateway.mcp-tool-unknown`, `gateway.mcp-tool-unapproved`, `gateway.mcp-schema-unenforceable`
   */
  tool(server: McpServer, name: string): Promise<CallableTool>;
}

export interface CallableTool extends Tool {
  readonly digest: string;
  /** It may change something: the configuration says so, or nobody to be trusted says that it does not. */
  readonly hasSideEffects: boolean;
}

/** Definitions that are held ready. */
const READY = 1_024;
/** Findings that are kept of one definition. */
const KEPT = 20;

export function openCatalogue(db: Db, clock: Clock, config: McpConfig, judge: Judge, log: Log): Catalogue {
  const { definitionBytes, tools: mostTools } = config.limits;
  const ready = new Map<string, Tool>();

  /** Notes a definition that is not the one seen last, and says whether clients may see it. */
  const note = async (
    server: McpServer,
    definition: Definition,
    value: Fields,
    all: readonly KnownDefinition[],
    isRepeated: boolean,
  ): Promise<boolean> => {
    const known = all.find((one) => one.server === server.name && one.name === definition.name);
    if (known?.seen === definition.digest && !isRepeated && !isForged(known))
      return known.approved === definition.digest;
    const found: DefinitionFinding[] = [
      ...(isRepeated ? [{ rule: "mcp.name-repeated", at: "/name" }] : []),
      ...suspicions(definition, value, namesOf(all, server.name), othersOf(all, server.name)),
      ...(await judge.find(any, value)),
    ];
    const isNew = known === undefined && server.config.approve === "changes" && found.length === 0;
    await saveSeen(db, server.name, definition, found.slice(0, KEPT), isNew, clock.now());
    const isApproved = isNew || (known?.approved === definition.digest && !isRepeated);
    if (!isApproved) {
      const rules = [...new Set(found.map(({ rule }) => rule))];
      const { name } = definition;
      // A name is the server's own text, and may be a key that it got hold of: `holdfast mcp tools` shows it.
      const isHarmless = found.length === 0 || (await judge.find(any, { name })).length === 0;
      log.warn("an MCP definition waits for approval", { server: server.name, ...(isHarmless ? { name } : {}), rules });
    }
    return isApproved;
  };

  return {
    async admit(server, listing) {
      if (!Array.isArray(listing)) {
        throw gatewayError("gateway.upstream-invalid", { detail: `${server.name}: a listing without a list of tools` });
      }
      if (listing.length > mostTools) {
        const detail = `${server.name}: more than ${mostTools} tools in a listing (mcp.limits.tools)`;
        throw gatewayError("gateway.upstream-invalid", { detail });
      }
      const all = await listDefinitions(db);
      const names = new Map<unknown, number>();
      for (const item of listing as readonly unknown[]) {
        const name = isObject(item) ? item["name"] : undefined;
        names.set(name, (names.get(name) ?? 0) + 1);
      }
      const own = new Set(namesOf(all, server.name));
      const admitted: Fields[] = [];
      let left = 0;
      for (const item of listing as readonly Fields[]) {
        const definition = pin(item, definitionBytes);
        if (definition === undefined) {
          left++;
          continue;
        }
        if (!covers(server.config.tools, definition.name)) continue;
        own.add(definition.name);
        const isRepeated = (names.get(definition.name) ?? 0) > 1;
        if (await note(server, definition, item, all, isRepeated)) admitted.push(item);
      }
      // A server that makes up tools without end fills no disk: what nobody approved is kept while it is shown.
      if (own.size > mostTools)
        await forgetUnapproved(
          db,
          server.name,
          [...own].filter((name) => !names.has(name)),
        );
      if (left > 0) log.warn("MCP definitions were left out that cannot be pinned", { server: server.name, left });
      return admitted;
    },

    async admitInstructions(server, instructions) {
      const definition = pinInstructions(instructions, definitionBytes);
      if (definition === undefined) return false;
      return await note(server, definition, { instructions }, await listDefinitions(db), false);
    },

    async tool(server, name) {
      if (!covers(server.config.tools, name) || name === INSTRUCTIONS) throw gatewayError("gateway.mcp-tool-unknown");
      const known = await findDefinition(db, server.name, name);
      if (known === undefined) throw gatewayError("gateway.mcp-tool-unknown");
      const { approved, approvedBy, seen } = known;
      if (approved === undefined || approved !== seen || isForged(known)) {
        const why = approved === undefined ? "was not approved yet" : "has changed since it was approved";
        throw gatewayError("gateway.mcp-tool-unapproved", {
          detail: `the definition of ${name} of ${server.name} ${why}`,
        });
      }
      let tool = ready.get(approved);
      if (tool === undefined) {
        const texts = await readDefinitions(db, server.name, name);
        tool = readTool(texts?.approved ?? {});
        if (ready.size >= READY) ready.clear();
        ready.set(approved, tool);
      }
      return { ...tool, digest: approved, hasSideEffects: hasSideEffects(server, name, tool, approvedBy) };
    },
  };
}

/** Seen twice in one listing since: which of the two a call would reach, nobody can say. */
function isForged({ findings }: KnownDefinition): boolean {
  return findings.some(({ rule }) => rule === "mcp.name-repeated");
}

/** A server's word that a tool only reads counts only once an operator has read it. */
function hasSideEffects(
  { config }: McpServer,
  name: string,
  { readOnly }: Tool,
  approvedBy: KnownDefinition["approvedBy"],
): boolean {
  if (covers(config.sideEffects, name)) return true;
  return !covers(config.readOnly, name) && !(readOnly && approvedBy === "operator");
}

function namesOf(all: readonly KnownDefinition[], server: string): readonly string[] {
  return all.filter((one) => one.server === server).map(({ name }) => name);
}

function othersOf(all: readonly KnownDefinition[], server: string): ReadonlyMap<string, readonly string[]> {
  const others = new Map<string, string[]>();
  for (const one of all) {
    if (one.server === server) continue;
    const names = others.get(one.server);
    if (names === undefined) others.set(one.server, [one.name]);
    else names.push(one.name);
  }
  return others;
}
