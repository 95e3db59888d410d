"use strict";

// Runs the card in threads, since a call of it blocks its thread until the answer is there.
//
// A pool of our own: those on the registry let a call wait for ever whose thread has died.

const { readFile, readdir } = require("node:fs/promises");
const path = require("node:path");
const { Worker } = require("node:worker_threads");

const CARD = path.join(__dirname, "..", "card");

const DEFAULTS = {
  threads: 4,
  /** How many calls may wait for a thread: a flow that is faster than Mixpanel must learn of it. */
  maxWaiting: 10_000,
  /** Longer than any call: eleven tries of 70 s and ten waits of 65 s are 23 min 40 s at most. */
  callTimeoutMilliseconds: 30 * 60_000,
  /** The only origins that the card may call; all where there is no list. */
  allowedOrigins: undefined,
};

/** There is no result of the card, for a reason that is not the card's. */
class PoolError extends Error {}

const STOPPED = "the flows were stopped, and nothing was sent; trying again is safe";

/** The card's core modules, compiled once: threads share the code. */
let compiled;
async function modules() {
  const names = (await readdir(CARD)).filter((name) => name.endsWith(".wasm"));
  const pairs = names.map(async (name) => [
    name,
    await WebAssembly.compile(await readFile(path.join(CARD, name))),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

class Pool {
  #options;
  #waiting = [];
  #idle = [];
  #busy = new Map();
  #starting = 0;
  #closed = false;
  #closesWhenIdle = false;

  constructor(options = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** How many calls are made or wait. */
  get calls() {
    return this.#busy.size + this.#waiting.length;
  }

  /** The threads that exist. */
  get threads() {
    return [...this.#idle, ...this.#busy.keys()];
  }

  /**
   * One call of the card.
   *
   * Resolves to `{tag: "ok", val: output}` or `{tag: "err", val: error}`, as the interface has
   * them; rejects with a `PoolError` where the card ends without a result.
   */
  call(connection, input) {
    return this.post({ connection, input });
  }

  /** What the I/O thread of one of the threads holds; for tests. */
  counts() {
    return this.post("counts");
  }

  post(message) {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#closesWhenIdle) return reject(new PoolError(STOPPED));
      if (this.#waiting.length >= this.#options.maxWaiting) {
        return reject(
          new PoolError(
            `${this.#options.maxWaiting} calls are waiting already, and nothing was sent: let the flow hand over fewer at once, such as with a delay node`,
          ),
        );
      }
      this.#waiting.push({ message, resolve, reject });
      this.#next();
    });
  }

  /** Ends all threads, and with them the calls that are not finished. */
  async close() {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new PoolError(STOPPED));
    }
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }

  /** Takes no new calls, and ends the threads when those that were taken are finished. */
  async closeWhenIdle() {
    this.#closesWhenIdle = true;
    if (this.calls === 0) await this.close();
  }

  #next() {
    if (this.#closesWhenIdle && this.calls === 0) return void this.close();
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop();
      if (!thread) break;
      this.#run(thread, this.#waiting.shift());
    }
    const { size } = this.#busy;
    const room = this.#options.threads - size - this.#idle.length - this.#starting;
    for (let i = Math.min(room, this.#waiting.length - this.#starting); i > 0; i--) this.#start();
  }

  async #start() {
    this.#starting++;
    try {
      const thread = new Worker(path.join(__dirname, "worker.mjs"), {
        workerData: {
          modules: await (compiled ??= modules()),
          allowedOrigins: this.#options.allowedOrigins,
        },
        // Flags and variables of the process are none of the card's business.
        argv: [],
        env: {},
        execArgv: [],
      });
      thread.unref();
      thread.on("message", (result) => this.#finish(thread, result));
      thread.on("error", (error) => (thread.failure = error));
      thread.on("exit", (code) => this.#gone(thread, code));
      this.#idle.push(thread);
    } catch (error) {
      compiled = undefined;
      this.#waiting.shift()?.reject(new PoolError(`the card cannot be loaded: ${error.message}`));
    } finally {
      this.#starting--;
    }
    if (this.#closed) await this.close();
    else this.#next();
  }

  #run(thread, call) {
    const { callTimeoutMilliseconds } = this.#options;
    const timer = setTimeout(() => {
      thread.failure = new Error(`no result within ${callTimeoutMilliseconds / 1000} s`);
      thread.terminate();
    }, callTimeoutMilliseconds);
    this.#busy.set(thread, { ...call, timer });
    // The process stays for as long as a call is made.
    thread.ref();
    thread.postMessage(call.message);
  }

  #finish(thread, result) {
    const { resolve, timer } = this.#busy.get(thread);
    clearTimeout(timer);
    this.#busy.delete(thread);
    thread.unref();
    this.#idle.push(thread);
    resolve(result);
    this.#next();
  }

  #gone(thread, code) {
    const call = this.#busy.get(thread);
    this.#busy.delete(thread);
    this.#idle = this.#idle.filter((other) => other !== thread);
    if (call) {
      clearTimeout(call.timer);
      const why = thread.failure?.message ?? `exit code ${code}`;
      call.reject(
        new PoolError(
          this.#closed
            ? "the flows were stopped during the call; trying again is safe"
            : `the card failed (${why}); trying again is safe`,
        ),
      );
    }
    if (!this.#closed) this.#next();
  }
}

module.exports = { DEFAULTS, Pool, PoolError };
