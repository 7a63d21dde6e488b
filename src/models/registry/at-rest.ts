/**
 * The registry's own store at rest, as part of the proof of control M6: where there are models, every blob is sealed.
 *
 * @module
 */

import type { Observation, Proof } from "../../core/index.ts";
import type { RegistryServices } from "./services.ts";

/** What the proof of sealed sets needs to know of the configuration. */
interface SetServices {
  readonly config: { readonly models: { readonly seal: { readonly sets: readonly string[] } } };
}

/** The proof about sets, and about the store beside them. Either that fails makes it fail. */
export function withStore<Services extends SetServices>(proof: Proof<Services>): Proof<Services & RegistryServices> {
  return {
    ...proof,
    question: "Are the sets that hold models and data at rest, and the registry's own store, sealed and unchanged?",
    observe: async (services) => {
      const sets = await proof.observe(services);
      const store = await observeStore(services);
      if (store === undefined) return sets;
      const expected = `${sets.expected}; every blob of the registry's store sealed`;
      const scope =
        `${sets.scope}; ` +
        "of the registry's store how each file begins: a blob is read in full when it is used, and by the proof of M5";
      const both = { observed: `${sets.observed}; ${store.observed}`, expected, scope };
      if (store.outcome === "fails" || sets.outcome === "fails") return { outcome: "fails", ...both };
      if (services.config.models.seal.sets.length === 0) return { ...store, expected, scope };
      return { outcome: sets.outcome, ...both };
    },
  };
}

/** Undefined where the registry holds no model: then there is nothing to seal. */
async function observeStore(
  services: RegistryServices,
): Promise<Pick<Observation, "outcome" | "observed"> | undefined> {
  // A module is data: what opens the store is loaded when it is asked.
  const [{ openStore, openRegistry }, { listReleases }] = await Promise.all([
    import("./services.ts"),
    import("./store.ts"),
  ]);
  const registry = await openRegistry(services);
  if ((await listReleases(registry.db)).length === 0) return undefined;
  const { sealed, clear } = await (await openStore(services)).census();
  if (services.config.models.registry.seal === undefined) {
    return { outcome: "fails", observed: "the registry's store is in the clear: models.registry.seal is not set" };
  }
  return clear > 0
    ? { outcome: "fails", observed: `${clear} blobs of the registry lie in the clear: holdfast model seal` }
    : { outcome: "holds", observed: `${sealed} blobs of the registry, all sealed` };
}
