// The two nodes in Node-RED's runtime, by its own test helper; the card and the sockets are real.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import fc from "fast-check";

import { TOKEN, closedOrigin, eventually, standIn } from "./support.mjs";

const require = createRequire(import.meta.url);
const helper = require("node-red-node-test-helper");
const connectionNode = require("../nodes/connection.js");
const createProfileNode = require("../nodes/create-profile.js");
const { sharedPool } = require("../lib/card.js");

// Another version than the one that is installed, where the environment names its main file.
const runtime = process.env.NODE_RED ?? require.resolve("node-red");
helper.init(runtime, { telemetry: { enabled: false } });

const tests = {};
let mixpanel;
before(async () => {
  mixpanel = await standIn();
  // Threads stay from one test to the next.
  sharedPool().join(tests);
  await new Promise((resolve) => helper.startServer(resolve));
});
after(async () => {
  await new Promise((resolve) => helper.stopServer(resolve));
  mixpanel.stop();
});
beforeEach(() => mixpanel.setFaults());
afterEach(() => helper.unload());

/** A flow of one node, with all that it gives. */
async function flow(
  fields = {},
  { connection = {}, credentials = { projectToken: TOKEN }, more = [] } = {},
) {
  const nodes = [
    { id: "tab", type: "tab", label: "flow", env: [{ name: "PLAN", value: "pro", type: "str" }] },
    {
      id: "connection",
      type: "mixpanel-connection",
      region: "standard",
      baseUrl: mixpanel.origin,
      maxRetries: "0",
      ...connection,
    },
    {
      id: "card",
      z: "tab",
      type: "mixpanel-create-profile",
      connection: "connection",
      profileProfileId: "payload.id",
      profileProfileIdType: "msg",
      ...fields,
      wires: [["out"]],
    },
    { id: "out", z: "tab", type: "helper" },
    { id: "catcher", z: "tab", x: 0, y: 0, type: "catch", scope: null, wires: [["caught"]] },
    { id: "caught", z: "tab", type: "helper" },
    ...more,
  ];
  await helper.load([connectionNode, createProfileNode], nodes, { connection: credentials });
  const card = helper.getNode("card");
  const statuses = [];
  card.on("call:status", ({ args: [status] }) => statuses.push(status));
  const results = new EventEmitter();
  helper.getNode("out").on("input", (out) => results.emit("result", { out }));
  helper.getNode("caught").on("input", (caught) => results.emit("result", { caught }));
  return {
    card,
    statuses,
    /** What comes out for a message, or arrives at the Catch node. */
    async run(msg) {
      const result = once(results, "result");
      card.receive(msg);
      return (await result)[0];
    },
  };
}

test("a message becomes a profile, and a status code", async () => {
  const { run, statuses } = await flow({
    propertiesName: "Ada",
    propertiesNameType: "str",
    propertiesEmail: "payload.email",
    propertiesEmailType: "msg",
  });
  const { out } = await run({ payload: { id: "user-1", email: "ada@example.com" }, topic: "kept" });
  assert.deepEqual(out.payload, { statusCode: 200, reason: null });
  assert.equal(out.statusCode, 200);
  assert.equal(out.topic, "kept");
  const { $properties } = await mixpanel.profile("user-1");
  assert.deepEqual($properties, { $name: "Ada", $email: "ada@example.com" });
  await eventually(() => statuses.at(-1)?.fill === "green");
  assert.deepEqual(statuses.at(-1), { fill: "green", shape: "dot", text: "200" });
});

test("the status says so while a message is sent", async () => {
  const { run, statuses } = await flow();
  await mixpanel.setFaults({ fault: { delay: { millis: 1_000 } } });
  await run({ payload: { id: "user-slow" } });
  await eventually(() => statuses.length > 1);
  assert.deepEqual(statuses, [
    { fill: "blue", shape: "dot", text: "sending" },
    { fill: "green", shape: "dot", text: "200" },
  ]);
});

