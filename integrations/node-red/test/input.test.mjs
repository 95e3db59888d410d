// What values of messages become in the card's input.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { reader } = require("../lib/input.js");
const { poolOptions } = require("../lib/settings.js");

/** As the nodes have it, with the value itself in the place of a typed input's text. */
const evaluate = (_type, value) => async () => value.value;
const given = (value) => ({ value, toString: () => "given" });

async function one(key, value) {
  const read = reader({ [key]: given(value), [`${key}Type`]: "msg" }, evaluate);
  const { input, faults } = await read({});
  return faults ?? input;
}
const dynamic = async (kind, value) => {
  const config = {
    propertiesDynamicFields: [{ name: "x", kind, type: "msg", value: given(value) }],
  };
  const { input, faults } = await reader(config, evaluate)({});
  return faults ? faults[0] : input.properties.dynamicFields[0]?.value.val;
};

test("texts", async () => {
  for (const [value, expected] of [
    ["Ada", "Ada"],
    ["", ""],
    [42, "42"],
    [true, "true"],
    [10n, "10"],
    [Buffer.from("Zoë"), "Zoë"],
    [null, undefined],
    [undefined, undefined],
  ]) {
    assert.equal((await one("propertiesName", value)).properties.name, expected);
  }
  for (const [value, kind] of [
    [{}, "an object"],
    [[], "an array"],
    [new Date(), "a Date"],
    [Symbol("s"), "a symbol"],
    [() => {}, "a function"],
  ]) {
    assert.deepEqual(await one("propertiesName", value), [
      { field: "properties.name", reason: `is ${kind}: give a text` },
    ]);
  }
});

test("a missing required field is blank, which the card refuses by name", async () => {
  assert.equal((await one("profileProfileId", undefined)).profile.profileId, "");
});

test("dates", async () => {
  for (const [value, expected] of [
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [1611164108, "1611164108"],
    ["2021-01-20T09:35:08-08:00", "2021-01-20T09:35:08-08:00"],
  ]) {
    assert.equal((await one("profileTime", value)).profile.time, expected);
  }
  assert.match((await one("profileTime", new Date(NaN)))[0].reason, /invalid Date/);
});

test("custom properties", async () => {
  for (const [value, expected] of [
    ['{"a":"b"}', '{"a":"b"}'],
    [{ a: "b" }, '{"a":"b"}'],
    [["a"], '["a"]'],
    [Buffer.from("{}"), "{}"],
  ]) {
    const { properties } = await one("propertiesCustomProperties", value);
    assert.equal(properties.customProperties, expected);
  }
  const circle = {};
  circle.circle = circle;
  assert.match((await one("propertiesCustomProperties", circle))[0].reason, /JSON cannot express/);
});

test("dynamic fields", async () => {
  for (const [kind, value, expected] of [
    ["text", "a", "a"],
    ["number", 1.5, 1.5],
    ["number", " 1e3 ", 1000],
    ["number", NaN, NaN],
    ["number", " ", undefined],
    ["boolean", false, false],
    ["boolean", "true", true],
    ["boolean", "false", false],
    ["boolean", "", undefined],
    ["date-time", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["text-list", ["a", 1, true], ["a", "1", "true"]],
    ["text-list", [], []],
    ["text-list", "", undefined],
    ["text", null, undefined],
  ]) {
    assert.deepEqual(await dynamic(kind, value), expected, `${kind} ${String(value)}`);
  }
  for (const [kind, value, reason] of [
    ["number", "many", "is a text: give a number"],
    ["number", true, "is a boolean: give a number"],
    ["number", "Infinity", "is a text: give a number"],
    ["boolean", "yes", "is a text: give true or false"],
    ["boolean", 1, "is a number: give true or false"],
    ["text-list", "a, b", "is a text: give an array of texts"],
    ["text-list", ["a", {}], "has an item (number 2) that is an object: give a text"],
    ["text-list", ["a", null], "has an item (number 2) that is an object: give a text"],
    ["colour", "red", "has an unknown type: open the node and choose one"],
  ]) {
    const fault = { field: "properties.dynamic-fields.x", reason };
    assert.deepEqual(await dynamic(kind, value), fault, `${kind} ${String(value)}`);
  }
});

test("what is far over Mixpanel's limits is not even handed over", async () => {
  const long = "x".repeat(1_000_001);
  assert.match((await one("propertiesName", long))[0].reason, /1000001 characters/);
  assert.match((await one("propertiesCustomProperties", { long }))[0].reason, /1 MB at most/);
  assert.match((await dynamic("text-list", Array(256_001).fill("x"))).reason, /256001 items/);
});

test("an operator's settings", () => {
  const read = (threads, origins) =>
    poolOptions({
      mixpanelCreateProfileThreads: threads,
      mixpanelCreateProfileAllowedOrigins: origins,
    });
  assert.deepEqual(read(), {});
  assert.deepEqual(read(8, ["https://API-eu.mixpanel.com:443/"]), {
    threads: 8,
    allowedOrigins: ["https://api-eu.mixpanel.com"],
  });
  for (const threads of [0, 65, 1.5, "4", null]) assert.throws(() => read(threads), /Threads/);
  for (const origins of [
    "https://a.example",
    [1],
    ["a.example"],
    ["https://a.example/x"],
    ["ftp://a.example"],
    ["https://u@a.example"],
  ]) {
    assert.throws(() => read(undefined, origins), /AllowedOrigins/, String(origins));
  }
});
