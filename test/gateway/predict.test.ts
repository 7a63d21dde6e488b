import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey } from "../../src/gateway/index.ts";
import { samplesOf } from "../../src/gateway/matrix/samples.ts";
import { predictOperations } from "../../src/gateway/predict/operations.ts";
import { perceptron } from "../predict/onnx.ts";
import { startHarness, type Answer, type Harness } from "./harness.ts";

let folder: string;
let harness: Harness;

const V2 = "/v2/models/irises";
const rows = (...data: readonly (readonly number[])[]) => ({
  inputs: [{ name: "inputs", shape: [data.length, 2], datatype: "FP32", data }],
});

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-predict-"));
  const file = join(folder, "irises.onnx");
  await writeFile(
    file,
    perceptron([
      {
        weights: [
          [1, -1],
          [0.5, -0.5],
        ],
        bias: [0, 0],
      },
    ]),
  );
  const inputs = { inputs: { min: -10, max: 10 } };
  await mkdir(join(folder, "policies"));
  const policy = 'permit (principal, action == Action::"infer", resource) unless { resource == Model::"denied" };';
  await writeFile(join(folder, "policies", "models.cedar"), policy);
  harness = await startHarness({
    config: {
      predict: {
        models: {
          irises: { file, inputs },
          full: { file, inputs, answers: "full" },
          watched: { file, inputs },
          denied: { file },
          "other-app": { file, apps: ["someone-else"] },
        },
      },
      extraction: {
        predictions: { observe: 5, slow: 10, coarsen: 15, refuse: 20 },
        slowPerMinute: 100_000,
        alarms: { perMinute: 1_000_000 },
      },
      authorization: { policies: join(folder, "policies") },
      limits: { requestsPerMinute: 10_000 },
      guards: { injection: { request: "off" } },
    },
  });
});
after(async () => {
  await harness.close();
  await rm(folder, { recursive: true, force: true });
});

