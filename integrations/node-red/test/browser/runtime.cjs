// A Node-RED on a free port of 127.0.0.1: `runtime.cjs USERDIR SETTINGS`, the latter as JSON. Prints its
// origin. Another version than the one that is installed, where NODE_RED names its main file.

const { createServer } = require("node:http");
const { createRequire } = require("node:module");

const runtime = process.env.NODE_RED ?? require.resolve("node-red");
const RED = require(runtime);
const express = createRequire(runtime)("express");

const { withUsers, ...settings } = JSON.parse(process.argv[3]);

/** Whoever has a bearer token may do what the token says. */
const adminAuth = {
  type: "credentials",
  users: async (username) => ({ username, permissions: username }),
  authenticate: async () => null,
  tokens: async (token) => ({ username: token, permissions: token }),
};

const app = express();
const server = createServer(app);
RED.init(server, {
  httpAdminRoot: "/",
  httpNodeRoot: "/",
  userDir: process.argv[2],
  flowFile: "flows.json",
  credentialSecret: "of the tests",
  // Nothing leaves the machine.
  telemetry: { enabled: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  editorTheme: { tours: false, projects: { enabled: false }, palette: { catalogues: [] } },
  logging: { console: { level: "warn" } },
  ...(withUsers && { adminAuth }),
  ...settings,
});
app.use("/", RED.httpAdmin);
app.use("/", RED.httpNode);
RED.start().then(() =>
  server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`)),
);