test("each kind of typed input is read", async () => {
  process.env.CARD_TEST_PHONE = "+441234567890";
  const { card, run } = await flow({
    propertiesName: "name.first",
    propertiesNameType: "flow",
    propertiesFirstName: "first",
    propertiesFirstNameType: "global",
    propertiesLastName: "$uppercase(payload.last)",
    propertiesLastNameType: "jsonata",
    propertiesPhone: "CARD_TEST_PHONE",
    propertiesPhoneType: "env",
    propertiesCustomProperties: '{"plan": "free"}',
    propertiesCustomPropertiesType: "json",
    profileTime: "",
    profileTimeType: "now",
    propertiesCreated: "payload.created",
    propertiesCreatedType: "msg",
  });
  card.context().flow.set("name", { first: "Countess" });
  card.context().global.set("first", "Ada");
  const started = Math.floor(Date.now() / 1000);
  const { out, caught } = await run({
    payload: { id: "user-2", last: "Lovelace", created: new Date("2021-01-20T09:35:08-08:00") },
  });
  delete process.env.CARD_TEST_PHONE;
  assert.equal(out?.statusCode, 200, JSON.stringify(out?.payload ?? caught));
  const { $properties } = await mixpanel.profile("user-2");
  assert.deepEqual($properties, {
    $name: "Countess",
    $first_name: "Ada",
    $last_name: "LOVELACE",
    $phone: "+441234567890",
    $created: "2021-01-20T17:35:08",
    plan: "free",
  });
  const request = (await mixpanel.requests()).at(-1);
  const { $time } = JSON.parse(request.body)[0];
  assert.ok($time >= started && $time <= started + 60, $time);
});

test("dynamic fields are handed over with their types, in their order", async () => {
  const row = (name, kind, type, value) => ({ name, kind, type, value });
  const { run } = await flow({
    propertiesDynamicFields: [
      row("plan", "text", "env", "PLAN"),
      row("visits", "number", "num", "3"),
      row("score", "number", "msg", "payload.score"),
      row("trial", "boolean", "bool", "false"),
      row("seen", "date-time", "str", "1611164108"),
      row("tags", "text-list", "json", '["a","b"]'),
      row("groups", "text-list", "jsonata", "payload.groups.name"),
      row("missing", "text", "msg", "payload.not.there"),
    ],
  });
  const { out, caught } = await run({
    payload: { id: "user-3", score: "4.5", groups: [{ name: "x" }, { name: "y" }] },
  });
  assert.equal(out?.statusCode, 200, JSON.stringify(out?.payload ?? caught));
  const { body } = (await mixpanel.requests()).at(-1);
  assert.equal(
    JSON.stringify(JSON.parse(body)[0].$set_once),
    '{"plan":"pro","visits":3,"score":4.5,"trial":false,"seen":"2021-01-20T17:35:08","tags":["a","b"],"groups":["x","y"]}',
  );
});

test("invalid input goes to a Catch node with every field, and nothing is sent", async () => {
  const { run, statuses } = await flow({
    profileIpAddress: "localhost",
    profileIpAddressType: "str",
    propertiesCustomProperties: "[1]",
    propertiesCustomPropertiesType: "json",
  });
  const before = (await mixpanel.requests()).length;
  const { caught } = await run({ payload: {} });
  assert.equal(caught.error.code, "permanent-invalid-input");
  assert.deepEqual(
    caught.error.cause.map(({ field }) => field),
    ["profile.profile-id", "profile.ip-address", "properties.custom-properties"],
  );
  for (const { field, reason } of caught.error.cause) {
    assert.ok(caught.error.message.includes(`${field} ${reason}`), caught.error.message);
  }
  assert.equal(caught.error.source.id, "card");
  assert.deepEqual(caught.payload, {}, "the message is the one that came in");
  assert.equal((await mixpanel.requests()).length, before);
  await eventually(() => statuses.at(-1)?.fill === "red");
  assert.match(statuses.at(-1).text, /^invalid input: profile\.profile-id, profile\.ip-address/);
});

