// HTTPS, with a certificate of an authority that an operator adds.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { after, before, test } from "node:test";

import { connection, input } from "./support.mjs";

const require = createRequire(import.meta.url);
const { Pool } = require("../lib/pool.js");
const { createProfile } = require("../lib/card.js");

const folder = mkdtempSync(join(tmpdir(), "tls-"));
const certificate = join(folder, "certificate.pem");
const key = join(folder, "key.pem");

let server;
let connections = 0;
const requests = [];
before(async () => {
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"],
      ...["-keyout", key, "-out", certificate],
    ],
    { stdio: "pipe" },
  );
  server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  server.on("secureConnection", () => connections++);
  server.on("request", (request, response) => {
    requests.push(request.url);
    request.resume().on("end", () => response.end('{"error":null,"status":1}'));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

/** What three calls return, in a process of its own with this environment. */
async function threeCalls(environment) {
  const script = fileURLToPath(new URL("three-calls.mjs", import.meta.url));
  const origin = `https://127.0.0.1:${server.address().port}`;
  const { stdout } = await promisify(execFile)(process.execPath, [script, origin], {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout);
}

test("an authority of NODE_EXTRA_CA_CERTS is trusted, and the connection is kept", async () => {
  const results = await threeCalls({ NODE_EXTRA_CA_CERTS: certificate });
  assert.deepEqual(results, Array(3).fill({ statusCode: 200, reason: null }));
  assert.deepEqual(requests, Array(3).fill("/engage?ip=0&verbose=1&strict=1"));
  assert.equal(connections, 1);
});

test("any other is not, and nothing is sent", async () => {
  requests.length = 0;
  for (const { code, message } of await threeCalls({ NODE_EXTRA_CA_CERTS: "" })) {
    assert.equal(code, "transport");
    assert.match(message, /TLS: the server's certificate/);
  }
  assert.deepEqual(requests, []);
});

test("a handshake that is not answered is given up after 10 seconds", async () => {
  const silent = createTcpServer((socket) => socket.on("error", () => {}).resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const pool = new Pool({ threads: 1 });
  const origin = `https://127.0.0.1:${silent.address().port}`;
  const started = performance.now();
  await assert.rejects(createProfile(pool, connection(origin), input("silent")), {
    code: "transport",
    message: /no connection within 10 seconds/,
  });
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds >= 9.5 && seconds < 25, `${seconds} s`);
  await pool.close();
  silent.close();
});
