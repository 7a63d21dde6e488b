/**
 * `holdfast up`: starts everything, says in five lines what to do with it, and runs until it is told to stop.
 *
 * @module
 */

import type { CommandResult, CommandRun } from "../../core/index.ts";
import { Exit, type Style } from "../../core/index.ts";
import { loadConfig } from "../config/load.ts";
import { serverError } from "../errors.ts";
import { keyFile } from "../home.ts";
import type { Services } from "../services.ts";
import { FIRST_APP, startHoldfast, type Running } from "../up.ts";

/**
 * The first SIGTERM or SIGINT stops in order and exits 0; a second SIGINT exits 130 at once, which loses nothing that was
 * acknowledged. SIGHUP reads the configuration again; of a process that began at a terminal it says that the terminal is
 * gone, and stops it.
 */
export const runUp: CommandRun<Services> = async ({ services, options }) => {
  const workers = readWorkers(options["workers"]);
  const stop = watchSignals();
  try {
    const running = await startHoldfast(services, workers);
    let signal: NodeJS.Signals;
    try {
      stop.onHangUp(() => {
        // What went wrong is in the log, and what was in use stays so.
        running.reload().catch(() => undefined);
      });
      services.print(readyResult(running, services));
      signal = await stop.asked;
      services.log.info("stopping", { signal });
    } finally {
      await running.close();
    }
    return { data: { event: "stopped", signal }, text: () => `stopped on ${signal}` };
  } finally {
    stop.dispose();
  }
};

/** Processes of the gateway at most: each loads its own guards. */
const MOST_WORKERS = 64;

/** @throws `server.workers-invalid` */
function readWorkers(wanted: unknown): number {
  const text = typeof wanted === "string" ? wanted : "1";
  const workers = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  if (workers === 0 || workers > MOST_WORKERS) throw serverError("server.workers-invalid", { detail: text });
  return workers;
}

interface Signals {
  /** The first signal that asked for the end. */
  readonly asked: Promise<NodeJS.Signals>;
  /** What a SIGHUP does that asks for no end. Before it is set one does nothing: there is nothing yet to read again. */
  onHangUp(act: () => void): void;
  dispose(): void;
}

function watchSignals(): Signals {
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  let hangUp = (): void => undefined;
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let asked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP" && !atTerminal) {
      if (!asked) hangUp();
      return;
    }
    if (asked && signal === "SIGINT") process.exit(Exit.interrupted);
    asked = true;
    resolve(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    asked: promise,
    onHangUp: (act) => {
      hangUp = act;
    },
    dispose: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** What `up` prints once it serves. The first key is in it, and is printed nowhere else. */
function readyResult(running: Running, services: Services): CommandResult {
  const { gatewayUrl, adminUrl, upstreams, firstKey } = running;
  const { file, home } = loadConfig(services.source);
  const key = firstKey?.key.reveal();
  const tryIt = curl(running, key ?? "$HOLDFAST_KEY");
  return {
    data: {
      event: "ready",
      gateway: gatewayUrl,
      admin: adminUrl,
      adminTokenFile: keyFile(home, "admin.token"),
      config: file ?? null,
      data: home,
      upstreams: upstreams.map(({ name, protocol, models }) => ({ name, protocol, models })),
      ...(firstKey === undefined ? {} : { firstKey: { id: firstKey.id, app: FIRST_APP, key } }),
      try: tryIt,
    },
    text: (style) =>
      [
        `${style.bold("Holdfast is up")}: gateway ${gatewayUrl}, admin API ${adminUrl}`,
        `data    ${home} (state, ledger, keys); ` +
          (file === undefined
            ? "no configuration file, so the defaults hold: holdfast init writes one"
            : `set by ${file}`),
        `model   ${modelLine(running, style)}`,
        key === undefined
          ? "key     use one made before (holdfast key list), or make another: holdfast key create --app <name>"
          : `key     ${style.bold(key)} (app ${FIRST_APP}, shown only now; make another: holdfast key create --app <name>)`,
        `try     ${tryIt}`,
      ].join("\n"),
  };
}

function modelLine({ upstreams, discovered }: Running, style: Style): string {
  if (upstreams.length === 0) {
    return (
      `${style.yellow("none")}: protection works, but there is no model to talk to, so what is allowed ends with 503; ` +
      "set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, start a local model server, or name an upstream in holdfast.yaml"
    );
  }
  const names = upstreams.map(({ name, protocol }) => (name === protocol ? name : `${name} (${protocol})`));
  return `${names.join(", ")}${discovered ? ", found on this machine since no upstream is configured" : ""}`;
}

/** One request to try: a chat where a model is known by name, else the list of models. */
function curl({ gatewayUrl, upstreams }: Running, key: string): string {
  const head = `curl ${gatewayUrl}`;
  // Double quotes: the key is a shell variable where it is not known.
  const auth = `-H "authorization: Bearer ${key}"`;
  const named = upstreams.find(({ protocol, models }) => protocol === "openai" && isName(models[0]));
  if (named === undefined && upstreams.length > 0) return `${head}/v1/models ${auth}`;
  const body = JSON.stringify({ model: named?.models[0] ?? "any", messages: [{ role: "user", content: "Hello" }] });
  return `${head}/v1/chat/completions ${auth} -H "content-type: application/json" -d '${body}'`;
}

/** A whole name that needs no quoting in a shell, rather than a pattern. */
function isName(model: string | undefined): boolean {
  return model !== undefined && /^[\w.:/@-]+$/.test(model);
}