test("where nothing is sent, one status says so", async () => {
  const { run, statuses } = await flow();
  const before = (await mixpanel.requests()).length;
  for (const id of [NaN, new Map(), []]) {
    const seen = statuses.length;
    await run({ payload: { id } });
    await eventually(() => statuses.length > seen);
  }
  const text = "invalid input: profile.profile-id";
  assert.deepEqual(statuses, Array(3).fill({ fill: "red", shape: "ring", text }));
  assert.equal((await mixpanel.requests()).length, before);
});

test("values that cannot be read are named, all at once", async () => {
  const row = (name, kind, type, value) => ({ name, kind, type, value });
  const { run } = await flow({
    propertiesName: "payload.object",
    propertiesNameType: "msg",
    propertiesEmail: "$error('no email')",
    propertiesEmailType: "jsonata",
    propertiesPhone: "(",
    propertiesPhoneType: "jsonata",
    propertiesDynamicFields: [
      row("score", "number", "str", "many"),
      row("trial", "boolean", "msg", "payload.id"),
      row("tags", "text-list", "json", "{not json"),
      row("", "number", "str", "few"),
    ],
  });
  const { caught } = await run({ payload: { id: "user-4", object: { a: 1 } } });
  assert.deepEqual(
    caught.error.cause.map(({ field }) => field),
    [
      "properties.name",
      "properties.email",
      "properties.phone",
      "properties.dynamic-fields.score",
      "properties.dynamic-fields.trial",
      "properties.dynamic-fields.tags",
      "properties.dynamic-fields[3]",
    ],
  );
  assert.match(caught.error.message, /no email/);
  assert.match(caught.error.message, /properties\.phone has an expression that is not valid/);
  assert.equal(await mixpanel.profile("user-4"), undefined);
});

