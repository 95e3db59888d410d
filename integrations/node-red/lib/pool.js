"use strict";

// Runs the card in threads, since a call of it blocks its thread until the answer is there.
//
// While a connection's threads are busy, its calls wait; the thread that becomes free takes all of
// them as one list. `lane.js` says which calls these are.
//
// A pool of our own: those on the registry let a call wait for ever whose thread has died.

const { readFile, readdir } = require("node:fs/promises");
const path = require("node:path");
const { Worker } = require("node:worker_threads");

const { Lane } = require("./lane.js");

const CARD = path.join(__dirname, "..", "card");

const DEFAULTS = {
  threads: 4,
  /**
   * How much may wait for a thread, of one connection that waits alone: a flow that is faster than
   * Mixpanel must learn of it. All connections together have less than twice as much.
   */
  maxWaiting: 10_000,
  maxWaitingBytes: 64_000_000,
  /** Longer than a call of one input: eleven tries of 70 s and ten waits of 65 s are 23 min 40 s. */
  callTimeoutMilliseconds: 30 * 60_000,
  /** The only origins that the card may call; where there is no list, Mixpanel's and the base URL. */
  allowedOrigins: undefined,
};

const MIXPANEL = [
  "https://api.mixpanel.com",
  "https://api-eu.mixpanel.com",
  "https://api-in.mixpanel.com",
  // Where a connection's token is checked.
  "https://mixpanel.com",
];

/** Of a thread: several times what the largest list needs. Its WebAssembly memory is not counted. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 };

/** There is no result of the card, for a reason that is not the card's. */
class PoolError extends Error {}

