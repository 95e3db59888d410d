// The two nodes in Node-RED's runtime, by its own test helper; the card and the sockets are real.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { TOKEN, closedOrigin, eventually, standIn } from "./support.mjs";

const require = createRequire(import.meta.url);
const helper = require("node-red-node-test-helper");
const connectionNode = require("../nodes/connection.js");
const createProfileNode = require("../nodes/create-profile.js");

helper.init(require.resolve("node-red"), { telemetry: { enabled: false } });

let mixpanel;
before(async () => {
  mixpanel = await standIn();
  await new Promise((resolve) => helper.startServer(resolve));
});
after(async () => {
  await new Promise((resolve) => helper.stopServer(resolve));
  mixpanel.stop();
});
beforeEach(() => mixpanel.setFaults());
afterEach(() => helper.unload());

/** A flow of one node, with all that it gives. */
async function flow(fields = {}, { connection = {}, credentials = { projectToken: TOKEN } } = {}) {
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
    { id: "catcher", z: "tab", type: "catch", scope: null, wires: [["caught"]] },
    { id: "caught", z: "tab", type: "helper" },
  ];
  const catchNode = require("@node-red/nodes/core/common/25-catch.js");
  await helper.load([connectionNode, createProfileNode, catchNode], nodes, {
    connection: credentials,
  });
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
  assert.equal(statuses.at(-1).fill, "red");
  assert.match(statuses.at(-1).text, /^invalid input: profile\.profile-id, profile\.ip-address/);
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
  assert.equal(await mixpanel.profile("user-4"), undefined);
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
      assert.equal(statuses.at(-1).fill, "red");
      assert.match(statuses.at(-1).text, new RegExp(`^${status} .*as Mixpanel says`));
    });
  }
});

test("a closed port is a transport failure", async () => {
  const { run, statuses } = await flow({}, { connection: { baseUrl: await closedOrigin() } });
  const { caught } = await run({ payload: { id: "user-6" } });
  assert.equal(caught.error.code, "transport");
  assert.match(caught.error.message, /^No answer: .*the connection was refused/);
  assert.equal(statuses.at(-1).text, "no answer");
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
  const { card, statuses } = await flow();
  const ids = Array.from({ length: 50 }, (_, i) => `crowd-${i}`);
  const seen = [];
  helper.getNode("out").on("input", (msg) => seen.push(msg));
  for (const id of ids) card.receive({ payload: { id }, id });
  await eventually(() => seen.length === ids.length);
  assert.deepEqual(seen.map(({ id }) => id).sort(), ids.sort());
  assert.ok(seen.every(({ statusCode }) => statusCode === 200));
  for (const id of ids) assert.ok(await mixpanel.profile(id), id);
  assert.ok(statuses.some(({ text }) => text === "sending (50)"));
  assert.equal(statuses.at(-1).text, "200");
});

test("a call under way is not lost to a new deployment", async () => {
  await mixpanel.setFaults({ fault: { delay: { millis: 8_000 } } });
  const { card } = await flow();
  const before = (await mixpanel.requests()).length;
  card.receive({ payload: { id: "late" } });
  await eventually(async () => (await mixpanel.requests()).length > before);
  const started = Date.now();
  await helper.unload();
  assert.ok(Date.now() - started < 7_000, "the deployment does not wait for it to the end");
  await eventually(() => mixpanel.profile("late"));
});