test("an expression that fails is named, and its values are not", async () => {
  for (const expression of [
    "$number(payload.secret)",
    "payload.secret + 1",
    "$fromMillis(payload.secret)",
    "$eval(payload.secret)",
    "payload.secret()",
  ]) {
    const { run } = await flow({
      propertiesName: expression,
      propertiesNameType: "jsonata",
      propertiesCustomProperties: "payload.secret",
      propertiesCustomPropertiesType: "msg",
    });
    const { caught } = await run({ payload: { id: "user-4", secret: "ada@example.com" } });
    assert.match(
      caught.error.message,
      /properties\.name has an expression that failed \(JSONata's [A-Z]\d+, at character \d+\)/,
    );
    assert.ok(!JSON.stringify(caught.error).includes("ada@"), caught.error.message);
    await helper.unload();
  }
});

describe("nothing that a message holds ends Node-RED", () => {
  const deep = () => Array.from({ length: 20_000 }).reduce((inner) => [inner], "x");
  const custom = {
    propertiesCustomProperties: "payload.c",
    propertiesCustomPropertiesType: "msg",
  };

  test("20,000 nested arrays, where they are not wanted: a Catch node can answer", async () => {
    const { run } = await flow(custom);
    const [req, res] = [{ of: "http in" }, { of: "http in" }];
    const { caught } = await run({ payload: { id: "deep-1", c: deep() }, req, res });
    assert.equal(caught.error.code, "permanent-invalid-input");
    assert.deepEqual(
      caught.error.cause.map(({ field }) => field),
      ["properties.custom-properties"],
    );
    assert.deepEqual([caught.req, caught.res], [req, res]);
    assert.equal((await run({ payload: { id: "deep-2", c: { a: "b" } } })).out.statusCode, 200);
  });

  test("20,000 nested arrays, where nobody looks", async () => {
    // With a second wire and a Complete node, which Node-RED copies the message for.
    const { run } = await flow(
      { wires: [["out", "second"]] },
      {
        more: [
          { id: "second", z: "tab", type: "helper" },
          {
            id: "complete",
            z: "tab",
            x: 0,
            y: 0,
            type: "complete",
            scope: ["card"],
            wires: [["done"]],
          },
          { id: "done", z: "tab", type: "helper" },
        ],
      },
    );
    const errors = once(helper.getNode("caught"), "input");
    await run({ payload: { id: "deep-3" }, deep: deep() });
    const [caught] = await errors;
    assert.equal(caught.error.code, "execution-failed");
    assert.match(caught.error.message, /^Status code 200, but the message cannot be handed on/);
    assert.equal(caught.statusCode, 200);
    assert.equal((await run({ payload: { id: "deep-4" } })).out.statusCode, 200);
  });

  test("a frozen message", async () => {
    const { run } = await flow(custom);
    const frozen = (payload) => Object.freeze({ _msgid: "1", payload: Object.freeze(payload) });
    const { out } = await run(frozen({ id: "frozen" }));
    assert.deepEqual(out.payload, { statusCode: 200, reason: null });
    assert.equal((await run(frozen({ id: "anon" }))).caught.error.code, "permanent-invalid-input");
    assert.equal((await run({ payload: { id: "after" } })).out.statusCode, 200);
  });

  test("values that throw when they are read", async () => {
    const { run } = await flow(custom);
    const c = {
      get broken() {
        throw new Error("broken");
      },
    };
    const { caught } = await run({ payload: { id: "throws", c } });
    assert.equal(caught.error.code, "permanent-invalid-input");
    assert.equal((await run({ payload: { id: "after" } })).out.statusCode, 200);
  });
});

describe("whatever a message throws, Node-RED goes on", () => {
  const throwing = (name, thrown) =>
    Object.defineProperty({ payload: { id: "odd" } }, name, {
      enumerable: true,
      get() {
        throw thrown;
      },
    });
  const odd = new Proxy(
    {},
    {
      getPrototypeOf() {
        throw null;
      },
    },
  );
  for (const [what, msg] of [
    ["req throws null", () => throwing("req", null)],
    ["a property throws undefined", () => throwing("other", undefined)],
    ["a property throws a Proxy that throws", () => throwing("other", odd)],
    ["it takes no results", () => new Proxy({ payload: { id: "odd" } }, { set: () => false })],
  ]) {
    test(what, async () => {
      const { card, run } = await flow({ wires: [["out", "caught"]] });
      const logged = [];
      card.on("call:error", ({ args }) => logged.push(args));
      card.receive(msg());
      await eventually(() => mixpanel.profile("odd"));
      let next;
      await eventually(async () => {
        next = await run({ payload: { id: "after" } });
        return next.out?.statusCode === 200 || next.caught?.statusCode === 200;
      });
    });
  }

  test("what a getter or a revoked Proxy throws on the way to a value is not left out", async () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const user = {
      get name() {
        throw new TypeError("a value");
      },
    };
    for (const [name, type] of [
      ["payload.user.name", "msg"],
      ["payload.revoked.name", "msg"],
      ["payload.user.name", "jsonata"],
    ]) {
      const { run } = await flow({ propertiesName: name, propertiesNameType: type });
      const { caught } = await run({ payload: { id: "thrown", user, revoked: revoked.proxy } });
      assert.equal(caught.error.code, "permanent-invalid-input");
      assert.deepEqual(
        caught.error.cause.map(({ field }) => field),
        ["properties.name"],
      );
      await helper.unload();
    }
    const { run } = await flow({
      propertiesName: "msg.payload.no.name",
      propertiesNameType: "msg",
    });
    assert.equal((await run({ payload: { id: "nothing-there" } })).out.statusCode, 200);
  });
});

test("a variable that is not set is named, in whatever form a field has it", async () => {
  process.env.CARD_TEST_BLANK = "";
  for (const [value, words] of [
    ["NOPE", /properties\.phone is the environment variable NOPE, which is not set/],
    ["x-${NOPE}-y", /properties\.phone is the environment variable NOPE, which is not set/],
    ["${NOPE}", /properties\.phone is the environment variable NOPE, which is not set/],
    ["+441234567890", /properties\.phone is the environment variable which is not set/],
    ["CARD_TEST_BLANK", undefined],
    ["x-${CARD_TEST_BLANK}-y", undefined],
  ]) {
    const { run } = await flow({ propertiesPhone: value, propertiesPhoneType: "env" });
    const { out, caught } = await run({ payload: { id: "variable" } });
    if (words) assert.match(caught.error.message, words);
    else assert.equal(out.statusCode, 200);
    await helper.unload();
  }
  delete process.env.CARD_TEST_BLANK;
});

