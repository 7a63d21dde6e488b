import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { HoldfastError, isHoldfastError } from "../../core/index.ts";
import { serverError } from "../errors.ts";
import { backoffMs } from "./fleet.ts";
import { mergeMetrics } from "./metrics.ts";
import { fromFault, toFault } from "./protocol.ts";

describe("the metrics of workers", () => {
  it("stand together by family, each sample with its worker, none added up", () => {
    const one = '# HELP a A\n# TYPE a counter\na{route="x y",e=""} 1\n# HELP b B\n# TYPE b gauge\nb 2\n';
    const two = '# HELP a A\n# TYPE a counter\na{route="{}"} 3\na{} 4\n# HELP b B\n# TYPE b gauge\n';
    assert.equal(
      mergeMetrics(
        new Map([
          [1, one],
          [2, two],
        ]),
      ),
      [
        "# HELP a A",
        "# TYPE a counter",
        'a{worker="1",route="x y",e=""} 1',
        'a{worker="2",route="{}"} 3',
        'a{worker="2"} 4',
        "# HELP b B",
        "# TYPE b gauge",
        'b{worker="1"} 2',
        "",
      ].join("\n"),
    );
  });
});

describe("the back-off", () => {
  it("doubles from the least to the most, and stays there however often one fails", () => {
    const backoff = { leastMs: 100, mostMs: 30_000, healthyMs: 60_000 };
    const waits = [1, 2, 3, 9, 10, 1_000, 1e9].map((failures) => backoffMs(backoff, failures));
    assert.deepEqual(waits, [100, 200, 400, 25_600, 30_000, 30_000, 30_000]);
  });
});

describe("an error between processes", () => {
  it("arrives as it was, if it is one of ours", () => {
    const error = serverError("server.worker-ended", { detail: "SIGKILL" });
    const arrived = fromFault(structuredClone(toFault(error)));
    assert.ok(isHoldfastError(arrived, "server.worker-ended"));
    assert.deepEqual([arrived.message, arrived.hint], [error.message, error.hint]);
  });

  it("brings no words of others", () => {
    const fault = toFault(Object.assign(new Error("sk-secret in the words"), { code: "EACCES" }));
    assert.deepEqual([fault.code, fault.message], ["core.internal", "Error EACCES"]);
    assert.ok(fromFault(fault) instanceof HoldfastError);
  });
});
