// A thread of the pool: one call at a time, all in one instance of the card, which keeps nothing
// from one to the next. (A new one for each call would take far longer than a call.) What is no
// result of the card is a trap; it ends the thread, and with it the instance.

import { parentPort, workerData } from "node:worker_threads";

import { monotonicClock } from "@bytecodealliance/preview2-shim/clocks";
import { error, poll } from "@bytecodealliance/preview2-shim/io";

import { instantiate } from "../card/card.mjs";
import { counts, http } from "./http.mjs";

const { modules, allowedOrigins } = workerData;
const { profiles } = instantiate((name) => modules[name], {
  "wasi:clocks/monotonic-clock": monotonicClock,
  "wasi:io/error": error,
  "wasi:io/poll": poll,
  ...http(allowedOrigins),
});

function call({ connection, input }) {
  try {
    return { tag: "ok", val: profiles.createProfile(connection, input) };
  } catch (thrown) {
    // jco throws the error itself or as the payload of an Error, which depends on its version.
    const error = thrown?.payload ?? thrown;
    if (!(error instanceof Error) && typeof error?.tag === "string") {
      return { tag: "err", val: error };
    }
    throw thrown;
  }
}

parentPort.on("message", (message) =>
  parentPort.postMessage(message === "counts" ? counts() : call(message)),
);
