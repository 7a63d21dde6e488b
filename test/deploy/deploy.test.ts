/**
 * What `deploy/` promises, read from its files: no container runtime is needed, so that the promises are checked wherever
 * the tests run.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { parse, parseAllDocuments } from "yaml";

import { readConfig } from "../../src/server/config/read.ts";
import { CONFIG_VARIABLES } from "../../src/server/config/variables.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const PINNED = /@sha256:[0-9a-f]{64}$/;
const NOBODY = 65_532;
const VARIABLES = new Set([...CONFIG_VARIABLES.map(({ variable }) => variable), "HOLDFAST_CONFIG", "HOLDFAST_DATA"]);

/** A parsed manifest: its parts are asserted, not typed. */
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

describe("the image", () => {
  const file = text("deploy/Dockerfile");
  const lines = file
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const of = (instruction: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));

  it("is built from bases that are pinned by digest, on the Node that the package needs", () => {
    const bases = of("FROM").map((from) => from.split(" ")[0] as string);
    assert.equal(bases.length, 2);
    for (const base of bases) assert.match(base, PINNED);
    const { engines } = JSON.parse(text("package.json")) as { engines: { node: string } };
    assert.ok(bases[0]?.startsWith(`node:${engines.node.replace(">=", "")}-`), bases[0]);
  });

  it("runs as nobody, without a shell, from a list of words", () => {
    assert.deepEqual(
      last.filter((line) => line.startsWith("USER ")),
      [`USER ${NOBODY}:${NOBODY}`],
    );
    assert.ok(!last.some((line) => line.startsWith("RUN ")), "nothing could run in the last stage");
    for (const instruction of ["ENTRYPOINT", "CMD", "RUN"]) {
      for (const words of of(instruction)) assert.ok(Array.isArray(JSON.parse(words)), `${instruction} ${words}`);
    }
    assert.match(last[0] ?? "", /distroless/);
  });

  it("fetches nothing but locked packages, and runs none of their scripts", () => {
    assert.deepEqual(of("ADD"), []);
    const npm = of("RUN").filter((words) => words.includes('"npm"'));
    assert.equal(npm.length, 2);
    for (const words of npm) assert.ok(words.includes('"--ignore-scripts"'), words);
    assert.ok(
      npm.every((words) => /"(?:ci|prune)"/.test(words)),
      "never an install that picks versions",
    );
    assert.ok(!/\b(?:curl|wget|apt-get|git)\b/.test(of("RUN").join(" ")));
  });

  it("takes only what it names, and all that the package is made of", () => {
    const ignore = text("deploy/Dockerfile.dockerignore").split("\n");
    assert.ok(ignore.includes("*"), "everything else stays outside");
    const allowed = new Set(ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1)));
    const copied = of("COPY")
      .filter((words) => !words.startsWith("--from"))
      .flatMap((words) => words.split(" ").slice(0, -1));
    for (const path of copied) {
      assert.ok(allowed.has(path), `${path} would not reach the builder`);
      assert.ok(existsSync(join(ROOT, path)), path);
    }
    const { files } = JSON.parse(text("package.json")) as { files: string[] };
    const made = new Set([...copied, "dist"]);
    for (const path of files.filter((one) => !one.endsWith(".md"))) {
      assert.ok(
        [...made].some((one) => path === one || path.startsWith(`${one}/`)),
        `${path} is not in the image`,
      );
    }
  });

  it("says whether it is well, where its health can be read", () => {
    const [health] = of("HEALTHCHECK");
    const words = JSON.parse((health ?? "").replace(/^.*?CMD /, "")) as string[];
    assert.equal(words[0], "/usr/local/bin/node");
    const { admin } = readConfig("", "defaults", []).config ?? assert.fail("the defaults are not valid");
    assert.ok(words[2]?.includes(`http://${admin.listen}/healthz`), words[2]);
    for (const name of file.match(/HOLDFAST_[A-Z_]+/g) ?? []) assert.ok(VARIABLES.has(name), name);
  });
});

