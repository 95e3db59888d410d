"use strict";

// How much memory a message takes: for as long as it waits, all of it is kept.

const { types } = require("node:util");

const { isPlain } = require("./values.js");

/** What each value takes beside what it holds, roughly: so none is free. */
const PART_BYTES = 16;

/** Node-RED's own, of an `http in`: they lead to its server, and all messages share that. */
const SHARED = ["req", "res"];

/**
 * Roughly in bytes: texts, Buffers, and what plain objects, arrays, Maps and Sets hold. Ends where it
 * is more than `max`. Neither a getter nor a Proxy's trap is run, and no depth is too deep.
 */
function messageSize(msg, max) {
  const seen = new Set();
  const left = [msg];
  let size = 0;
  while (left.length > 0 && size <= max) {
    const value = left.pop();
    size += PART_BYTES;
    if (typeof value === "string") size += Buffer.byteLength(value);
    if (typeof value !== "object" || value === null || types.isProxy(value)) continue;
    if (seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) size += value.byteLength;
    else if (types.isMap(value)) {
      Map.prototype.forEach.call(value, (one, key) => left.push(key, one));
    } else if (types.isSet(value)) {
      Set.prototype.forEach.call(value, (one) => left.push(one));
    } else if (Array.isArray(value) || isPlain(value)) {
      for (const name of Object.keys(value)) {
        if (value === msg && SHARED.includes(name)) continue;
        size += name.length;
        left.push(Object.getOwnPropertyDescriptor(value, name).value);
      }
    }
  }
  return size;
}

module.exports = { messageSize };
