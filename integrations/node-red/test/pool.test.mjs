// The pool of threads, and the card's HTTP in them, over real sockets.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { once } from "node:events";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { resultOf } from "../lib/result.mjs";
import { TOKEN, closedOrigin, connection, eventually, input, standIn } from "./support.mjs";

const require = createRequire(import.meta.url);
const { Pool } = require("../lib/pool.js");
const { CardError, checkConnection, createProfile } = require("../lib/card.js");

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

const postsSince = async (count) =>
  (await mixpanel.requests()).slice(count).filter(({ method }) => method === "POST");

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

describe("headers that are not ASCII do no harm", () => {
  /** A server that answers each request with this head, as bytes of Latin-1. */
  async function answering(head) {
    const body = '{"error":null,"status":1}';
    const server = createTcpServer((socket) => {
      let request = "";
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        request += bytes;
        if (!request.endsWith("}]")) return;
        request = "";
        socket.write(
          Buffer.from(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, "latin1"),
        );
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return { server, origin: `http://127.0.0.1:${server.address().port}` };
  }
  const utf8 = (text) => Buffer.from(text).toString("latin1");

  for (const [what, header] of [
    ["Latin-1", "X-Squid-Error: Verzögert"],
    ["UTF-8", utf8("X-Error: Verzögert")],
    ["an emoji", utf8("X-Mood: 🙂")],
    ["half of UTF-8", "X-Half: \xc3"],
    ["those of the connection", "Keep-Alive: timeout=5\r\nHost: ö"],
  ]) {
    test(what, async () => {
      const { server, origin } = await answering(`HTTP/1.1 200 OK\r\n${header}`);
      const pool = newPool({ threads: 1 });
      const made = (id) => createProfile(pool, connection(origin), input(id));
      await made("before");
      const before = await pool.counts();
      const [thread] = pool.threads;
      const calls = Array.from({ length: 20 }, (_, i) => made(`header-${i}`));
      for (const { statusCode } of await Promise.all(calls)) assert.equal(statusCode, 200);
      assert.deepEqual(await pool.counts(), before);
      assert.deepEqual(pool.threads, [thread]);
      await pool.close();
      server.close();
    });
  }

  test("the card reads them as far as they can be carried", async () => {
    for (const [location, words] of [
      ["/verzögert", "/verzögert"],
      [utf8("/verzögert"), "/verzögert"],
      [utf8("/🙂"), "/?"],
    ]) {
      const { server, origin } = await answering(`HTTP/1.1 302 Found\r\nLocation: ${location}`);
      const pool = newPool({ threads: 1 });
      const { statusCode, reason } = await createProfile(pool, connection(origin), input("moved"));
      assert.equal(statusCode, 302);
      assert.ok(reason.includes(words), reason);
      await pool.close();
      server.close();
    }
  });
});

test("an answer that switches to another protocol is an answer, at once", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const pool = newPool({ threads: 1 });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const started = performance.now();
  const result = await createProfile(pool, connection(origin), input("switch"));
  assert.deepEqual(result, { statusCode: 101, reason: "Switching Protocols" });
  assert.ok(performance.now() - started < 15_000);
  server.close();
});

test("only an error of the interface is a result: anything else that is thrown is a trap", () => {
  const thrownBy = (thrown) =>
    resultOf(() => {
      throw thrown;
    });
  for (const error of [
    { tag: "permanent-invalid-input", val: [{ field: "a", reason: "b" }] },
    { tag: "permanent-denied", val: "by the operator" },
    { tag: "transport", val: "closed" },
    { tag: "execution-failed" },
  ]) {
    assert.deepEqual(thrownBy(error), { tag: "err", val: error });
    const wrapped = Object.assign(new Error("of jco"), { payload: error });
    assert.deepEqual(thrownBy(wrapped), { tag: "err", val: error });
  }
  for (const thrown of [
    { tag: "invalid-syntax" },
    { tag: "transport" },
    { tag: "permanent-invalid-input", val: "a text" },
    { tag: "constructor" },
    new WebAssembly.RuntimeError("unreachable"),
    null,
    undefined,
  ]) {
    assert.throws(
      () => thrownBy(thrown),
      (error) => error === thrown,
    );
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
  assert.match(error.message, /settings\.js, mixpanelCreateProfileAllowedOrigins/);
  assert.equal((await mixpanel.requests()).length, before);
  assert.equal((await call(newPool({ allowedOrigins: [mixpanel.origin] }), "ok")).statusCode, 200);
});

test("connections are kept: as many as threads", async () => {
  const pool = newPool({ threads: 3 });
  const before = (await mixpanel.requests()).length;
  await Promise.all(Array.from({ length: 200 }, (_, i) => call(pool, `kept-${i}`)));
  for (let i = 0; i < 20; i++) await call(pool, `kept-alone-${i}`);
  const posts = await postsSince(before);
  assert.ok(posts.length >= 21);
  assert.ok(new Set(posts.map((request) => request.connection)).size <= 2);
});

describe("calls that wait are made together", () => {
  /** Holds the first request up until all calls are there. */
  async function crowd(pool, count, idOf = (i) => `crowd-${i}`, more = () => ({})) {
    await mixpanel.setFaults({ fault: { delay: { millis: 500 } } });
    const before = (await mixpanel.requests()).length;
    const first = call(pool, "crowd-first");
    await eventually(async () => (await mixpanel.requests()).length > before);
    const calls = Array.from({ length: count }, (_, i) => call(pool, idOf(i), more(i)));
    const results = await Promise.allSettled([first, ...calls]);
    return { results, posts: await postsSince(before) };
  }

  test("in their order, in few requests, each with its own result", async () => {
    const pool = newPool({ threads: 1 });
    const { results, posts } = await crowd(pool, 3_000, (i) => (i === 7 ? "anon" : `crowd-${i}`));
    const [wrong] = results.splice(8, 1);
    assert.equal(wrong.reason.code, "permanent-invalid-input");
    assert.match(wrong.reason.message, /profile\.profile-id/);
    for (const { value } of results) assert.deepEqual(value, { statusCode: 200, reason: null });
    const sent = posts.map(({ body }) => JSON.parse(body).map((update) => update.$distinct_id));
    assert.deepEqual(
      sent.map(({ length }) => length),
      [1, 1_999, 1_000],
    );
    const ids = Array.from({ length: 3_000 }, (_, i) => `crowd-${i}`);
    ids.splice(7, 1);
    assert.deepEqual(sent.flat(), ["crowd-first", ...ids]);
  });

  test("a status code that is not 2xx, and an error, are each call's own", async () => {
    const pool = newPool({ threads: 1 });
    const body = '{"error":"as Mixpanel says","status":0}';
    await mixpanel.setFaults({ fault: "hang" });
    const before = (await mixpanel.requests()).length;
    const first = call(pool, "refused-first").catch(() => {});
    await eventually(async () => (await mixpanel.requests()).length > before);
    const refused = Array.from({ length: 3 }, (_, i) => call(pool, `refused-${i}`));
    await mixpanel.setFaults({ fault: { answer: { status: 401, body } } });
    // The thread is lost with its call; the next one takes those that wait.
    await pool.threads[0].terminate();
    await first;
    for (const { statusCode, reason } of await Promise.all(refused)) {
      assert.equal(statusCode, 401);
      assert.match(reason, /as Mixpanel says/);
    }
    const { results } = await crowd(pool, 3, undefined, () => ({ baseUrl: "ftp://x.example" }));
    for (const { reason } of results.slice(1)) {
      assert.equal(reason.code, "permanent-invalid-input");
      assert.match(reason.message, /connection\.base-url/);
    }
  });

  test("only those of one connection", async () => {
    const pool = newPool({ threads: 1 });
    const { posts } = await crowd(
      pool,
      20,
      (i) => `pair-${i}`,
      (i) => ({ projectToken: i % 2 === 0 ? TOKEN : "another-token" }),
    );
    const tokens = posts.map(({ body }) => [...new Set(JSON.parse(body).map((one) => one.$token))]);
    assert.deepEqual(tokens, [[TOKEN], [TOKEN], ["another-token"]]);
  });

  test("no more than 4 MB at once, however many parts that is: a thread has the memory", async () => {
    const long = { tag: "text", val: "x".repeat(200) };
    const short = { tag: "boolean", val: true };
    for (const [count, value] of [
      [1_000, long],
      [1_900, short],
    ]) {
      const pool = newPool({ threads: 1 });
      await call(pool, "warm");
      const dynamicFields = Array.from({ length: count }, (_, i) => ({ name: `${i}`, value }));
      await mixpanel.setFaults({ fault: { delay: { millis: 500 } }, times: 1 });
      const before = (await mixpanel.requests()).length;
      const calls = Array.from({ length: 61 }, (_, i) =>
        createProfile(pool, connection(mixpanel.origin), input(`big-${i}`, { dynamicFields })),
      );
      for (const { statusCode } of await Promise.all(calls)) assert.equal(statusCode, 200);
      const posts = await postsSince(before);
      assert.ok(posts.length > 2, `${posts.length}`);
      for (const { body } of posts) assert.ok(body.length <= 2_000_000, `${body.length}`);
      const { maxOldGenerationSizeMb } = pool.threads[0].resourceLimits;
      assert.ok(maxOldGenerationSizeMb <= 64);
    }
  });

  test("a call that finds a thread free goes at once, alone", async () => {
    const pool = newPool({ threads: 3 });
    await Promise.all([call(pool, "warm-1"), call(pool, "warm-2")]);
    await eventually(() => pool.threads.length === 2);
    await mixpanel.setFaults({ fault: { delay: { millis: 300 } } });
    const before = (await mixpanel.requests()).length;
    await Promise.all(["one", "two", "three", "four"].map((id) => call(pool, `free-${id}`)));
    const sizes = (await postsSince(before)).map(({ body }) => JSON.parse(body).length);
    assert.deepEqual(sizes, [1, 1, 2]);
  });
});

describe("calls of one profile never overtake each other", () => {
  test("the first value of a property wins, whatever thread is free", async () => {
    const pool = newPool({ threads: 3 });
    const value = (id, name) =>
      createProfile(pool, connection(mixpanel.origin), input(id, { name }));
    await Promise.all([value("warm-1", "x"), value("warm-2", "x")]);
    // The first request of each profile is late: what overtook it would win.
    for (let round = 0; round < 5; round++) {
      const id = `order-${round}`;
      await mixpanel.setFaults({ fault: { delay: { millis: 300 } }, "profile-id": id, times: 1 });
      const calls = [value(id, "first")];
      for (let i = 0; i < 20; i++) {
        calls.push(value(`beside-${round}-${i}`, "x"), value(id, `later-${i}`));
        if (i % 5 === 0) await value(`turn-${round}-${i}`, "x");
      }
      await Promise.all(calls);
      assert.equal((await mixpanel.profile(id)).$properties.$name, "first");
    }
  });

  test("a call waits for its profile alone: others pass", async () => {
    const pool = newPool({ threads: 3 });
    await Promise.all([call(pool, "warm-1"), call(pool, "warm-2")]);
    await mixpanel.setFaults({
      fault: { delay: { millis: 2_000 } },
      "profile-id": "slow",
      times: 1,
    });
    const order = [];
    const slow = ["a", "b"].map((name) =>
      call(pool, "slow").then(() => order.push(`slow-${name}`)),
    );
    const quick = call(pool, "quick").then(() => order.push("quick"));
    await Promise.all([...slow, quick]);
    assert.deepEqual(order, ["quick", "slow-a", "slow-b"]);
  });
});

test("a connection that is never answered does not hold up another", async () => {
  for (const threads of [2, 4]) {
    await mixpanel.setFaults();
    const silent = createTcpServer((socket) => socket.on("error", () => {}).resume());
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const pool = newPool({ threads });
    const origin = `http://127.0.0.1:${silent.address().port}`;
    const hanging = Array.from({ length: 500 }, (_, i) =>
      createProfile(pool, connection(origin), input(`hanging-${i}`)).catch(({ code }) => code),
    );
    const started = performance.now();
    for (let i = 0; i < 20; i++) assert.equal((await call(pool, `other-${i}`)).statusCode, 200);
    assert.ok(performance.now() - started < 20_000);
    await pool.close();
    assert.deepEqual(new Set(await Promise.all(hanging)), new Set(["execution-failed"]));
    silent.close();
  }
});

describe("what waits of one connection leaves room for others", () => {
  /** A pool whose calls to a server that never answers wait, behind those that are under way. */
  async function crowded(t, options, count, messageBytes) {
    const silent = createTcpServer((socket) => socket.on("error", () => {}).resume());
    let connections = 0;
    silent.on("connection", () => connections++);
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    t.after(() => silent.close());
    const pool = newPool(options);
    const to = connection(`http://127.0.0.1:${silent.address().port}`);
    const reasons = [];
    const hang = (id) =>
      pool
        .createProfile(to, input(id), undefined, messageBytes)
        .catch(({ message }) => reasons.push(message));
    for (let i = 0; i < 2; i++) {
      hang(`under-way-${i}`);
      await eventually(() => connections > i);
    }
    for (let i = 0; i < count; i++) hang(`hanging-${i}`);
    // A turn of the event loop: what is refused is so by then.
    await new Promise(setImmediate);
    return { pool, reasons };
  }

  test("by number, and a check of the connection is made, too", async (t) => {
    const { pool, reasons } = await crowded(t, undefined, 14_400);
    assert.equal(reasons.length, 14_400 - 10_000);
    assert.match(reasons[0], /^10000 calls are waiting already, and nothing was sent/);
    assert.equal((await call(pool, "beside")).statusCode, 200);
    const { verdict } = await checkConnection(pool, connection(mixpanel.origin), {});
    assert.equal(verdict, "invalid");
    const crowd = Array.from({ length: 1_000 }, (_, i) => call(pool, `beside-${i}`));
    for (const { statusCode } of await Promise.all(crowd)) assert.equal(statusCode, 200);
  });

  test("by bytes, of the messages as well", async (t) => {
    const { pool, reasons } = await crowded(t, undefined, 400, 2_700_000);
    assert.equal(reasons.length, 400 - Math.floor(64 / 2.7));
    assert.match(reasons[0], /^calls of 62 MB are waiting already, and nothing was sent/);
    assert.equal((await call(pool, "beside")).statusCode, 200);
  });

  test("all together wait less than twice as much as one", async (t) => {
    const { pool } = await crowded(t, { threads: 3, maxWaiting: 100 }, 101);
    await call(pool, "warm");
    await mixpanel.setFaults({ fault: "hang" });
    let waiting = 100;
    for (let i = 0; i < 5; i++) {
      const calls = Array.from({ length: 100 }, (_, j) =>
        call(pool, `other-${i}-${j}`, { projectToken: `token-${i}` }).catch(
          ({ message }) => message,
        ),
      );
      const refused = (
        await Promise.all(calls.map((made) => Promise.race([made, new Promise(setImmediate)])))
      ).filter((message) => /waiting already/.test(message));
      assert.ok(refused.length < 100, "each gets some room");
      waiting += 100 - refused.length;
    }
    assert.ok(waiting > 150 && waiting <= 200, `${waiting}`);
  });

  test("one that finds a thread free does not wait, however large it is", async (t) => {
    const { pool } = await crowded(t, { maxWaitingBytes: 1_000_000 }, 1_000, 10_000);
    await call(pool, "beside");
    await eventually(() => pool.threads.length > 2);
    const large = pool.createProfile(connection(mixpanel.origin), input("large"), {}, 5_000_000);
    assert.equal((await large).val.statusCode, 200);
  });
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
  await eventually(async () => (await mixpanel.requests()).length > before);
  const next = call(pool, "next");
  await mixpanel.setFaults();
  const [thread] = pool.threads;
  await thread.terminate();
  const error = await lost;
  assert.equal(error.code, "execution-failed");
  assert.equal(error.message, "the card failed (exit code 1); trying again is safe");
  assert.equal((await next).statusCode, 200);
  assert.notEqual(pool.threads[0], thread);
});

test("a thread that is killed with several calls: each is made again, by itself", async () => {
  const pool = newPool({ threads: 1 });
  await call(pool, "before");
  await mixpanel.setFaults({ fault: "hang" });
  const before = (await mixpanel.requests()).length;
  const first = call(pool, "killed-first").catch(() => {});
  await eventually(async () => (await mixpanel.requests()).length > before);
  const calls = Array.from({ length: 5 }, (_, i) => call(pool, `killed-${i % 4}`));
  await pool.threads[0].terminate();
  await first;
  await eventually(async () => (await mixpanel.requests()).length > before + 1);
  await mixpanel.setFaults();
  await pool.threads[0].terminate();
  for (const { statusCode } of await Promise.all(calls)) assert.equal(statusCode, 200);
  const ids = (await postsSince(before)).map(({ body }) =>
    JSON.parse(body).map((update) => update.$distinct_id),
  );
  const killed = [0, 1, 2, 3, 0].map((i) => `killed-${i}`);
  assert.deepEqual(ids, [["killed-first"], killed, ...killed.map((id) => [id])]);
});

test("an input that makes the card fail takes no other with it", async () => {
  const pool = newPool({ threads: 1 });
  await call(pool, "before");
  await mixpanel.setFaults({ fault: { delay: { millis: 300 } }, times: 1 });
  const first = call(pool, "culprit-first");
  // No flow can hand over what the interface's types do not allow: only a fault of ours could.
  const culprit = failure(createProfile(pool, connection(mixpanel.origin), { profile: {} }));
  const others = Array.from({ length: 4 }, (_, i) => call(pool, `beside-culprit-${i}`));
  assert.equal((await first).statusCode, 200);
  const error = await culprit;
  assert.equal(error.code, "execution-failed");
  assert.match(error.message, /^the card failed \(.+\); trying again is safe$/);
  for (const { statusCode } of await Promise.all(others)) assert.equal(statusCode, 200);
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

test("calls beyond a number of bytes are refused, those within it are made", async () => {
  await mixpanel.setFaults({ fault: { delay: { millis: 500 } }, times: 1 });
  const pool = newPool({ threads: 1, maxWaitingBytes: 1_000_000 });
  const name = "x".repeat(200);
  const wide = (id) =>
    createProfile(
      pool,
      connection(mixpanel.origin),
      input(id, {
        dynamicFields: Array.from({ length: 1_000 }, (_, i) => ({
          name: `${i}`,
          value: { tag: "text", val: name },
        })),
      }),
    );
  const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => wide(`wide-${i}`)));
  const made = results.filter(({ value }) => value?.statusCode === 200);
  const refused = results.filter(({ reason }) => reason);
  assert.ok(made.length >= 3 && made.length < 6, `${made.length}`);
  for (const { reason } of refused) {
    assert.equal(reason.code, "execution-failed");
    assert.match(
      reason.message,
      /^calls of 1 MB are waiting already, and nothing was sent: .*delay/,
    );
  }
  assert.equal((await wide("wide-after")).statusCode, 200);
});

test("a check asks by itself, and waits no longer than its user", async () => {
  const pool = newPool({ threads: 1 });
  const to = connection(mixpanel.origin);
  const { verdict } = await checkConnection(pool, to, {});
  assert.equal(verdict, "invalid");
  await mixpanel.setFaults({ fault: "hang" });
  const before = (await mixpanel.requests()).length;
  const lost = call(pool, "before-check").catch(() => {});
  await eventually(async () => (await mixpanel.requests()).length > before);
  const user = {};
  const check = failure(checkConnection(pool, to, user));
  pool.leave(user, "all threads are busy");
  assert.equal((await check).message, "all threads are busy");
  await pool.close();
  await lost;
});

test("what waits of a user that leaves is refused, what is under way ends", async () => {
  await mixpanel.setFaults({ fault: { delay: { millis: 1_000 } }, times: 1 });
  const pool = newPool({ threads: 1 });
  const [one, other] = [{}, {}];
  const made = (user, id) => createProfile(pool, connection(mixpanel.origin), input(id), user);
  pool.join(one);
  pool.join(other);
  const before = (await mixpanel.requests()).length;
  const first = made(one, "leave-first");
  await eventually(async () => (await mixpanel.requests()).length > before);
  const waiting = Array.from({ length: 2_000 }, (_, i) => made(one, `leave-${i % 100}`));
  const same = made(one, "leave-first");
  const others = made(other, "leave-other");
  // All are refused in one turn: each must have its handler by then.
  const refused = [...waiting, same].map(failure);
  pool.leave(one);
  for (const error of await Promise.all(refused)) {
    assert.match(error.message, /the flows were stopped, and nothing was sent/);
  }
  assert.equal((await first).statusCode, 200);
  assert.equal((await others).statusCode, 200);
  assert.equal(await mixpanel.profile("leave-0"), undefined);
  assert.equal(pool.threads.length, 1);
  pool.leave(other);
  assert.equal(pool.threads.length, 0, "threads are kept for users only");
  pool.join(one);
  assert.equal((await made(one, "leave-again")).statusCode, 200);
});

test("a pool that is closed says so", async () => {
  const pool = newPool();
  await call(pool, "open");
  await pool.close();
  assert.equal(pool.threads.length, 0);
  assert.match((await failure(call(pool, "closed"))).message, /the flows were stopped/);
});

test("a hanging server: no answer after 30 seconds, and this thread answers all the while", async () => {
  await mixpanel.setFaults({ fault: "hang", "profile-id": "hanging" });
  const pool = newPool({ threads: 3 });
  const started = performance.now();
  let longest = 0;
  let last = started;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  const before = (await mixpanel.requests()).length;
  const hanging = failure(call(pool, "hanging"));
  await eventually(async () => (await mixpanel.requests()).length > before);
  for (let i = 0; i < 10; i++) assert.equal((await call(pool, `beside-${i}`)).statusCode, 200);
  const error = await hanging;
  clearInterval(timer);
  assert.equal(error.code, "transport");
  assert.match(error.message, /no (answer|response) within 30 seconds/);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds >= 29.5 && seconds < 45, `${seconds} s`);
  assert.ok(longest < 5_000, `${longest} ms without a turn`);
});
