// A thread of the pool: one call at a time, all in one instance of the card, which keeps nothing
// from one to the next. (A new one for each call would take far longer than a call.) What is no
// result of the card is a trap; it ends the thread, and with it the instance.

import { parentPort, workerData } from "node:worker_threads";

import { monotonicClock } from "@bytecodealliance/preview2-shim/clocks";
import { error, poll } from "@bytecodealliance/preview2-shim/io";

import { instantiate } from "../card/card.mjs";
import { counts, http } from "./http.mjs";
import { resultOf } from "./result.mjs";

/** Of the call that is made. */
let allowed = [];

const { connections, profiles } = instantiate((name) => workerData.modules[name], {
  "wasi:clocks/monotonic-clock": monotonicClock,
  "wasi:io/error": error,
  "wasi:io/poll": poll,
  ...http((origin) => allowed.includes(origin)),
});

/** Each returns a result for each input. */
const actions = {
  createProfiles({ connection, inputs }) {
    if (inputs.length === 1) {
      return [resultOf(() => profiles.createProfile(connection, inputs[0]))];
    }
    const results = resultOf(() => profiles.createProfiles(connection, inputs));
    return results.tag === "ok" ? results.val : inputs.map(() => results);
  },
  checkConnection: ({ connection }) => [resultOf(() => connections.checkConnection(connection))],
  counts: () => [counts()],
};

parentPort.on("message", (call) => {
  allowed = call.allowedOrigins;
  parentPort.postMessage(actions[call.action](call));
});