describe("the compose file", () => {
  const { services, networks } = parse(text("deploy/compose.yaml"));

  it("lets Holdfast do as little as it needs", () => {
    const { holdfast } = services;
    assert.equal(holdfast.read_only, true);
    assert.deepEqual(holdfast.cap_drop, ["ALL"]);
    assert.ok(holdfast.tmpfs[0].includes("noexec"));
    assert.ok(holdfast.pids_limit > 0 && holdfast.mem_limit !== undefined);
    for (const { ports = [] } of Object.values<Loose>(services)) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, "no port for other machines");
    }
    for (const [name, one] of Object.entries<Loose>(services)) {
      assert.deepEqual(one.security_opt, ["no-new-privileges:true"], name);
      assert.equal(one.privileged, undefined, name);
    }
  });

  it("keeps the stores off the network, pinned, and under a password that must be set", () => {
    assert.equal(networks.back.internal, true);
    for (const name of ["postgres", "valkey"]) {
      assert.deepEqual(services[name].networks, ["back"]);
      assert.equal(services[name].ports, undefined);
      assert.match(services[name].image, PINNED);
      assert.ok(services[name].healthcheck);
    }
    assert.match(services.postgres.environment.POSTGRES_PASSWORD, /^\$\{POSTGRES_PASSWORD:\?/);
    assert.match(services.valkey.environment.REDISCLI_AUTH, /^\$\{VALKEY_PASSWORD:\?/);
    const { command } = services.valkey;
    assert.equal(command[command.indexOf("--maxmemory-policy") + 1], "noeviction");
  });

  it("sets variables that exist, and waits longer than a drain takes", () => {
    const { environment, stop_grace_period: grace } = services.holdfast;
    for (const name of Object.keys(environment).filter((one) => one.startsWith("HOLDFAST_"))) {
      assert.ok(VARIABLES.has(name), name);
    }
    const { gateway } = readConfig("", "defaults", []).config ?? assert.fail("the defaults are not valid");
    assert.ok(Number.parseInt(grace, 10) * 1_000 > gateway.timeouts.drainMs);
  });
});

