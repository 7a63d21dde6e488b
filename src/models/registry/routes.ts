/**
 * The registry in the admin API, to be read: `GET /api/models/releases` and `GET /api/models/release?reference=…`. Nothing
 * is decided here: a decision is signed with a key that stays with its operator.
 *
 * @module
 */

import type { RouteHandler } from "../../core/index.ts";
import { runList, runShow } from "./commands/show.ts";
import { registryError } from "./errors.ts";
import type { RegistryServices } from "./services.ts";

/** The handler below `/api/models`. Its answers are those of `holdfast model list` and `model show`. */
export function registryRoutes(services: RegistryServices): RouteHandler {
  const input = (args: Readonly<Record<string, string | undefined>>) => {
    return { services, args, rest: [], options: {}, progress: () => undefined };
  };
  return {
    fetch: async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const reference = searchParams.get("reference");
      if (pathname === "/releases") {
        const { data } = await runList(input({ model: searchParams.get("model") ?? undefined }));
        return Response.json(data);
      }
      if (reference === null)
        throw registryError("models.options-invalid", { detail: "the query `reference` is missing" });
      const { data } = await runShow(input({ release: reference }));
      return Response.json(data);
    },
  };
}
