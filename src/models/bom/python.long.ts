/** Bills of materials as the formats' own libraries read them: valid, and with the same model in them. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { made, noise, safetensors } from "../../../test/models/checkpoints.ts";
import { bomPythonMissing, runBomPython } from "../../../test/models/python.ts";
import { cycloneDxBom } from "./cyclonedx.ts";
import type { BomOptions } from "./document.ts";
import { inspectModel, type Inspection } from "./inspect.ts";
import { spdxDocument } from "./spdx.ts";

const README =
  "---\nlicense: apache-2.0\ndatasets: [squad]\nbase_model: google/bert\n---\n## Limitations\nNot for law.\n";

/** Validates by the library's own schema, strictly, and reads the document into the library's own objects. */
const CYCLONEDX = `
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1]).read()
problem = JsonStrictValidator(SchemaVersion.V1_7).validate_str(text)
if problem is not None: sys.exit(str(problem))
component = Bom.from_json(json.loads(text)).metadata.component
print(component.type.value, next(p.value for p in component.properties if p.name == "holdfast:oms:root"))
`;

/** Reads the document into the model's own classes, which check types, and writes it, which checks that all is there. */
const SPDX = `
import io, sys
from spdx_python_model import v3_0_1 as model
found = model.SHACLObjectSet()
with open(sys.argv[1], "rb") as file: model.JSONLDDeserializer().read(file, found)
unknown = [iri for iri in found.link() if not iri.startswith("https://spdx.org/rdf/3.0.1/terms/")]
if unknown: sys.exit("not there: " + ", ".join(unknown))
model.JSONLDSerializer().write(found, io.BytesIO())
[bom] = found.foreach_type(model.software_Sbom)
print(bom.rootElement[0].verifiedUsing[0].hashValue)
`;

describe("the libraries of CycloneDX and SPDX", { skip: bomPythonMissing ?? false }, () => {
  let folder = "";
  let inspection: Inspection;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-bom-python-"));
    await writeFile(join(folder, "model.safetensors"), safetensors([made("w", [4, 8], noise(32, 1))]));
    await writeFile(join(folder, "README.md"), README);
    inspection = await inspectModel(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const little: BomOptions = { time: 1_800_000_000, datasets: [] };
  const much: BomOptions = {
    ...little,
    version: "1.2",
    supplier: "Example Ltd",
    downloadLocation: "https://example.org/model",
    released: "2026-01-02T03:04:05Z",
  };
  for (const [what, options] of [
    ["little", little],
    ["much", much],
  ] as const) {
    it(`read what is written with ${what} known of the model`, async () => {
      const file = join(folder, "..", `${what}-${process.pid}.json`);
      const ask = async (document: object, program: string): Promise<string> => {
        await writeFile(file, JSON.stringify(document));
        const { ok, said } = runBomPython("-c", program, file);
        assert.ok(ok, said);
        return said.trim();
      };
      try {
        const bom = cycloneDxBom(inspection, options);
        assert.equal(await ask(bom, CYCLONEDX), `machine-learning-model sha256:${inspection.root}`);
        assert.equal(await ask(spdxDocument(inspection, options), SPDX), inspection.root);
        // They tell what is valid from what is not.
        await writeFile(file, JSON.stringify({ ...bom, components: [{ type: "nonsense", name: "x" }] }));
        assert.equal(runBomPython("-c", CYCLONEDX, file).ok, false);
        const spdx = JSON.stringify(spdxDocument(inspection, options));
        await writeFile(file, spdx.replace('"algorithm":"sha256"', '"algorithm":"nonsense"'));
        assert.equal(runBomPython("-c", SPDX, file).ok, false);
      } finally {
        await rm(file, { force: true });
      }
    });
  }
});
