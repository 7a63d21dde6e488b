/**
 * `holdfast extraction …`: thin, over `store.ts`.
 *
 * @module
 */

import { Exit, textTable, type CommandRun } from "../../core/index.ts";
import type { GatewayServices } from "../module.ts";
import { listStates, releaseWatch, type WatchState } from "./store.ts";

export const list: CommandRun<GatewayServices> = async ({ services, options }) => {
  const states = await listStates(await services.db());
  const shown = options["all"] === true ? states : states.filter(({ stage }) => stage !== undefined);
  return {
    data: { watches: shown.map(dataOf) },
    text: (style) => {
      if (shown.length > 0) {
        const head = ["ID", "ASKS", "MODEL", "BY", "STAGE", "SINCE", "DIFFERENT", "ALARMS"];
        return textTable(head, shown.map(rowOf), style);
      }
      return states.length === 0
        ? "nobody was watched yet; a gateway notes whom it watches within seconds"
        : `nobody of ${states.length} asks so much that it is in a stage; --all shows all of them`;
    },
    exit: shown.some(({ stage }) => stage !== undefined) ? Exit.findings : Exit.clean,
  };
};

export const release: CommandRun<GatewayServices> = async ({ services, args }) => {
  const state = await releaseWatch(await services.db(), args["id"] ?? "", services.clock);
  return {
    data: { released: dataOf(state) },
    text: () =>
      `${nameOf(state)} is watched from the beginning again, within seconds at every gateway; it was ${
        state.stage === undefined ? "in no stage" : `in the stage ${state.stage}`
      }`,
  };
};

function rowOf(state: WatchState): readonly string[] {
  const { alarms, asked, id, kind, model, scope, since, stage, who } = state;
  const at = stage === undefined ? "-" : minute(since);
  return [
    id,
    kind,
    model === "" ? "-" : model,
    `${scope} ${who}`,
    stage ?? "-",
    at,
    String(asked),
    alarms.join(", ") || "-",
  ];
}

function dataOf({ releasedAt, seenAt, since, stage, ...rest }: WatchState): object {
  return {
    ...rest,
    stage: stage ?? null,
    since: new Date(since).toISOString(),
    seenAt: new Date(seenAt).toISOString(),
    releasedAt: releasedAt === undefined ? null : new Date(releasedAt).toISOString(),
  };
}

function nameOf({ kind, model, scope, who }: WatchState): string {
  return `${scope} ${who}, which asks ${model === "" ? `for ${kind}` : `the model ${model}`},`;
}

function minute(ms: number): string {
  return new Date(ms).toISOString().replace(/:\d\d\.\d{3}Z$/, "Z");
}
