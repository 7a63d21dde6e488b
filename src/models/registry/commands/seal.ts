/**
 * `holdfast model seal`: seals what lies in the registry's store in the clear, and the store's key anew.
 *
 * @module
 */

import { hash } from "node:crypto";

import { PredicateType, statement, uuidv7, type CommandRun } from "../../../core/index.ts";
import { enqueueEvidence } from "../../../storage/index.ts";
import { registryError } from "../errors.ts";
import { openStore, storeFolder, type RegistryServices } from "../services.ts";
import { rotateStoreKey } from "../store-key.ts";

export const runSeal: CommandRun<RegistryServices> = async ({ services, progress }) => {
  const { seal } = services.config.models.registry;
  if (seal === undefined) throw registryError("models.store-sealed", { detail: "models.registry.seal is not set" });
  const blobs = await openStore(services);
  const sealed = await blobs.sealRest((done, total) => progress("sealing blobs", done, total));
  // A store that holds nothing yet has no key: it is made with the first blob.
  const all = (await blobs.census()).sealed;
  if (all === 0) {
    return { data: { sealed: 0, blobs: 0 }, text: () => "the store is empty: what comes in is sealed" };
  }
  const { bytes, recipients } = await rotateStoreKey(storeFolder(services), seal, services.source);
  const db = await services.db();
  const id = uuidv7();
  await enqueueEvidence(
    db,
    statement([{ name: "registry:store-key", digest: { sha256: hash("sha256", bytes) } }], PredicateType.registry, {
      id,
      at: new Date(services.clock.now()).toISOString(),
      what: "registry's store sealed",
      sealed,
      blobs: all,
      recipients,
    }),
  );
  return {
    data: { sealed, blobs: all, recipients },
    text: (style) =>
      [
        `${style.green("sealed")}: ${sealed} blobs that were in the clear; all ${all} are sealed now`,
        `the store's key is sealed to ${recipients} ${recipients === 1 ? "recipient" : "recipients"}, those of models.registry.seal.to`,
      ].join("\n"),
  };
};
