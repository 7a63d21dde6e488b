/**
 * Error codes of `models/bom`.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const BomErrors = {
  "models.metadata-invalid": {
    what: "the metadata of a model's file is not what its format allows",
    hint: "fetch the file again; where it stays so, do not load it: its maker has to mend it",
  },
  "models.metadata-limit": {
    what: "the metadata of a model's file is over a limit",
    hint: "the file is not like any known model: look into it before it is loaded",
  },
  "models.bom-unreadable": {
    what: "what the bill of materials is about could not be read",
    hint: "check that the path names a model's folder or file, and that it may be read",
    exit: Exit.usage,
  },
  "models.bom-option-invalid": {
    what: "an option of the bill of materials has a value that it cannot have",
    hint: "look at the command's help for what it takes",
    exit: Exit.usage,
  },
  "models.bom-unwritable": {
    what: "the file could not be written",
    hint: "check that its folder is there and may be written to",
  },
  "models.dataset-invalid": {
    what: "the description of a data set is not Croissant metadata",
    hint: "give a JSON-LD file as https://docs.mlcommons.org/croissant describes it, with @type sc:Dataset",
    exit: Exit.usage,
  },
  "models.dataset-mismatch": {
    what: "a file of a data set is not the one that its description names",
    hint: "fetch the file again, or correct the description: what was trained on is not known otherwise",
    exit: Exit.findings,
  },
  "models.fingerprint-no-tensors": {
    what: "no tensors can be read from it",
    hint: "fingerprints are made of safetensors, GGUF, ONNX and PyTorch files",
  },
} as const satisfies ErrorTable;

export const bomError = defineErrors(BomErrors);