test("a field that is never read is given up by name, and only so many messages wait for it", async (t) => {
  const { card } = await flow({ propertiesName: "slow", propertiesNameType: "flow" });
  // A store of contexts that never answers.
  card.context = () => ({ flow: { get() {} } });
  const errors = [];
  helper.getNode("caught").on("input", ({ error }) => errors.push(error));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const turns = async (condition) => {
    while (!condition()) await new Promise(setImmediate);
  };
  for (let i = 0; i < 10_010; i++) card.receive({ payload: { id: `slow-${i}` } });
  await turns(() => errors.length === 10);
  for (const { code, message } of errors) {
    assert.equal(code, "execution-failed");
    assert.match(message, /^10000 calls are waiting already, and nothing was sent/);
  }
  t.mock.timers.tick(30_000);
  await turns(() => errors.length === 10_010);
  t.mock.timers.reset();
  const { code, cause } = errors.at(-1);
  assert.equal(code, "permanent-invalid-input");
  const reason = "has no value after 30 seconds";
  assert.deepEqual(cause, [{ field: "properties.name", reason }]);
});

test("messages that are large wait up to a number of bytes", async () => {
  await mixpanel.setFaults({ fault: { delay: { millis: 500 } } });
  const { card } = await flow();
  const results = { made: 0, refused: 0 };
  helper.getNode("out").on("input", () => results.made++);
  helper.getNode("caught").on("input", ({ error }) => {
    assert.match(error.message, /^calls of 6\d MB are waiting already, and nothing was sent/);
    results.refused++;
  });
  const text = "x".repeat(2_700_000);
  for (let i = 0; i < 100; i++) card.receive({ payload: { id: `large-${i}`, text } });
  await eventually(() => results.made + results.refused === 100);
  assert.equal(results.made, Math.floor(64 / 2.7));
});

test("a deployment says what became of the messages that were under way", async () => {
  const { card } = await flow();
  await mixpanel.setFaults(
    { fault: { delay: { millis: 1_000 } }, "profile-id": "stored" },
    { fault: { answer: { status: 400, body: '{"error":"no","status":0}' } } },
  );
  const warnings = [];
  card.warn = (text) => warnings.push(text);
  const before = (await mixpanel.requests()).length;
  card.receive({ payload: { id: "stored" } });
  await eventually(async () => (await mixpanel.requests()).length > before);
  await helper.unload();
  assert.deepEqual(warnings, [
    "messages under way when the flows were stopped: 1 (1 stored, 0 failed, 0 not known yet); their results may be lost",
  ]);
});

describe("what is wrong before the card is called is invalid input", () => {
  const row = (name, kind, type, value) => ({ name, kind, type, value });
  const holes = ["a"];
  holes[2] = "c";
  for (const [what, fields, field] of [
    ["a list with holes", [row("tags", "text-list", "msg", "payload.holes")], ".tags"],
    ["a row named 5", [row(5, "text", "str", "x")], "[0].name"],
    ["a row without a name", [row(undefined, "text", "str", "x")], "[0].name"],
    ["a row that is none", [null], "[0].name"],
    ["a row of an unknown type", [row("x", "colour", "str", "red")], ".x"],
  ]) {
    test(what, async () => {
      const { run } = await flow({ propertiesDynamicFields: fields });
      const { caught } = await run({ payload: { id: "wrong", holes } });
      assert.equal(caught.error.code, "permanent-invalid-input", caught.error.message);
      const found = caught.error.cause.map((fault) => fault.field);
      assert.deepEqual(found, [`properties.dynamic-fields${field}`]);
    });
  }

  test("a connection of another type, or a disabled one", async () => {
    for (const [connection, words] of [
      [{ type: "helper" }, /connection is a node of another type/],
      [{ d: true }, /connection is disabled: enable it/],
    ]) {
      const { run } = await flow({}, { connection });
      const { caught } = await run({ payload: { id: "wrong" } });
      assert.equal(caught.error.code, "permanent-invalid-input");
      assert.match(caught.error.message, words);
      await helper.unload();
    }
  });

  test("a list of fields that a damaged flow file lost", async () => {
    const { run } = await flow({ propertiesDynamicFields: null });
    assert.equal((await run({ payload: { id: "damaged" } })).out.statusCode, 200);
  });
});