const STOPPED = "the flows were stopped, and nothing was sent; trying again is safe";
/** So many wait that another may not; of so many bytes, where it is for their size. */
const full = (calls, bytes) => {
  const what = bytes === undefined ? `${calls} calls` : `calls of ${Math.round(bytes / 1e6)} MB`;
  return `${what} are waiting already, and nothing was sent: let the flow hand over fewer at once, such as with a delay node`;
};

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
  /** By connection. One that has neither calls nor threads is not there. */
  #lanes = new Map();
  #sequence = 0;
  #idle = [];
  #busy = new Map();
  #starting = 0;
  #users = new Set();
  #unused = false;
  #closed = false;

  constructor(options = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** The threads that exist. */
  get threads() {
    return [...this.#idle, ...this.#busy.keys()];
  }

  /** Whether the card is kept from some of what its connections say. */
  get restricted() {
    return this.#options.allowedOrigins !== undefined;
  }

  /**
   * Creates a profile, or one of several in one call of the card.
   *
   * Resolves to `{tag: "ok", val: output}` or `{tag: "err", val: error}`, as the interface has
   * them; rejects with a `PoolError` where the card ends without a result.
   *
   * `messageBytes` is what is kept in memory beside the input for as long as the call waits.
   */
  createProfile(connection, input, user, messageBytes = 0) {
    const key = JSON.stringify(connection);
    const { profileId } = input.profile ?? {};
    const bytes = sizeOf(input);
    const memory = bytes + messageBytes;
    return this.#enter("createProfiles", key, {
      connection,
      input,
      profileId,
      user,
      bytes,
      memory,
    });
  }

  /** Asks whether the project token is right; the same kinds of result. */
  checkConnection(connection, user) {
    const key = `check ${JSON.stringify(connection)}`;
    return this.#enter("checkConnection", key, { connection, user, alone: true });
  }

  /** What the I/O thread of one of the threads holds; for tests. */
  counts() {
    return this.#enter("counts", "counts", { alone: true });
  }

  /** Counts a user, until it leaves: threads are kept for as long as there is one. */
  join(user) {
    this.#users.add(user);
    this.#unused = false;
  }

  /**
   * Refuses what waits of a user, and returns how many calls those are. What is under way ends by
   * itself: its profile is not lost.
   */
  leave(user, reason = STOPPED) {
    const refused = this.#refuse((call) => call.user === user, reason);
    if (this.#users.delete(user) && this.#users.size === 0) {
      this.#unused = true;
      for (const thread of this.#idle.splice(0)) thread.terminate();
    }
    return refused;
  }

  /** Ends all threads, and with them the calls that are not finished. */
  async close() {
    this.#closed = true;
    this.#refuse(() => true, STOPPED);
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }

  #enter(action, key, { memory = 0, ...call }) {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new PoolError(STOPPED));
      const lane = this.#lanes.get(key) ?? new Lane(key, action);
      const refusal = this.#goesAtOnce(lane, call) ? undefined : this.#fullFor(lane, memory);
      if (refusal) return reject(new PoolError(refusal));
      this.#lanes.set(key, lane);
      lane.add({ ...call, memory, sequence: this.#sequence++, resolve, reject });
      this.#next();
    });
  }

  /** Whether a thread is free for a call. */
  #goesAtOnce(lane, { profileId }) {
    const mayRun = lane.threads < this.#threadsEach && !lane.isUnderWay(profileId);
    return this.#idle.length > 0 && mayRun;
  }

  /**
   * Why a call may not wait, where it may not. A connection gets as much as is left for the others,
   * so that one whose server hangs does not fill what they need.
   */
  #fullFor(lane, memory) {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    let calls = 0;
    let bytes = 0;
    for (const { waiting, waitingBytes } of this.#lanes.values()) {
      calls += waiting;
      bytes += waitingBytes;
    }
    // Where nothing waits, one may, however large it is.
    if (calls === 0) return undefined;
    if (lane.waiting + 1 > 2 * maxWaiting - (calls + 1)) return full(calls);
    const isLarge = lane.waitingBytes + memory > 2 * maxWaitingBytes - (bytes + memory);
    return isLarge ? full(calls, bytes) : undefined;
  }

  /** Refuses waiting calls; how many. */
  #refuse(condition, reason) {
    let count = 0;
    for (const lane of this.#lanes.values()) {
      const calls = lane.remove(condition);
      for (const { reject } of calls) reject(new PoolError(reason));
      this.#tidy(lane);
      count += calls.length;
    }
    return count;
  }

  #tidy(lane) {
    if (lane.isEmpty) this.#lanes.delete(lane.key);
  }

  /** Of a connection: two, but not all there are, so that a server that hangs holds up no other. */
  get #threadsEach() {
    return Math.min(2, Math.max(1, this.#options.threads - 1));
  }

  /** Gives free threads what waits, the oldest first, and starts as many as are missing. */
  #next() {
    for (;;) {
      const lanes = [...this.#lanes.values()].filter((lane) => lane.threads < this.#threadsEach);
      const [lane] = lanes
        .filter((lane) => lane.first !== undefined)
        .sort((one, other) => one.first.sequence - other.first.sequence);
      if (!lane) return;
      if (this.#idle.length === 0) return this.#startFor(lanes);
      const calls = lane.take();
      // None where all of them wait for what is under way.
      if (calls.length === 0) continue;
      this.#run(this.#idle.pop(), lane, calls);
    }
  }

  #startFor(lanes) {
    const { threads } = this.#options;
    const wanted = lanes
      .map((lane) => Math.min(this.#threadsEach - lane.threads, lane.length))
      .reduce((sum, count) => sum + count, 0);
    const room = threads - this.#busy.size - this.#starting;
    for (let i = Math.min(room, wanted - this.#starting); i > 0; i--) this.#start();
  }

  async #start() {
    this.#starting++;
    try {
      const thread = new Worker(path.join(__dirname, "worker.mjs"), {
        workerData: { modules: await (compiled ??= modules()) },
        resourceLimits: RESOURCE_LIMITS,
        // Flags and variables of the process are none of the card's business.
        argv: [],
        env: {},
        execArgv: [],
      });
      thread.unref();
      thread.on("message", (results) => this.#finish(thread, results));
      thread.on("error", (error) => (thread.failure = error));
      thread.on("exit", (code) => this.#gone(thread, code));
      this.#idle.push(thread);
    } catch (error) {
      compiled = undefined;
      this.#refuse(() => true, `the card cannot be loaded: ${error.message}`);
    } finally {
      this.#starting--;
    }
    if (this.#closed) await this.close();
    else this.#next();
  }

  #run(thread, lane, calls) {
    const { callTimeoutMilliseconds, allowedOrigins } = this.#options;
    const job = { lane, calls };
    job.timer = setTimeout(() => {
      job.timedOut = true;
      thread.failure = new Error(`no result within ${callTimeoutMilliseconds / 1000} s`);
      thread.terminate();
    }, callTimeoutMilliseconds);
    this.#busy.set(thread, job);
    // The process stays for as long as a call is made.
    thread.ref();
    const { connection } = calls[0];
    thread.postMessage({
      action: lane.action,
      connection,
      inputs: calls.map(({ input }) => input),
      allowedOrigins: allowedOrigins ?? [...MIXPANEL, ...originOf(connection?.baseUrl)],
    });
  }

  /** What was under way on a thread is so no longer. */
  #end(thread) {
    const job = this.#busy.get(thread);
    if (!job) return undefined;
    clearTimeout(job.timer);
    this.#busy.delete(thread);
    job.lane.end(job.calls);
    return job;
  }

  #finish(thread, results) {
    const { lane, calls } = this.#end(thread);
    thread.unref();
    if (this.#unused) thread.terminate();
    else this.#idle.push(thread);
    calls.forEach(({ resolve }, index) => resolve(results[index]));
    this.#tidy(lane);
    this.#next();
  }

  #gone(thread, code) {
    this.#idle = this.#idle.filter((other) => other !== thread);
    const job = this.#end(thread);
    if (job) {
      const { lane, calls, timedOut } = job;
      const why = thread.failure?.message ?? `exit code ${code}`;
      if (calls.length > 1 && !timedOut && !this.#closed) {
        // Only the one that is to blame shall fail: each is made again, by itself.
        for (const call of calls) lane.add({ ...call, alone: true });
      } else {
        for (const { reject } of calls) {
          reject(
            new PoolError(
              this.#closed
                ? "the flows were stopped during the call; trying again is safe"
                : `the card failed (${why}); trying again is safe`,
            ),
          );
        }
      }
      this.#tidy(lane);
    }
    if (!this.#closed) this.#next();
  }
}

const originOf = (url) => (URL.canParse(url ?? "") ? [new URL(url).origin] : []);

/** How much an input is, roughly in bytes of JSON; each part counts, so that none is free. */
function sizeOf(value) {
  if (typeof value === "string") return Buffer.byteLength(value) + 8;
  if (typeof value !== "object" || value === null) return 8;
  let size = 8;
  for (const part of Object.values(value)) size += sizeOf(part);
  return size;
}

module.exports = { DEFAULTS, Pool, PoolError, full };
