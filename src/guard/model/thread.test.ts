import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it, mock, type TestContext } from "node:test";
import type { Worker } from "node:worker_threads";
import { createGate, inside, type Gate } from "../../core/index.ts";
import type { Answer, Question } from "./protocol.ts";
import { createThread, MAX_ENDS, type ModelThread, type ThreadOptions } from "./thread.ts";

/** A thread that does what the test says. */
class FakeWorker extends EventEmitter {
  readonly asked: Question[] = [];
  held = true;
  terminated = false;

  postMessage(question: Question): void {
    this.asked.push(question);
  }
  ref(): void {
    this.held = true;
  }
  unref(): void {
    this.held = false;
  }
  terminate(): Promise<number> {
    this.terminated = true;
    this.emit("exit", 1);
    return Promise.resolve(1);
  }
  say(answer: Answer): void {
    this.emit("message", answer);
  }
  /** Answers the oldest question that has none yet with the length of its text. */
  answer(): void {
    const { call, text } = this.asked.shift() as Question;
    this.say({ call, logits: Float32Array.of(text.length) });
  }
}

function make(options: Partial<ThreadOptions> = {}): { thread: ModelThread; workers: FakeWorker[] } {
  const workers: FakeWorker[] = [];
  const start = (): Worker => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as unknown as Worker;
  };
  return { thread: createThread({ start, maxWaiting: 8, timeoutMs: 60_000, restMs: 60_000, ...options }), workers };
}

const timers = (context: TestContext): void => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
};

