// Figures of this package, all of one run: `npm run figures`. Needs `make component` and a build.
//
// `npm run figures -- --beside FOLDER` measures another version of this package in turn with this one:
// the folder `integrations/node-red` of a checkout that was built.
//
// Times depend on the machine, ratios less so: take those.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const folder = fileURLToPath(new URL("../", import.meta.url));
const { values } = parseArgs({ options: { beside: { type: "string" } } });

const LATE_MILLISECONDS = 100;
const RUNS = 3;

/** The profiles of a request: its body, or, of Mixpanel's library, its query. */
function idsOf(url, body) {
  const data = new URL(url, "http://localhost").searchParams.get("data");
  const updates = JSON.parse(data ? Buffer.from(data, "base64") : body);
  return [updates].flat().map(({ $distinct_id }) => $distinct_id);
}

/** Answers as Mixpanel does, so late, and counts. The stand-in does not take the library's GET. */
async function server(milliseconds) {
  const seen = [];
  const http = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    seen.push(idsOf(request.url, Buffer.concat(chunks)));
    const answer = () => response.end('{"error":null,"status":1}');
    if (milliseconds > 0) setTimeout(answer, milliseconds);
    else answer();
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { http, seen, origin: `http://127.0.0.1:${http.address().port}` };
}

/** One flow, in a process of its own. */
async function measure(what, threads) {
  const quick = await server(0);
  const late = await server(LATE_MILLISECONDS);
  const script = fileURLToPath(new URL("flow.cjs", import.meta.url));
  const args = [script, what, quick.origin, late.origin, ...(threads ? [threads] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  for (const { http } of [quick, late]) {
    http.close();
    http.closeAllConnections();
  }
  const thousand = late.seen.filter((ids) => ids[0].startsWith("late-"));
  return {
    ...JSON.parse(stdout),
    requests: thousand.length,
    profiles: new Set(thousand.flat()).size,
  };
}

/** Each figure by itself: the least of the runs, since other work of the machine only adds. */
function least(runs) {
  const of = (name) => Math.min(...runs.map((run) => run[name]));
  return Object.fromEntries(Object.keys(runs[0]).map((name) => [name, of(name)]));
}

const versions = [
  ["this package", folder],
  ["this package with one thread", folder, 1],
  ...(values.beside ? [[`the one in ${values.beside}`, values.beside]] : []),
  ["Mixpanel's Node library in a function node", "mixpanel"],
];
const runs = versions.map(() => []);
for (let run = 0; run < RUNS; run++) {
  for (const [index, [, what, threads]] of versions.entries()) {
    runs[index].push(await measure(what, threads));
  }
}
const figures = runs.map(least);
const [own] = figures;

for (const [index, [name]] of versions.entries()) {
  const { first, later, tenThousand, thousand, requests, profiles, failed } = figures[index];
  const { memory, memoryFirst, memoryAfter } = figures[index];
  const times = (own, other) => (index === 0 ? "" : ` (${(other / own).toFixed(1)} times as long)`);
  const megabytes = (bytes) => Math.round(bytes / 1e6);
  console.log(`${name}
  1,000 messages at once, answers after ${LATE_MILLISECONDS} ms: ${thousand.toFixed(2)} s${times(own.thousand, thousand)}, ${requests} requests, ${profiles} profiles
  10,000 messages at once, answers at once: ${Math.round(10_000 / tenThousand)} messages a second${times(own.tenThousand, tenThousand)}
  one message after the other: ${(later * 1000).toFixed(1)} ms each${times(own.later, later)}
  the first message: ${(first / later).toFixed(0)} times a later one
  memory of Node-RED: ${megabytes(memory)} MB at its start, ${megabytes(memoryFirst)} MB after the first message, ${megabytes(memoryAfter)} MB after 20,000 messages${failed > 0 ? `\n  messages that failed: ${failed}` : ""}
`);
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

const wasi = lines("lib/worker.mjs", "lib/http.mjs", "lib/io.mjs");
const pool = lines("lib/pool.js", "lib/lane.js", "lib/card.js");
const all = lines(...inFolder("lib", /js$/), ...inFolder("nodes", /\.js$/));
const form = lines("build.mjs", ...inFolder("editor", /\.(mjs|html)$/));
console.log(
  `lines of code: ${wasi + pool} of glue (${wasi} for WASI's HTTP and the thread, ${pool} for the pool and the call); ${all - wasi - pool} for the nodes, ${form} for the forms and the build`,
);