describe("a refusal is handed on with its status code and Mixpanel's words", () => {
  for (const status of [400, 401, 403, 413, 429, 500, 503]) {
    test(`${status}`, async () => {
      await mixpanel.setFaults({
        fault: { answer: { status, body: '{"error":"as Mixpanel says","status":0}' } },
      });
      const { run, statuses } = await flow();
      const { out } = await run({ payload: { id: "user-5" } });
      assert.equal(out.statusCode, status);
      assert.equal(out.payload.statusCode, status);
      assert.match(out.payload.reason, /as Mixpanel says/);
      await eventually(() => statuses.at(-1)?.fill === "red");
      assert.match(statuses.at(-1).text, new RegExp(`^${status} .*as Mixpanel says`));
    });
  }
});

test("a closed port is a transport failure", async () => {
  const { run, statuses } = await flow({}, { connection: { baseUrl: await closedOrigin() } });
  const { caught } = await run({ payload: { id: "user-6" } });
  assert.equal(caught.error.code, "transport");
  assert.match(caught.error.message, /^No answer: .*the connection was refused/);
  await eventually(() => statuses.at(-1)?.text === "no answer");
});

test("a blank token and a bad base URL are invalid input of the connection", async () => {
  const { run } = await flow(
    {},
    { connection: { baseUrl: "ftp://example.com", maxRetries: "11" }, credentials: {} },
  );
  const { caught } = await run({ payload: { id: "user-7" } });
  assert.deepEqual(caught.error.cause.map(({ field }) => field).sort(), [
    "connection.base-url",
    "connection.max-retries",
    "connection.project-token",
  ]);
});

test("the connection may come from the environment", async () => {
  Object.assign(process.env, {
    CARD_TEST_TOKEN: "token-of-the-environment",
    CARD_TEST_URL: mixpanel.origin,
    CARD_TEST_RETRIES: "0",
  });
  const { run } = await flow(
    {},
    {
      connection: { baseUrl: "${CARD_TEST_URL}", maxRetries: "${CARD_TEST_RETRIES}" },
      credentials: { projectToken: "${CARD_TEST_TOKEN}" },
    },
  );
  const { out, caught } = await run({ payload: { id: "user-env" } });
  assert.equal(out?.statusCode, 200, JSON.stringify(caught?.error));
  const [{ $token }] = JSON.parse((await mixpanel.requests()).at(-1).body);
  assert.equal($token, "token-of-the-environment");
});

test("a variable that is not set is named, for every field of the connection", async () => {
  const { run } = await flow(
    {},
    {
      connection: { region: "${NO_REGION}", baseUrl: "$(NO_URL)", maxRetries: "${NO_RETRIES}" },
      credentials: { projectToken: "${NO_TOKEN}" },
    },
  );
  const before = (await mixpanel.requests()).length;
  const { caught } = await run({ payload: { id: "unset" } });
  assert.equal(caught.error.code, "permanent-invalid-input");
  const named = caught.error.cause.map(({ field, reason }) => [
    field,
    reason.match(/^is the environment variable (\w+), which is not set/)?.[1],
  ]);
  assert.deepEqual(named, [
    ["connection.project-token", "NO_TOKEN"],
    ["connection.region", "NO_REGION"],
    ["connection.base-url", "NO_URL"],
    ["connection.max-retries", "NO_RETRIES"],
  ]);
  assert.equal((await mixpanel.requests()).length, before);
});

test("numbers of retries that are none are refused before the call", async () => {
  for (const maxRetries of ["256", "-1", "1.5", "many"]) {
    const { run } = await flow({}, { connection: { maxRetries } });
    const { caught } = await run({ payload: { id: "user-8" } });
    assert.deepEqual(
      caught.error.cause.map(({ field }) => field),
      ["connection.max-retries"],
    );
    await helper.unload();
  }
});

