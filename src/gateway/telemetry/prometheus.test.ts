import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRegistry } from "./prometheus.ts";

describe("the Prometheus text format", () => {
  it("writes counters, histograms and gauges as the format has them", () => {
    const registry = createRegistry();
    const requests = registry.counter("requests_total", "Requests", ["route", "error"]);
    requests.add("chat", "");
    requests.add("chat", "");
    requests.add("chat", 'a"b\\c\nd');
    const seconds = registry.histogram("seconds", "Time", ["route"], [0.5, 1]);
    for (const value of [0.5, 0.6, 1, 7]) seconds.observe(value, "chat");
    registry.gauge("up", "Whether it runs", "gauge", () => 1);
    registry.gauges("busy", "Places taken", ["upstream"], () => [
      { labels: ["a"], value: 2 },
      { labels: ["b"], value: 0 },
    ]);
    assert.equal(
      registry.text(),
      `# HELP requests_total Requests
# TYPE requests_total counter
requests_total{route="chat",error=""} 2
requests_total{route="chat",error="a\\"b\\\\c\\nd"} 1
# HELP seconds Time
# TYPE seconds histogram
seconds_bucket{route="chat",le="0.5"} 1
seconds_bucket{route="chat",le="1"} 3
seconds_bucket{route="chat",le="+Inf"} 4
seconds_sum{route="chat"} 9.1
seconds_count{route="chat"} 4
# HELP up Whether it runs
# TYPE up gauge
up 1
# HELP busy Places taken
# TYPE busy gauge
busy{upstream="a"} 2
busy{upstream="b"} 0
`,
    );
  });

  it("writes a family that has no series yet without lines of its own", () => {
    const registry = createRegistry();
    registry.counter("a_total", "A", []);
    assert.equal(registry.text(), "# HELP a_total A\n# TYPE a_total counter\n");
  });
});
