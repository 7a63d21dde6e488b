/**
 * `holdfast gateway coverage`: the matrix of what is read (`matrix.ts`), worked out anew each time, with what each
 * detector of this configuration does with what it finds there.
 *
 * @module
 */

import { Exit, textTable, type CommandRun, type Style } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import { guardsOf, type GuardsConfig } from "../guards.ts";
import { answerGuards } from "../mcp/judge.ts";
import type { GatewayServices } from "../module.ts";
import { covered } from "./covered.ts";
import { coverageOf, type Cell, type Outcome } from "./matrix.ts";

/** What a detector does with a finding, by direction: `off` where it does not look. */
interface Column {
  readonly detector: string;
  readonly request: string;
  readonly answer: string;
}

type Actions = Readonly<Record<string, string>>;

const OUTCOMES: readonly Outcome[] = ["masked", "blocked", "refused", "replaced", "not scanned", "delivered"];

export const coverage: CommandRun<GatewayServices> = async ({ services, options }) => {
  const route = options["route"];
  const chosen = covered.filter(({ id }) => route === undefined || id === route);
  if (chosen.length === 0) {
    throw gatewayError("gateway.route-option", { detail: covered.map(({ id }) => id).join(", ") });
  }
  const cells = await coverageOf(chosen);
  const { guards } = services.config.gateway;
  const columns = columnsOf(guards);
  // What a server of MCP says is read as harshly as requests are.
  const ofServers = columnsOf(answerGuards(guards));
  const actions = (cell: Cell): Actions => actionsIn(cell, cell.route.startsWith("mcp.") ? ofServers : columns);
  return {
    data: { cells: cells.map((cell) => ({ ...cell, detectors: actions(cell) })), detectors: columns },
    text: (style) => (route === undefined ? overview(cells, columns, style) : table(cells, actions, style)),
    exit: cells.some(({ outcome }) => outcome === "delivered") ? Exit.findings : Exit.clean,
  };
};

function columnsOf(guards: GuardsConfig): readonly Column[] {
  const { detectors, settings } = guardsOf(guards);
  return detectors.map(({ id, directions }) => {
    const set = settings[id];
    const action = (direction: "request" | "response"): string =>
      directions.includes(direction) ? (set?.[direction] ?? "off") : "off";
    return { detector: id, request: action("request"), answer: action("response") };
  });
}

/** What each detector does in a cell: where a mask would break what the text is part of, it blocks. */
function actionsIn(cell: Cell, columns: readonly Column[]): Actions {
  const isRead = cell.outcome === "masked" || cell.outcome === "blocked";
  return Object.fromEntries(
    columns.map((column) => {
      const action = column[cell.direction];
      const changes = action === "mask" || action === "tokenise";
      return [column.detector, !isRead ? "-" : changes && cell.outcome === "blocked" ? "block" : action];
    }),
  );
}

/** One line for each route, direction and kind of stream. */
function overview(cells: readonly Cell[], columns: readonly Column[], style: Style): string {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = [cell.route, cell.direction, cell.stream ? "stream" : "whole"].join("\t");
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const rows = [...groups].map(([key, group]) => [
    ...key.split("\t"),
    ...OUTCOMES.map((outcome) => String(group.filter((cell) => cell.outcome === outcome).length)),
  ]);
  const actions = columns.map(({ detector, request, answer }) => [detector, request, answer]);
  return [
    textTable(["ROUTE", "DIRECTION", "AS", ...OUTCOMES.map((outcome) => outcome.toUpperCase())], rows, style),
    "",
    textTable(["DETECTOR", "REQUEST", "ANSWER"], actions, style),
    "",
    verdict(cells, style),
    style.dim("every place for text of one route: --route openai.chat; all of them: --format json"),
  ].join("\n");
}

/** One line for each cell. */
function table(cells: readonly Cell[], actions: (cell: Cell) => Actions, style: Style): string {
  const rows = cells.map((cell) => [
    `${cell.direction}${cell.stream ? `, ${cell.event ?? ""}` : ""}`,
    `${cell.field} ${cell.form === "text" ? "" : `(${cell.form})`}`.trimEnd(),
    cell.origin ?? "-",
    cell.outcome,
    ...Object.values(actions(cell)),
  ]);
  const detectors = cells[0] === undefined ? [] : Object.keys(actions(cells[0]));
  const head = ["DIRECTION", "FIELD", "ORIGIN", "OUTCOME", ...detectors.map((name) => name.toUpperCase())];
  return [textTable(head, rows, style), "", verdict(cells, style)].join("\n");
}

function verdict(cells: readonly Cell[], style: Style): string {
  const holes = cells.filter(({ outcome }) => outcome === "delivered");
  if (holes.length === 0) return style.green(`${cells.length} places for text, and no way past the guards`);
  const first = holes.slice(0, 5).map(({ route, direction, field }) => `${route}, ${direction}: ${field}`);
  return style.red([`${holes.length} of ${cells.length} places are not read:`, ...first].join("\n"));
}
