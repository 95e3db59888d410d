// A Node-RED on a free port of 127.0.0.1, with the user directory that is given. Prints its origin.

const express = require("express");
const { createServer } = require("node:http");
const RED = require("node-red");

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
});
app.use("/", RED.httpAdmin);
app.use("/", RED.httpNode);
RED.start().then(() =>
  server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`)),
);
