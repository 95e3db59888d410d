"use strict";

// The calls of one connection that wait for a thread, and the profiles that are under way.
//
// Mixpanel keeps the first value of a property that reaches it. So calls of one profile never
// overtake each other: those of a profile that is under way wait for its end.

/** What one request of Mixpanel's takes, and what a thread's memory holds. */
const MAX_CALLS = 2_000;
const MAX_BYTES = 4_000_000;

class Lane {
  /** How many threads work for this connection. */
  threads = 0;
  /** Calls in their order, of any profile. */
  #ready = [];
  /** Calls whose profile is under way, by its id. Every id that is under way is there. */
  #held = new Map();
  /** How many calls wait, and how many bytes of memory they take. */
  waiting = 0;
  waitingBytes = 0;

  constructor(key, action) {
    this.key = key;
    this.action = action;
  }

  /** The call that has waited longest, of those that a thread may take; some may have to wait on. */
  get first() {
    return this.#ready[0];
  }

  /** How many calls a thread may take, at most. */
  get length() {
    return this.#ready.length;
  }

  get isEmpty() {
    return this.threads === 0 && this.waiting === 0;
  }

  /** Whether calls of this profile have to wait for one that is under way. */
  isUnderWay(profileId) {
    return this.#held.has(profileId);
  }

  add(call) {
    this.#count([call], 1);
    if (!this.#hold(call)) insert(this.#ready, [call]);
  }

  /** The calls for a thread, which are then under way: all that fit into one list. */
  take() {
    const calls = [];
    const own = new Set();
    let bytes = 0;
    let at = 0;
    for (; at < this.#ready.length; at++) {
      const call = this.#ready[at];
      // Several calls of one profile are fine in one list, which keeps their order.
      if (!own.has(call.profileId) && this.#hold(call)) continue;
      const full = calls.length >= MAX_CALLS || bytes + call.bytes > MAX_BYTES;
      if (calls.length > 0 && (full || call.alone || calls[0].alone)) break;
      calls.push(call);
      bytes += call.bytes;
      if (call.profileId === undefined) continue;
      own.add(call.profileId);
      if (!this.#held.has(call.profileId)) this.#held.set(call.profileId, []);
    }
    this.#ready.splice(0, at);
    this.#count(calls, -1);
    if (calls.length > 0) this.threads++;
    return calls;
  }

  /** The end of calls that `take` gave: what had to wait for them may go. */
  end(calls) {
    this.threads--;
    const released = [];
    for (const { profileId } of calls) {
      released.push(...(this.#held.get(profileId) ?? []));
      this.#held.delete(profileId);
    }
    insert(this.#ready, released);
  }

  /** Takes out waiting calls that will not be made. */
  remove(condition) {
    const removed = [];
    const keep = (call) => (condition(call) ? (removed.push(call), false) : true);
    this.#ready = this.#ready.filter(keep);
    for (const [id, calls] of this.#held) this.#held.set(id, calls.filter(keep));
    this.#count(removed, -1);
    return removed;
  }

  /** Whether the call has to wait for one of the same profile. */
  #hold(call) {
    const held = this.#held.get(call.profileId);
    if (!held) return false;
    held.push(call);
    return true;
  }

  #count(calls, sign) {
    for (const { memory } of calls) {
      this.waiting += sign;
      this.waitingBytes += sign * memory;
    }
  }
}

/** Adds calls where their turn is. */
function insert(ready, calls) {
  const isLast = (ready.at(-1)?.sequence ?? -1) < (calls[0]?.sequence ?? 0);
  ready.push(...calls);
  if (!isLast || calls.length > 1) ready.sort((one, other) => one.sequence - other.sequence);
}

module.exports = { Lane };
