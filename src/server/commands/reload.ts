/**
 * `holdfast reload`: has the server that runs on the data folder read its configuration again.
 *
 * @module
 */

import type { CommandRun } from "../../core/index.ts";
import { askServerToReload } from "../remote.ts";
import type { Services } from "../services.ts";

/** The configuration of this command only says where the data folder is: the server reads its own. */
export const runReload: CommandRun<Services> = async ({ services }) => {
  const { changed } = await askServerToReload(services.home);
  return {
    data: { changed },
    text: () =>
      changed.length === 0
        ? "read again: no setting differs; certificates, keys of upstreams and policies were read anew"
        : `taken up: ${changed.join(", ")}`,
  };
};
