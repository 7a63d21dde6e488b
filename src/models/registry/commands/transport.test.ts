/** Push and pull as an operator calls them, with a real registry: what is attached to a release comes with it. */

import assert from "node:assert/strict";
import { it } from "node:test";

import { approveText, openFixture, operatorsConfig } from "../../../../test/registry/fixture.ts";
import { ociMissing, startOciRegistry } from "../../../../test/servers/oci.ts";
import type { CommandRun, Style } from "../../../core/index.ts";
import { attach, attachDocument, attachments } from "../attachment.ts";
import { openStore, type RegistryServices } from "../services.ts";
import { findVersion } from "../store.ts";
import { runPull, runPush } from "./transport.ts";

const plain: Style = { bold: String, dim: String, red: String, green: String, yellow: String };

it("what is attached to a release goes out with it, and comes in again", { skip: ociMissing }, async (t) => {
  const [fixture, server] = await Promise.all([openFixture(), startOciRegistry(true)]);
  t.after(async () => {
    await server.stop();
    await fixture[Symbol.asyncDispose]();
  });
  const { registry, db, home } = fixture;
  const services = {
    clock: fixture.clock,
    home,
    db: async () => db,
    source: { env: { HOLDFAST_OCI_PASSWORD: server.password }, cwd: home },
    config: {
      gateway: { admission: "off" as const },
      models: { registry: { approvals: 2, drillMaxMs: 5_000, operators: operatorsConfig() } },
    },
  };
  const run = async (
    command: CommandRun<RegistryServices>,
    args: Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const options = { plainHttp: true, username: server.username, ...more };
    return (await command({ services, args, rest: [], options, progress: () => undefined })).text(plain);
  };
  const blobs = await openStore(services);
  const bot = `${server.host}/models/bot:1`;
  await blobs.put([Buffer.from("weights")]);
  const { digest, weights } = await approveText(registry, "bot", "weights");
  const release = `bot@sha256:${digest}`;
  const none = /with it: no signature and no documents$/m;
  assert.match(await run(runPush, { release, target: bot }), none);
  assert.match(await run(runPull, { source: bot }, { name: "alone" }), none);

  const version = await findVersion(db, "bot", weights.root);
  assert.ok(version);
  const signature = await blobs.put([Buffer.from('{"a":"signature"}')]);
  await attach(registry, version, "signature", signature);
  const card = await blobs.put([Buffer.from(`about sha256:${weights.root}`)]);
  await attachDocument(registry, blobs, version, "card", card, "carol");
  const both = /with it: signature, model card$/m;
  assert.match(await run(runPush, { release, target: bot }), both);
  assert.match(await run(runPull, { source: bot }, { name: "twin", as: "dave" }), both);
  assert.deepEqual(
    [...(await attachments(db, { model: "twin", root: weights.root }))],
    [
      ["signature", signature],
      ["card", card],
    ],
  );
  const evidence = (await fixture.evidence()).map(({ predicate }) => predicate);
  assert.deepEqual(
    evidence.filter(({ what }) => what === "document attached").map(({ by, document }) => [by, document]),
    [
      ["carol", card.digest],
      ["dave", card.digest],
    ],
  );
});