describe("the Kubernetes manifests", () => {
  const documents = parseAllDocuments(text("deploy/kubernetes/holdfast.yaml")).map((one) => {
    assert.deepEqual(one.errors, []);
    return one.toJS();
  });
  const find = (kind: string, name = "holdfast"): Loose =>
    documents.find((one) => one.kind === kind && one.metadata.name === name) ?? assert.fail(`no ${kind} ${name}`);
  const pod = find("StatefulSet").spec.template;
  const [container] = pod.spec.containers;
  const { config } = readConfig(find("ConfigMap").data["holdfast.yaml"], "holdfast.yaml", []);

  it("run as nobody, may become nobody else, and write only where they must", () => {
    const { securityContext } = pod.spec;
    assert.equal(securityContext.runAsNonRoot, true);
    assert.equal(securityContext.runAsUser, NOBODY);
    assert.equal(securityContext.fsGroup, NOBODY);
    assert.equal(
      securityContext.fsGroupChangePolicy,
      "OnRootMismatch",
      "else keys are opened to the group, and refused",
    );
    assert.equal(securityContext.seccompProfile.type, "RuntimeDefault");
    assert.equal(pod.spec.automountServiceAccountToken, false);
    assert.equal(pod.spec.enableServiceLinks, false);
    for (const name of ["hostNetwork", "hostPID", "hostIPC"]) assert.equal(pod.spec[name], undefined);
    assert.equal(pod.spec.containers.length, 1);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ["ALL"] },
    });
    assert.match(container.image, PINNED);
    assert.ok(container.resources.limits.memory);
    const writable = container.volumeMounts.filter((one: Loose) => one.readOnly !== true);
    assert.deepEqual(
      writable.map((one: Loose) => one.mountPath),
      ["/data", "/tmp"],
    );
  });

  it("have a configuration that is valid, and secrets only by reference", () => {
    assert.ok(config, "the ConfigMap's configuration");
    const names = (pod.spec.volumes as Loose[]).map((one) => one.name);
    for (const { name } of container.volumeMounts) assert.ok([...names, "data"].includes(name), name);
    for (const variable of container.env as Loose[]) {
      if (variable.name.startsWith("HOLDFAST_")) assert.ok(VARIABLES.has(variable.name), variable.name);
      if (/PASSWORD|KEY|SECRET|COUNTERS_URL/.test(variable.name)) {
        assert.equal(variable.value, undefined, variable.name);
        assert.equal(variable.valueFrom.secretKeyRef.name, "holdfast");
      } else assert.ok(!/:[^/@]+@/.test(variable.value), "no password in a URL");
    }
    const secrets = parse(text("deploy/kubernetes/secrets.example.yaml"));
    const used = (container.env as Loose[]).flatMap(({ valueFrom }): string[] => valueFrom?.secretKeyRef?.key ?? []);
    assert.deepEqual(Object.keys(secrets.stringData).toSorted(), used.toSorted());
    assert.ok(
      Object.values(secrets.stringData).every((value) => value === ""),
      "an example holds no secret",
    );
  });

  it("are probed over what the gateway speaks, and drain before they are ended", () => {
    for (const name of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      const { httpGet } = container[name];
      assert.equal(httpGet.scheme, config?.gateway.tls === undefined ? undefined : "HTTPS", name);
      assert.equal(httpGet.path, name === "readinessProbe" ? "/readyz" : "/healthz");
      assert.equal(httpGet.port, container.ports[0].name);
    }
    const port = Number(config?.gateway.listen.split(":").at(-1));
    assert.equal(container.ports[0].containerPort, port);
    const sleepMs = container.lifecycle.preStop.sleep.seconds * 1_000;
    const drainMs = config?.gateway.timeouts.drainMs ?? 0;
    assert.ok(pod.spec.terminationGracePeriodSeconds * 1_000 > sleepMs + drainMs + 10_000);
    assert.equal(find("PodDisruptionBudget").spec.maxUnavailable, 1);
    assert.ok(find("StatefulSet").spec.replicas >= 2);
  });

  it("select the pods that they are about", () => {
    const { labels } = pod.metadata;
    for (const selector of [
      find("Service").spec.selector,
      find("Service", "holdfast-replicas").spec.selector,
      find("StatefulSet").spec.selector.matchLabels,
      find("PodDisruptionBudget").spec.selector.matchLabels,
      find("NetworkPolicy").spec.podSelector.matchLabels,
    ]) {
      assert.deepEqual(selector, labels);
    }
    assert.equal(find("StatefulSet").spec.serviceName, "holdfast-replicas");
  });

  it("let out only to names, the stores and the upstreams' port, and never to the cluster or the metadata", () => {
    const { policyTypes, egress, ingress } = find("NetworkPolicy").spec;
    assert.deepEqual(policyTypes, ["Ingress", "Egress"]);
    const ports = (egress as Loose[]).flatMap((rule) => {
      assert.ok(rule.to.length > 0 && rule.ports.length > 0, "a rule without either would let everything out");
      return rule.ports.map((one: Loose) => `${one.protocol} ${one.port}`);
    });
    assert.deepEqual(ports, ["UDP 53", "TCP 53", "TCP 5432", "TCP 6379", "TCP 443"]);
    const blocks = (egress as Loose[]).flatMap((rule) => rule.to.flatMap((one: Loose) => one.ipBlock ?? []));
    assert.deepEqual(
      blocks.map((one: Loose) => one.cidr),
      ["0.0.0.0/0", "2000::/3"],
    );
    for (const closed of ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]) {
      assert.ok(blocks[0].except.includes(closed), closed);
    }
    assert.equal(ingress.length, 1);
    assert.ok(ingress[0].from.length > 0);
    assert.deepEqual(ingress[0].ports, [{ protocol: "TCP", port: 8787 }]);
  });
});
