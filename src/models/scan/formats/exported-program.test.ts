import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import { json } from "./json.ts";

const program = (target: string, expression = "s0") => ({
  graph_module: {
    graph: {
      nodes: [{ target, inputs: [], outputs: [] }],
      tensor_values: { x: { sizes: [{ as_expr: { expr_str: expression } }] } },
    },
    signature: { input_specs: [{ parameter: { arg: {}, parameter_name: "0.weight", target: "os.system" } }] },
  },
  schema_version: { major: 8, minor: 2 },
});
const judge = (value: unknown) => scanBytes(json, utf8(JSON.stringify(value)), "model.json");

describe("exported programs", () => {
  for (const target of [
    "torch.ops.aten.conv2d.default",
    "torch.ops.higher_order.cond",
    "torch.sym_sum",
    "_operator.floordiv",
    "math.ceil",
  ]) {
    it(`lets ${target} be`, () => assert.deepEqual(judge(program(target)).rules, []));
  }

  for (const expression of [
    "2*s0 + 1",
    "Mul(Integer(2), Symbol('s0', integer=True, positive=True))",
    "FloorDiv(s0, 2)",
    "floor(s0/2)",
    "Eq(s0, 4) & (s1 <= 5)",
    "1.5",
  ]) {
    it(`lets ${expression} be`, () =>
      assert.deepEqual(judge(program("torch.ops.aten.relu.default", expression)).rules, []));
  }

  for (const [target, rule, verdict] of [
    ["torch.os.system", "torch.exported-target", "malicious"],
    ["torch.hub.load", "torch.exported-target", "malicious"],
    ["_operator.methodcaller", "torch.exported-target", "malicious"],
    ["mine.run", "torch.exported-unknown-target", "suspicious"],
  ] as const) {
    it(`reports ${target}`, () => {
      const judged = judge(program(target));
      assert.deepEqual([judged.rules, judged.verdict], [[rule], verdict]);
    });
  }

  for (const expression of [
    "__import__('os').system('id')",
    "open('x')",
    "s0.__class__",
    "Symbol('s0').func",
    "().f",
    "[1][0]",
    "exec(s0)",
    "lambda: 1",
  ]) {
    it(`reports ${expression}`, () => {
      assert.deepEqual(judge(program("torch.ops.aten.relu.default", expression)).rules, ["torch.exported-expression"]);
    });
  }
});
