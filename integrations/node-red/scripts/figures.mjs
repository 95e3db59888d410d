// Figures of this package, all of one run: `npm run figures`. Needs `make component` and a build.
//
// Times depend on the machine, ratios less so: take those.

import { readFileSync, readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";

import { connection, folder, input, standIn } from "../test/support.mjs";

const require = createRequire(import.meta.url);
const { Pool } = require("../lib/pool.js");
const { createProfile } = require("../lib/card.js");

const AT_ONCE = 64;
const CALLS = 3_000;
const THREADS = 4;

const mixpanel = await standIn("--no-record");
const agent = new Agent({ keepAlive: true });

/** The time that `action` takes, in milliseconds. */
async function time(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** Milliseconds a call: `count` calls, `atOnce` under way at any time. */
async function each(count, atOnce, call) {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  return (await time(() => Promise.all(Array.from({ length: atOnce }, worker)))) / count;
}

/** The same request without the card. */
function bare(i) {
  const update = { $token: "t", $distinct_id: `bare-${i}`, $ip: "0", $set_once: { $name: "Ada" } };
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const url = `${mixpanel.origin}/engage?ip=0&verbose=1&strict=1`;
    request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("end", resolve).on("error", reject);
    })
      .on("error", reject)
      .end(JSON.stringify([update]));
  });
}

async function card(pool, i) {
  const { statusCode, reason } = await createProfile(
    pool,
    connection(mixpanel.origin),
    input(`card-${i}`, { name: "Ada" }),
  );
  if (statusCode !== 200) throw new Error(`${statusCode}: ${reason}`);
}

/** Lines that are neither blank nor a comment. */
function lines(...names) {
  const code = (line) => line.trim() !== "" && !/^\s*(\/\/|\/?\*)/.test(line);
  return names.flatMap((name) => readFileSync(`${folder}${name}`, "utf8").split("\n")).filter(code)
    .length;
}
const inFolder = (name, end) =>
  readdirSync(`${folder}${name}`)
    .filter((file) => end.test(file))
    .map((file) => `${name}/${file}`);

const single = new Pool({ threads: 1 });
const first = await time(() => card(single, "first"));
await each(500, 1, (i) => card(single, i));
const later = await each(1_000, 1, (i) => card(single, i));
await each(500, 1, bare);
const bareLater = await each(1_000, 1, bare);
await single.close();

const memory = process.memoryUsage().rss;
const pool = new Pool({ threads: THREADS });
await each(500, AT_ONCE, (i) => card(pool, i));
const together = await each(CALLS, AT_ONCE, (i) => card(pool, i));
const perThread = (process.memoryUsage().rss - memory) / THREADS / 1e6;
await pool.close();

const wasi = lines("lib/worker.mjs", "lib/http.mjs", "lib/io.mjs");
const rest = lines("lib/pool.js", "lib/card.js");
const nodes = lines("lib/input.js", "lib/settings.js", ...inFolder("nodes", /\.js$/));
const form = lines("build.mjs", ...inFolder("editor", /\.(mjs|html)$/));

const ratio = (a, b) => (a / b).toFixed(1);
console.log(`first call (a thread starts, the card is compiled): ${ratio(first, later)} times a later one
later call, one after the other: ${ratio(later, bareLater)} times the same POST by node:http
${AT_ONCE} at once on ${THREADS} threads: ${Math.round(1000 / together)} calls a second, ${ratio(later, together)} times those of one after the other
memory: ${Math.round(perThread)} MB a thread, after ${CALLS} calls
lines of code: ${wasi + rest} of glue (${wasi} for WASI's HTTP and the thread, ${rest} for the pool and the call); ${nodes} for the nodes, ${form} for the forms and the build`);

agent.destroy();
mixpanel.stop();