test("without a connection, the node says so", async () => {
  const { run } = await flow({ connection: "" });
  const { caught } = await run({ payload: { id: "user-9" } });
  assert.deepEqual(
    caught.error.cause.map(({ field }) => field),
    ["connection"],
  );
});

test("the token is in no error, status or log", async () => {
  await mixpanel.setFaults({
    fault: { answer: { status: 400, body: `{"error":"bad token ${TOKEN}","status":0}` } },
  });
  const { run, statuses } = await flow();
  const { out } = await run({ payload: { id: "user-10" } });
  await mixpanel.setFaults({ fault: "reset" });
  const { caught } = await run({ payload: { id: "user-10" } });
  const logged = helper.log().args;
  assert.ok(logged.length > 0);
  for (const text of [out, caught, statuses, logged].map((value) => JSON.stringify(value))) {
    assert.ok(!text.includes(TOKEN), text);
  }
});

test("messages that come together are all answered; the status counts them", async () => {
  await mixpanel.setFaults({ fault: { delay: { millis: 500 } } });
  const { card, statuses } = await flow();
  const ids = Array.from({ length: 50 }, (_, i) => `crowd-${i}`);
  const seen = [];
  helper.getNode("out").on("input", (msg) => seen.push(msg));
  for (const id of ids) card.receive({ payload: { id }, id });
  await eventually(() => seen.length === ids.length);
  assert.deepEqual(seen.map(({ id }) => id).sort(), ids.sort());
  assert.ok(seen.every(({ statusCode }) => statusCode === 200));
  for (const id of ids) assert.ok(await mixpanel.profile(id), id);
  await eventually(() => statuses.at(-1).text === "200");
  assert.ok(statuses.some(({ text }) => text === "sending (50)"));
  assert.ok(statuses.length < 50, "not two for each message");
});

test("messages reach Mixpanel in their order, however long an expression takes", async () => {
  const { card } = await flow({
    propertiesName: "payload.slow ? $slow(payload.name) : payload.name",
    propertiesNameType: "jsonata",
  });
  const before = (await mixpanel.requests()).length;
  const seen = [];
  helper.getNode("out").on("input", (msg) => seen.push(msg));
  const names = Array.from({ length: 20 }, (_, i) => `name-${i}`);
  for (const name of names) card.receive({ payload: { id: "one", name, slow: false } });
  await eventually(() => seen.length === names.length);
  const posts = (await mixpanel.requests()).slice(before).filter(({ method }) => method === "POST");
  const sent = posts
    .flatMap(({ body }) => JSON.parse(body))
    .map(({ $set_once }) => $set_once.$name);
  assert.deepEqual(sent, names);
});

test("a new deployment: what is under way ends, what waits is refused", async () => {
  const { card } = await flow();
  const seen = [];
  card.receive({ payload: { id: "warm" } });
  await eventually(() => mixpanel.profile("warm"));
  await mixpanel.setFaults({ fault: { delay: { millis: 8_000 } } });
  const before = (await mixpanel.requests()).length;
  const posts = async () =>
    (await mixpanel.requests()).slice(before).filter(({ method }) => method === "POST");
  helper.getNode("caught").on("input", (msg) => seen.push(msg.error));
  card.receive({ payload: { id: "late" } });
  await eventually(async () => (await posts()).length === 1);
  card.receive({ payload: { id: "late-too" } });
  await eventually(async () => (await posts()).length === 2);
  for (let i = 0; i < 2_000; i++) card.receive({ payload: { id: `waiting-${i}` } });
  // Messages are read in turns of their own.
  await eventually(() => card.status.lastCall.args[0].text === "sending (2002)");
  const started = Date.now();
  const warnings = [];
  card.warn = (text) => warnings.push(text);
  await helper.unload();
  assert.ok(Date.now() - started < 7_000, "the deployment does not wait for them to the end");
  for (const { code, message } of seen) {
    assert.equal(code, "execution-failed");
    assert.match(message, /the flows were stopped, and nothing was sent/);
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^2000 waiting messages were not sent/);
  await eventually(() => mixpanel.profile("late"));
  await eventually(() => mixpanel.profile("late-too"));
  assert.equal((await posts()).length, 2);
});

