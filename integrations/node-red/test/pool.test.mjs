// The pool of threads, and the card's HTTP in them, over real sockets.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { once } from "node:events";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { TOKEN, closedOrigin, connection, eventually, input, standIn } from "./support.mjs";

const require = createRequire(import.meta.url);
const { Pool } = require("../lib/pool.js");
const { CardError, createProfile } = require("../lib/card.js");

let mixpanel;
before(async () => (mixpanel = await standIn()));
after(() => mixpanel.stop());
beforeEach(() => mixpanel.setFaults());

const pools = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));
function newPool(options) {
  const pool = new Pool(options);
  pools.push(pool);
  return pool;
}

const call = (pool, id, more) => createProfile(pool, connection(mixpanel.origin, more), input(id));

/** The error of a call that must have one. */
async function failure(promise) {
  const error = await promise.then(
    (result) => assert.fail(`no error but ${JSON.stringify(result)}`),
    (error) => error,
  );
  assert.ok(error instanceof CardError, error);
  assert.ok(!error.message.includes(TOKEN), error.message);
  return error;
}

test("what the interface knows of a call", async () => {
  const pool = newPool();
  assert.deepEqual(await call(pool, "pool-1"), { statusCode: 200, reason: null });
  assert.ok(await mixpanel.profile("pool-1"));
  const invalid = await failure(call(pool, "anon"));
  assert.equal(invalid.code, "permanent-invalid-input");
  assert.match(invalid.message, /^Invalid input, nothing was sent: profile\.profile-id /);
});

describe("answers that break", () => {
  const lost = (words) => ({ code: "transport", words });
  const answered = (statusCode) => ({ statusCode });
  for (const [fault, expected] of [
    ["close", lost(/closed early/)],
    ["reset", lost(/closed early/)],
    ["garbage", lost(/not HTTP/)],
    ["endless-headers", lost(/not HTTP/)],
    ["cut-off", answered(502)],
    ["broken-chunk", answered(502)],
    ["short-length", answered(502)],
    [{ "long-body": { bytes: 10_000_000 } }, answered(502)],
    [{ answer: { status: 302, headers: [["Location", "/"]] } }, answered(302)],
    [{ interim: { status: 103 } }, answered(200)],
    [{ delay: { millis: 500 } }, answered(200)],
    ["close-after-answer", answered(200)],
  ]) {
    test(JSON.stringify(fault), async () => {
      const pool = newPool({ threads: 1 });
      await call(pool, "before");
      await mixpanel.setFaults({ fault });
      // Twice: over a connection that was kept, and over what the first one has left.
      for (let i = 0; i < 2; i++) {
        if (expected.code) {
          const error = await failure(call(pool, "broken"));
          assert.equal(error.code, expected.code);
          assert.match(error.message, expected.words);
        } else {
          assert.equal((await call(pool, "broken")).statusCode, expected.statusCode);
        }
      }
      await mixpanel.setFaults();
      assert.equal((await call(pool, "after")).statusCode, 200);
      assert.equal(pool.threads.length, 1, "no thread was lost");
    });
  }
});

test("a kept connection that the server has closed goes unnoticed", async () => {
  const pool = newPool({ threads: 1 });
  await mixpanel.setFaults({ fault: "close-after-answer" });
  for (let i = 0; i < 20; i++) assert.equal((await call(pool, `closed-${i}`)).statusCode, 200);
});

test("a closed port is refused", async () => {
  const error = await failure(
    createProfile(newPool(), connection(await closedOrigin()), input("refused")),
  );
  assert.equal(error.code, "transport");
  assert.match(error.message, /the connection was refused/);
});

test("a name that does not exist is looked up in vain", async () => {
  // RFC 6761: names under .invalid never have an address, so no server is asked in vain.
  const error = await failure(
    createProfile(newPool(), connection("http://card.invalid"), input("nowhere")),
  );
  assert.equal(error.code, "transport");
  assert.match(error.message, /name look-up/);
});