describe("predictive models, served by the gateway", () => {
  it("answer over the Open Inference Protocol, with one receipt that names the file", async () => {
    const answer = await harness.post(`${V2}/infer`, { id: "a-1", ...rows([1, 0], [-1, 0]) });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, {
      model_name: "irises",
      id: "a-1",
      outputs: [{ name: "scores", datatype: "FP32", shape: [2, 2], data: [0.88, 0.12, 0.12, 0.88] }],
    });
    const receipt = await harness.receipt(answer.headers.get("x-request-id"));
    assert.equal(receipt.outcome, "served");
    assert.equal(receipt.route, "predict.infer");
    assert.equal(receipt.model, "irises");
    assert.equal(receipt.prediction?.answers, "rounded");
    assert.equal(receipt.prediction.rows, 2);
    assert.match(receipt.prediction.model.sha256, /^[0-9a-f]{64}$/);
    assert.equal(receipt.upstream, null);
  });

  it("answer rows, and say of themselves what they take", async () => {
    const answer = await harness.post("/v1/models/full/predict", { instances: [[1, 0]] });
    const [[yes, no]] = answer.json["predictions"] as [[number, number]];
    assert.ok(Math.abs(yes - 1 / (1 + Math.exp(-2))) < 1e-6 && Math.abs(yes + no - 1) < 1e-6);
    assert.deepEqual((await harness.get(V2)).json, {
      name: "irises",
      versions: [],
      platform: "onnx_onnxv1",
      inputs: [{ name: "inputs", datatype: "FP32", shape: [-1, 2] }],
      outputs: [{ name: "scores", datatype: "FP32", shape: [-1, 2] }],
    });
    assert.deepEqual((await harness.get("/v2")).json, { name: "holdfast", version: "1", extensions: [] });
    assert.deepEqual((await harness.get("/v2/health/live")).json, { live: true });
    assert.deepEqual((await harness.get("/v2/health/ready")).json, { ready: true });
    assert.deepEqual((await harness.get(`${V2}/ready`)).json, { name: "irises", ready: true });
  });

  it("are open to nobody without a key, outside its models, or of another app", async () => {
    const scoped = (await createKey(harness.db, { app: "test", models: ["ir*"] }, systemClock)).key.reveal();
    const cases = [
      ["POST", `${V2}/infer`, { authorization: "" }, 401],
      ["GET", "/v2", { authorization: "" }, 401],
      ["GET", V2, { authorization: "Bearer hf_wrong" }, 401],
      ["POST", "/v2/models/full/infer", { authorization: `Bearer ${scoped}` }, 403],
      ["GET", "/v2/models/full/ready", { authorization: `Bearer ${scoped}` }, 403],
      ["POST", "/v2/models/other-app/infer", {}, 403],
      ["GET", "/v2/models/other-app", {}, 403],
      ["POST", "/v2/models/denied/infer", {}, 403],
      ["GET", "/v2/models/denied", {}, 403],
      ["POST", "/v2/models/unknown/infer", {}, 404],
      ["GET", "/v2/models/unknown", {}, 404],
      ["POST", "/v2/models/irises%2finfer", {}, 404],
      ["POST", "/v2/models/irises/versions/1/infer", {}, 404],
      ["POST", "/v2/models//infer", {}, 404],
      ["GET", "/v1/models/irises", {}, 404],
      ["DELETE", V2, {}, 405],
    ] as const;
    for (const [method, path, headers, status] of cases) {
      const all = { authorization: `Bearer ${harness.key}`, "content-type": "application/json", ...headers };
      const body = method === "POST" ? { body: JSON.stringify(rows([1, 0])) } : {};
      const answer = await fetch(harness.url + path, { method, headers: all, ...body });
      assert.equal(answer.status, status, `${method} ${path}`);
      const { error } = (await answer.json()) as { error: unknown };
      assert.equal(typeof error, path.startsWith("/v2") ? "string" : "object", path);
    }
  });

  it("refuse inputs beyond their shape and range, and text that is no number, and still leave a receipt", async () => {
    for (const body of [rows([1]), rows([1, 11]), { inputs: [] }, rows(["1", 2] as never), {}]) {
      const answer = await harness.post(`${V2}/infer`, body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.match(answer.text, /^\{"error":"gateway\.predict-input: /);
      const receipt = await harness.receipt(answer.headers.get("x-request-id"));
      assert.equal(receipt.outcome, "refused");
    }
    const { status } = await harness.post(
      `${V2}/infer`,
      '{"inputs":[{"name":"inputs","shape":[1,2],"datatype":"FP32","data":[1e999,0]}]}',
    );
    assert.equal(status, 400);
  });

  it("are read by the guards: a secret in an id is stopped", async () => {
    const answer = await harness.post(`${V2}/infer`, { id: ["AKIA", "Z3MGNQ4WTRKXUVYB"].join(""), ...rows([1, 0]) });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /^\{"error":"gateway\.blocked: /);
  });

  it("have a secret stopped in every field of a request", async () => {
    const secret = ["AKIA", "Z3MGNQ4WTRKXUVYB"].join("");
    let places = 0;
    for (const { shapes, path } of predictOperations) {
      for (const sample of shapes.request === undefined ? [] : samplesOf(shapes.request)) {
        places++;
        const answer = await harness.post(path.replace("{model}", "irises"), sample.build(secret));
        assert.match(answer.text, /gateway\.(?:blocked|predict-input)/, sample.field);
        assert.ok(!answer.text.includes(secret), sample.field);
      }
    }
    assert.ok(places > 20, String(places));
  });

  it("answer harder the more is asked: each stage in receipt and finding, labels alone, then nothing", async () => {
    const answers: Answer[] = [];
    for (let index = 0; index < 26; index++) {
      answers.push(await harness.post("/v2/models/watched/infer", rows([index / 100, 0.1])));
    }
    const receipts = new Map((await harness.receipts()).map((receipt) => [receipt.id, receipt]));
    const seen = answers.map(({ status, text, headers }) => {
      const receipt = receipts.get(headers.get("x-request-id") ?? "");
      const rules = (receipt?.guards.request?.findings ?? []).map(({ rule }) => rule);
      return { status, text, stage: receipt?.extraction?.stage, rules };
    });
    const stages = [...new Set(seen.flatMap(({ stage }) => stage ?? []))];
    assert.deepEqual(stages, ["observe", "slow", "coarsen", "refuse"]);
    for (const { stage, rules, status } of seen) {
      assert.deepEqual(rules, stage === undefined ? [] : [`theft.${stage}`]);
      assert.equal(status, stage === "refuse" ? 403 : 200);
    }
    const data = (text: string) => (JSON.parse(text) as { outputs: [{ data: number[] }] }).outputs[0].data;
    assert.ok(seen.filter(({ stage }) => stage === "coarsen").every(({ text }) => data(text).join() === "1,0"));
    assert.ok(data(seen[0]?.text ?? "").every((score) => score > 0));
    // Another model is asked as before.
    assert.equal((await harness.post(`${V2}/infer`, rows([0.5, 0.5]))).status, 200);
  });
});