test("deployments share one limit of threads", async () => {
  const pool = sharedPool();
  await mixpanel.setFaults({ fault: { delay: { millis: 6_000 } } });
  for (let i = 0; i < 4; i++) {
    const { card } = await flow();
    const before = (await mixpanel.requests()).length;
    card.receive({ payload: { id: `deployed-${i}` } });
    card.receive({ payload: { id: `deployed-too-${i}` } });
    if (i === 0) await eventually(async () => (await mixpanel.requests()).length > before);
    await helper.unload();
    assert.ok(pool.threads.length <= 4, `${pool.threads.length} threads`);
  }
  await mixpanel.setFaults();
  pool.leave(tests);
  await eventually(() => pool.threads.length === 0);
  pool.join(tests);
});

describe("no value that is accepted is altered", () => {
  const row = (kind) => ({ name: kind, kind, type: "msg", value: `payload.${kind}` });
  const kinds = ["text", "number", "boolean", "date-time", "text-list"];
  const value = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ min: 2 ** 53 }),
    fc.bigInt(),
    fc.boolean(),
    fc.date({ noInvalidDate: false }),
    fc.date({ min: new Date("1973-03-04"), max: new Date("2286-11-20"), noInvalidDate: true }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }),
    fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1 }),
    fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.double(), fc.constant(undefined))),
    fc.sparseArray(fc.string({ unit: "grapheme" })),
    fc.constantFrom(null, undefined, "", " ", "true", "12", "1611164108", "1e3", "0x10", "NaN"),
  );

  /** What a value becomes in Mixpanel, said in another way than the code says it. */
  const expected = {
    text: (given) => (Buffer.isBuffer(given) ? given.toString("utf8") : `${given}`),
    number: (given) => Number(given),
    boolean: (given) => given === true || given === "true",
    "date-time": (given) =>
      (given instanceof Date ? given : new Date(Number(given) * 1000)).toISOString().slice(0, 19),
    "text-list": (given) => given.map((item) => `${item}`),
  };
  /** And back: what was stored says what was given. */
  const exact = {
    text: (given, stored) =>
      typeof given === "number"
        ? Object.is(Number(stored), given) || given === 0
        : Buffer.isBuffer(given)
          ? Buffer.from(stored).equals(given)
          : String(given) === stored,
    number: (given, stored) => typeof given !== "bigint" || BigInt(stored) === given,
  };

  for (const kind of [...kinds, "custom"]) {
    test(kind, async () => {
      const { run } = await flow({
        propertiesDynamicFields: kind === "custom" ? [] : [row(kind)],
        propertiesCustomProperties: kind === "custom" ? "payload.custom" : "",
        propertiesCustomPropertiesType: "msg",
      });
      let count = 0;
      let accepted = 0;
      await fc.assert(
        fc.asyncProperty(value, async (given) => {
          const id = `exact-${kind}-${count++}`;
          const payload = { id, [kind]: kind === "custom" ? { custom: given } : given };
          const { out, caught } = await run({ payload });
          if (caught) return assert.equal(caught.error.code, "permanent-invalid-input");
          assert.equal(out.statusCode, 200, out.payload.reason);
          const { [kind]: stored } = (await mixpanel.profile(id)).$properties;
          if (stored === undefined) {
            const blank = (one) => one === null || one === undefined || `${one}`.trim() === "";
            assert.ok(Array.isArray(given) ? given.every(blank) : blank(given));
            return;
          }
          accepted++;
          const of = kind === "custom" ? (given instanceof Date ? "custom-date" : "text") : kind;
          if (of === "custom-date") return assert.equal(stored, given.toISOString());
          // JSON has one zero.
          assert.deepEqual(
            stored === 0 ? 0 : stored,
            given === 0 && kind === "number" ? 0 : expected[of](given),
          );
          assert.ok(exact[of]?.(given, stored) ?? true);
        }),
        { numRuns: 300, seed: 42 },
      );
      assert.ok(accepted > 10, `${accepted} of ${count} were accepted`);
    });
  }
});
