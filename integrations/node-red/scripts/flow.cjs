// A Node-RED of its own, measured: `flow.cjs WHAT QUICK LATE [THREADS]`, where QUICK and LATE are the
// origins of two servers, of which the second answers late. Prints JSON.
//
// WHAT is the folder of a version of this package, or `mixpanel`: Mixpanel's Node library, called
// in a function node as its documentation has it.

const { createServer } = require("node:http");
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { setTimeout: wait } = require("node:timers/promises");

const express = require("express");
const RED = require("node-red");

const TOKEN = "project-token-of-the-figures";

const [what, quick, late, threads] = process.argv.slice(2);
const isLibrary = what === "mixpanel";

function library(origin) {
  const { hostname: host, port } = new URL(origin);
  return require("mixpanel").init(TOKEN, { host, port, protocol: "http", verbose: true });
}

/** The nodes that create profiles at an origin, and send messages to "out". */
function flow(id, origin) {
  if (isLibrary) {
    const func = `
      const properties = { $name: msg.payload.name };
      global.get("${id}").people.set_once(msg.payload.id, properties, (error) => {
        msg.statusCode = error ? 500 : 200;
        node.send(msg);
        node.done();
      });`;
    return [{ id, z: "tab", type: "function", func, outputs: 1, wires: [["out"]] }];
  }
  const connection = `connection-${id}`;
  return [
    {
      id: connection,
      type: "mixpanel-connection",
      region: "standard",
      baseUrl: origin,
      maxRetries: "0",
    },
    {
      id,
      z: "tab",
      type: "mixpanel-create-profile",
      connection,
      profileProfileId: "payload.id",
      profileProfileIdType: "msg",
      propertiesName: "payload.name",
      propertiesNameType: "msg",
      wires: [["out"]],
    },
  ];
}

const userDir = mkdtempSync(path.join(tmpdir(), "figures-"));
process.on("exit", () => rmSync(userDir, { recursive: true }));
const write = (name, value) => writeFileSync(path.join(userDir, name), JSON.stringify(value));
write("flows.json", [
  { id: "tab", type: "tab", label: "figures" },
  ...flow("quick", quick),
  ...flow("late", late),
  { id: "catch", z: "tab", x: 0, y: 0, type: "catch", scope: null, wires: [["out"]] },
  { id: "out", z: "tab", type: "function", func: 'global.get("out")(msg);', outputs: 0, wires: [] },
]);
const credentials = { projectToken: TOKEN };
write("flows_cred.json", { "connection-quick": credentials, "connection-late": credentials });

let arrived;
/** Messages without a 200: Mixpanel's library opens a connection for each. */
let failed = 0;
const app = express();
const server = createServer(app);
RED.init(server, {
  httpAdminRoot: "/",
  userDir,
  flowFile: "flows.json",
  credentialSecret: false,
  nodesDir: isLibrary ? undefined : path.resolve(what, "nodes"),
  functionGlobalContext: {
    out: (msg) => arrived(msg),
    quick: library(quick),
    late: library(late),
  },
  mixpanelCreateProfileThreads: threads && Number(threads),
  telemetry: { enabled: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  logging: { console: { level: "error" } },
});

/** Hands messages to a node, as fast as one before it would; seconds until all have come out. */
function send(node, count, prefix) {
  return new Promise((resolve) => {
    const start = performance.now();
    let left = count;
    arrived = ({ statusCode }) => {
      if (statusCode !== 200) failed++;
      if (--left === 0) resolve((performance.now() - start) / 1000);
    };
    for (let i = 0; i < count; i++) {
      node.receive({ payload: { id: `${prefix}-${i}`, name: "Ada Lovelace" } });
    }
  });
}

async function oneByOne(node, count, prefix) {
  let seconds = 0;
  for (let i = 0; i < count; i++) seconds += await send(node, 1, `${prefix}-${i}`);
  return seconds / count;
}

async function measure() {
  const results = {};
  const quickNode = RED.nodes.getNode("quick");
  results.memory = process.memoryUsage().rss;
  results.first = await send(quickNode, 1, "first");
  results.memoryFirst = process.memoryUsage().rss;
  await oneByOne(quickNode, 500, "warm");
  results.later = await oneByOne(quickNode, 1_000, "later");
  results.tenThousand = await send(quickNode, 10_000, "many");
  await send(quickNode, 10_000, "more");
  await wait(1_000);
  results.memoryAfter = process.memoryUsage().rss;

  const lateNode = RED.nodes.getNode("late");
  await send(lateNode, 1, "warm");
  results.thousand = await send(lateNode, 1_000, "late");
  return { ...results, failed };
}

const started = new Promise((resolve) => RED.events.once("flows:started", resolve));
RED.start()
  .then(() => started)
  .then(measure)
  .then(
    (results) => {
      console.log(JSON.stringify(results));
      process.exit(0);
    },
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
