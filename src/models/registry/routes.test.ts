import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { approveText, openFixture, operatorsConfig, type Fixture } from "../../../test/registry/fixture.ts";
import { isHoldfastError, type RouteHandler } from "../../core/index.ts";
import { registryRoutes } from "./routes.ts";

let fixture: Fixture;
let routes: RouteHandler;
before(async () => {
  fixture = await openFixture();
  const { db, clock, home } = fixture;
  const registry = { approvals: 2, drillMaxMs: 5_000, operators: operatorsConfig() };
  const config = { models: { registry }, gateway: { admission: "off" } } as const;
  routes = registryRoutes({ clock, home, db: async () => db, config, source: { env: {}, cwd: home } });
});
after(async () => {
  await fixture[Symbol.asyncDispose]();
});

const get = async (path: string): Promise<Record<string, unknown>> => {
  const response = await routes.fetch(new Request(`http://x${path}`));
  return (await response.json()) as Record<string, unknown>;
};

describe("the registry in the admin API", () => {
  it("lists releases and shows one", async () => {
    const { digest } = await approveText(fixture.registry, "acme/bot", "weights");
    const { releases } = (await get("/releases?model=acme/bot")) as { releases: { release: string; state: string }[] };
    assert.deepEqual(
      releases.map(({ release, state }) => [release, state]),
      [[`sha256:${digest}`, "approved"]],
    );
    assert.deepEqual((await get("/releases?model=none"))["releases"], []);
    const shown = await get(`/release?reference=acme/bot@sha256:${digest}`);
    assert.equal((shown["standing"] as { state: string }).state, "approved");
  });

  it("refuses what names no release", async () => {
    const refusals = [
      ["/release", "models.options-invalid"],
      ["/release?reference=acme/bot", "models.reference-invalid"],
      ["/release?reference=acme/bot@prod", "models.release-unknown"],
      ["/releases?model=..", "models.reference-invalid"],
    ] as const;
    for (const [path, code] of refusals) {
      await assert.rejects(get(path), (error) => isHoldfastError(error, code), path);
    }
  });
});