test("HTTP where HTTPS is spoken, and the other way round", async () => {
  const pool = newPool();
  const tls = await failure(
    createProfile(pool, connection(mixpanel.origin.replace("http:", "https:")), input("tls")),
  );
  assert.equal(tls.code, "transport");
  assert.match(tls.message, /TLS/);
  const secure = await standIn("--tls");
  try {
    const plain = await failure(
      createProfile(pool, connection(secure.origin.replace("https:", "http:")), input("plain")),
    );
    assert.equal(plain.code, "transport");
    // Its certificate is of an authority that nobody knows.
    const port = new URL(secure.origin).port;
    const unknown = await failure(
      createProfile(pool, connection(`https://127.0.0.1:${port}`), input("authority")),
    );
    assert.equal(unknown.code, "transport");
    assert.match(unknown.message, /TLS: the server's certificate/);
  } finally {
    secure.stop();
  }
});

test("a base URL may have an IPv6 address", async (t) => {
  const server = createHttpServer((request, response) => {
    request.resume();
    response.end('{"error":null,"status":1}');
  }).listen(0, "::1");
  const listening = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (!listening) return t.skip("this machine has no IPv6");
  const origin = `http://[::1]:${server.address().port}`;
  assert.deepEqual(await createProfile(newPool(), connection(origin), input("ipv6")), {
    statusCode: 200,
    reason: null,
  });
  server.close();
  server.closeAllConnections();
});

test("a megabyte is sent", async () => {
  const tags = Array.from({ length: 900 }, (_, i) => `${i}`.padEnd(250, "x"));
  const value = { tag: "text-list", val: tags };
  const dynamicFields = ["a", "b", "c", "d"].map((name) => ({ name, value }));
  const result = await createProfile(
    newPool(),
    connection(mixpanel.origin),
    input("large", { dynamicFields }),
  );
  assert.equal(result.statusCode, 200, result.reason);
  assert.equal((await mixpanel.profile("large")).$properties.d.length, 900);
});

test("origins that the operator does not allow are denied, without a connection", async () => {
  const before = (await mixpanel.requests()).length;
  const pool = newPool({ allowedOrigins: ["https://api-eu.mixpanel.com"] });
  const error = await failure(call(pool, "denied"));
  assert.equal(error.code, "permanent-denied");
  assert.match(error.message, /operator/);
  assert.equal((await mixpanel.requests()).length, before);
  assert.equal((await call(newPool({ allowedOrigins: [mixpanel.origin] }), "ok")).statusCode, 200);
});

test("connections are kept: as many as threads", async () => {
  const pool = newPool({ threads: 2 });
  const before = await mixpanel.requests();
  await Promise.all(Array.from({ length: 200 }, (_, i) => call(pool, `kept-${i}`)));
  const requests = (await mixpanel.requests()).slice(before.length);
  const posts = requests.filter(({ method }) => method === "POST");
  assert.equal(posts.length, 200);
  assert.equal(new Set(posts.map((request) => request.connection)).size, 2);
});

test("nothing is left behind by calls", async () => {
  const pool = newPool({ threads: 1 });
  await call(pool, "left-0");
  const before = await pool.counts();
  for (const fault of [
    "reset",
    "cut-off",
    "broken-chunk",
    { "long-body": { bytes: 1_000_000 } },
    null,
  ]) {
    await mixpanel.setFaults(...(fault ? [{ fault }] : []));
    for (let i = 0; i < 20; i++) await call(pool, "left").catch(() => {});
  }
  assert.deepEqual(await pool.counts(), before);
});

test("a thread that is killed: its call fails, the next has another", async () => {
  const pool = newPool({ threads: 1 });
  await mixpanel.setFaults({ fault: "hang" });
  const before = (await mixpanel.requests()).length;
  const lost = failure(call(pool, "killed"));
  const next = call(pool, "next");
  await eventually(async () => (await mixpanel.requests()).length > before);
  await mixpanel.setFaults();
  const [thread] = pool.threads;
  await thread.terminate();
  const error = await lost;
  assert.equal(error.code, "execution-failed");
  assert.equal(error.message, "the card failed (exit code 1); trying again is safe");
  assert.equal((await next).statusCode, 200);
  assert.notEqual(pool.threads[0], thread);
});

test("an instance that fails is replaced", async () => {
  const pool = newPool({ threads: 1 });
  await call(pool, "first");
  const [thread] = pool.threads;
  // No flow can hand over what the interface's types do not allow: only a fault of ours could.
  const error = await failure(createProfile(pool, connection(mixpanel.origin), {}));
  assert.equal(error.code, "execution-failed");
  assert.match(error.message, /^the card failed \(.+\); trying again is safe$/);
  assert.equal((await call(pool, "second")).statusCode, 200);
  assert.notEqual(pool.threads[0], thread);
});

test("a call without end is ended", async () => {
  await mixpanel.setFaults({ fault: "hang" });
  const pool = newPool({ threads: 1, callTimeoutMilliseconds: 1_500 });
  const error = await failure(call(pool, "endless"));
  assert.match(error.message, /no result within 1\.5 s/);
});

test("a connection is given up with its thread", async () => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const pool = newPool({ threads: 1 });
  const lost = failure(
    createProfile(pool, connection(`http://127.0.0.1:${server.address().port}`), input("gone")),
  );
  const [socket] = await once(server, "connection");
  socket.on("error", () => {});
  const closed = once(socket, "close");
  socket.resume();
  await pool.close();
  await lost;
  await closed;
  server.close();
});

test("calls beyond the limit are refused, those within it are made", async () => {
  await mixpanel.setFaults({ fault: "hang", times: 1 });
  const pool = newPool({ threads: 1, maxWaiting: 2 });
  const before = (await mixpanel.requests()).length;
  const first = call(pool, "one").catch(() => {});
  await eventually(async () => (await mixpanel.requests()).length > before);
  const waiting = [call(pool, "two"), call(pool, "three")];
  const error = await failure(call(pool, "four"));
  assert.equal(error.code, "execution-failed");
  assert.match(error.message, /^2 calls are waiting already, and nothing was sent: .*delay node/);
  await pool.threads[0].terminate();
  await first;
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ statusCode }) => statusCode),
    [200, 200],
  );
});

test("a pool that is closed says so", async () => {
  const pool = newPool();
  await call(pool, "open");
  await pool.closeWhenIdle();
  assert.equal(pool.threads.length, 0);
  assert.match((await failure(call(pool, "closed"))).message, /the flows were stopped/);
});

test("a hanging server: no answer after 30 seconds, and this thread answers all the while", async () => {
  await mixpanel.setFaults({ fault: "hang", "profile-id": "hanging" });
  const pool = newPool({ threads: 2 });
  const started = performance.now();
  let longest = 0;
  let last = started;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  const hanging = failure(call(pool, "hanging"));
  for (let i = 0; i < 10; i++) assert.equal((await call(pool, `beside-${i}`)).statusCode, 200);
  const error = await hanging;
  clearInterval(timer);
  assert.equal(error.code, "transport");
  assert.match(error.message, /no answer within 30 seconds/);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds >= 29.5 && seconds < 45, `${seconds} s`);
  assert.ok(longest < 5_000, `${longest} ms without a turn`);
});