describe("the classifier's thread", () => {
  it("starts with the first call, answers each with its own, and holds the process only meanwhile", async () => {
    const { thread, workers } = make();
    assert.equal(workers.length, 0);
    const answers = Promise.all(["a", "bb", "ccc"].map((text) => thread.ask(text)));
    const [worker] = workers as [FakeWorker];
    // The one at work, and the next.
    assert.deepEqual(
      worker.asked.map(({ text }) => text),
      ["a", "bb"],
    );
    assert.equal(worker.held, true);
    worker.answer();
    worker.answer();
    worker.answer();
    assert.deepEqual(
      (await answers).map(([length]) => length),
      [1, 2, 3],
    );
    assert.equal(worker.held, false);
    assert.equal(workers.length, 1);
  });

  it("passes on an error by its name, and goes on", async () => {
    const { thread, workers } = make();
    const failing = thread.ask("a");
    const fine = thread.ask("bb");
    const [worker] = workers as [FakeWorker];
    worker.say({ call: 1, fault: { code: "guard.model-overload", detail: "too many" } });
    worker.asked.shift();
    worker.answer();
    await assert.rejects(failing, { code: "guard.model-overload", detail: "too many" });
    assert.equal((await fine)[0], 2);
  });

  it("takes one text up to its limit, and none over it", async () => {
    const { thread, workers } = make({ maxWaiting: 3 });
    const taken = [thread.ask("a"), thread.ask("b"), thread.ask("c")];
    await assert.rejects(thread.ask("d"), { code: "guard.model-busy" });
    const [worker] = workers as [FakeWorker];
    worker.answer();
    await taken[0];
    const later = thread.ask("ee");
    for (let left = 3; left > 0; left--) worker.answer();
    assert.equal((await later)[0], 2);
  });

  it("lets a text that waits too long go, and keeps the others", async (context) => {
    timers(context);
    const { thread, workers } = make({ timeoutMs: 1000 });
    const [first, second, third] = [thread.ask("a"), thread.ask("b"), thread.ask("c")];
    const [worker] = workers as [FakeWorker];
    const late = Promise.all([second, third].map((call) => assert.rejects(call, { code: "guard.model-timeout" })));
    mock.timers.tick(999);
    worker.answer();
    assert.equal((await first)[0], 1);
    mock.timers.tick(1);
    await late;
    // The thread did answer within its time, so it is still the same one.
    assert.equal(worker.terminated, false);
    const next = thread.ask("next");
    worker.answer();
    worker.answer();
    worker.answer();
    assert.equal((await next)[0], 4);
  });

  it("ends a thread that says nothing, and starts another", async (context) => {
    timers(context);
    const { thread, workers } = make({ timeoutMs: 1000 });
    const lost = assert.rejects(thread.ask("a"), { code: "guard.model-timeout" });
    mock.timers.tick(1000);
    const next = thread.ask("bb");
    // No other one before this one is gone.
    assert.equal(workers.length, 1);
    await lost;
    await new Promise(setImmediate);
    assert.equal(workers[0]?.terminated, true);
    assert.equal(workers.length, 2);
    workers[1]?.answer();
    assert.equal((await next)[0], 2);
  });

  it("rejects what an ending thread was at, and gives the rest to the next", async () => {
    const { thread, workers } = make();
    const [first, second, third] = [thread.ask("a"), thread.ask("bb"), thread.ask("ccc")];
    const lost = Promise.all([first, second].map((call) => assert.rejects(call, { code: "guard.model-crashed" })));
    workers[0]?.emit("error", new Error("out of memory"));
    workers[0]?.emit("exit", 1);
    await lost;
    assert.equal(workers.length, 2);
    workers[1]?.answer();
    assert.equal((await third)?.[0], 3);
  });

  it("leaves a thread alone that ends again and again, for a while", async () => {
    let { thread, workers } = make();
    const end = async (): Promise<void> => {
      const lost = assert.rejects(thread.ask("a"), { code: "guard.model-crashed" });
      workers.at(-1)?.emit("exit", 1);
      await lost;
    };
    for (let ends = 0; ends < MAX_ENDS; ends++) await end();
    await assert.rejects(thread.ask("a"), { code: "guard.model-crashed" });
    assert.equal(workers.length, MAX_ENDS);

    // With no rest, the next call starts one; an answer clears the count.
    ({ thread, workers } = make({ restMs: -1 }));
    for (let ends = 0; ends < MAX_ENDS; ends++) await end();
    const answer = thread.ask("bb");
    workers.at(-1)?.answer();
    assert.equal((await answer)[0], 2);
    await end();
    assert.equal(workers.length, MAX_ENDS + 1);
  });

  it("rejects everything, then and later, when the thread says that it never will answer", async () => {
    const { thread, workers } = make();
    const calls = ["a", "b", "c"].map((text) =>
      assert.rejects(thread.ask(text), { code: "guard.model-runtime-missing" }),
    );
    workers[0]?.say({ broken: { code: "guard.model-runtime-missing" } });
    workers[0]?.emit("exit", 0);
    await Promise.all(calls);
    await assert.rejects(thread.ask("d"), {
      code: "guard.model-runtime-missing",
      hint: "npm install onnxruntime-node",
    });
    assert.equal(workers.length, 1);
  });

  it("rejects when no thread may be started", async () => {
    const start = (): Worker => {
      throw new Error("Access to this API has been restricted");
    };
    const { thread } = make({ start });
    await assert.rejects(thread.ask("a"), { code: "guard.model-crashed" });
    await assert.rejects(thread.ask("a"), { code: "guard.model-crashed" });
  });

  it("ends no thread in the middle of native code", async () => {
    let gate = createGate();
    const worker = new FakeWorker();
    const start = (own: Gate): Worker => {
      gate = own;
      return worker as unknown as Worker;
    };
    const { thread } = make({ start });
    const lost = assert.rejects(thread.ask("a"), { code: "guard.model-closed" });
    const work = Promise.withResolvers<number>();
    const native = inside(gate, () => work.promise);
    const closing = thread.close();
    await lost;
    await new Promise(setImmediate);
    assert.equal(worker.terminated, false);
    assert.equal(worker.held, true);
    work.resolve(1);
    assert.equal(await native, 1);
    await closing;
    assert.equal(worker.terminated, true);
    assert.equal(await inside(gate, () => Promise.resolve(1)), undefined);
  });

  it("rejects what is under way when it is closed, and everything after", async () => {
    const { thread, workers } = make();
    const calls = ["a", "b", "c"].map((text) => assert.rejects(thread.ask(text), { code: "guard.model-closed" }));
    await thread.close();
    await Promise.all(calls);
    assert.equal(workers[0]?.terminated, true);
    await assert.rejects(thread.ask("d"), { code: "guard.model-closed" });
    await thread.close();
  });
});
