import assert from "node:assert/strict";
import { test } from "node:test";

import { guardsConfig, guardsOf } from "./guards.ts";

test("the defaults have every guard but that of own rules", () => {
  const { detectors, settings } = guardsOf(guardsConfig.parse({}));
  const ids = detectors.map(({ id }) => id);
  assert.deepEqual(ids, ["unicode", "secrets", "injection", "pii", "moderation", "leak", "exfiltration"]);
  assert.deepEqual(Object.keys(settings).toSorted(), ids.toSorted());
});

test("options reach their detectors, and what makes no sense is refused", () => {
  const rule = { id: "ticket", message: "a ticket", pattern: "OPS-[0-9]{4}" };
  const { detectors } = guardsOf(guardsConfig.parse({ custom: { rules: [rule] } }));
  assert.equal(detectors.at(-1)?.id, "custom");
  const refused: readonly (readonly [object, string])[] = [
    [{ custom: { rules: [{ ...rule, pattern: "(a)\\1" }] } }, "guard.pattern-invalid"],
    [{ custom: { rules: [rule, rule] } }, "guard.rule-invalid"],
    [{ pii: { entities: ["emial"] } }, "guard.pii-entity-unknown"],
    [{ pii: { countries: ["XX"] } }, "guard.pii-country-unknown"],
    [{ exfiltration: { allowHosts: ["not a host"] } }, "guard.host-invalid"],
  ];
  for (const [config, code] of refused) assert.throws(() => guardsOf(guardsConfig.parse(config)), { code });
});
