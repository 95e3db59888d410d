// What values of messages become in the card's input.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const require = createRequire(import.meta.url);
const { reader } = require("../lib/input.js");
const { messageSize } = require("../lib/message-size.js");
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
    [-0.5, "-0.5"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [738529527931269425n, "738529527931269425"],
    [Buffer.from("Zoë"), "Zoë"],
    [Buffer.from("\ufeffZoë"), "\ufeffZoë"],
    ["é".repeat(127), "é".repeat(127)],
    [" ".repeat(300), ""],
    [null, undefined],
    [undefined, undefined],
  ]) {
    assert.equal((await one("propertiesName", value)).properties.name, expected);
  }
  for (const [value, reason] of [
    [{}, "is an object: give a text"],
    [[], "is an array: give a text"],
    [new Date(), "is a Date: give a text"],
    [new Date(NaN), "is an invalid Date: give a text"],
    [new Error("x"), "is an Error: give a text"],
    [Symbol("s"), "is a symbol: give a text"],
    [() => {}, "is a function: give a text"],
    [NaN, "is NaN: give a finite number"],
    [-Infinity, "is -Infinity: give a finite number"],
    [738529527931269425, "is a number over 9007199254740991: give it as a text"],
    [-(2 ** 53), "is a number over 9007199254740991: give it as a text"],
    ["half \ud83d", "holds half a character: give it whole"],
    [Buffer.from([0xff]), "is a Buffer that is not UTF-8: give a text"],
    ["é".repeat(128), "has 256 bytes: at most 255 are allowed"],
  ]) {
    assert.deepEqual(await one("propertiesName", value), [{ field: "properties.name", reason }]);
    assert.deepEqual(await one("profileProfileId", value), [
      { field: "profile.profile-id", reason },
    ]);
  }
});

test("values of a function node, whose classes are its own", async () => {
  const made = runInNewContext(
    "({ date: new Date(0), object: { a: 'b', on: new Date(0) }, list: ['a'], map: new Map() })",
  );
  assert.equal((await one("profileTime", made.date)).profile.time, "1970-01-01T00:00:00.000Z");
  assert.equal(
    (await one("propertiesCustomProperties", made.object)).properties.customProperties,
    '{"a":"b","on":"1970-01-01T00:00:00.000Z"}',
  );
  assert.deepEqual(await dynamic("text-list", made.list), ["a"]);
  assert.match((await one("propertiesCustomProperties", made.map))[0].reason, /is a Map/);
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
  const proto = JSON.parse('{"__proto__":"x"}');
  for (const [value, expected] of [
    ['{"a":"b"}', '{"a":"b"}'],
    [{ a: "b" }, '{"a":"b"}'],
    [Object.assign(Object.create(null), { a: "b" }), '{"a":"b"}'],
    [{ a: new Date(0), b: undefined, c: null }, '{"a":"1970-01-01T00:00:00.000Z"}'],
    [proto, '{"__proto__":"x"}'],
    [{}, "{}"],
    [Buffer.from("{}"), "{}"],
  ]) {
    const { properties } = await one("propertiesCustomProperties", value);
    assert.equal(properties.customProperties, expected);
  }
  const circle = {};
  circle.circle = circle;
  const deep = Array.from({ length: 20_000 }).reduce((inner) => [inner], "x");
  class Row {
    constructor() {
      this.a = "b";
    }
  }
  const field = "properties.custom-properties";
  const words = ": give a text, or use a dynamic field";
  for (const [value, ...faults] of [
    [["a"], ["", "is an array: give a plain object"]],
    [42, ["", "is a number: give a plain object"]],
    [new Map([["a", "b"]]), ["", "is a Map: give a plain object"]],
    [new Set(["a"]), ["", "is a Set: give a plain object"]],
    [new Error("x"), ["", "is an Error: give a plain object"]],
    [new Row(), ["", "is an object of a class of its own: give a plain object"]],
    [deep, ["", "is an array: give a plain object"]],
    [{ deep }, [".deep", `is an array${words}`]],
    [circle, [".circle", `is an object${words}`]],
    [
      { ok: "x", n: 1, nan: NaN, nothing: null, map: new Map(), call() {}, big: 1n },
      [".n", `is a number${words}`],
      [".nan", `is NaN${words}`],
      [".map", `is a Map${words}`],
      [".call", `is a function${words}`],
      [".big", `is a bigint${words}`],
    ],
    [{ buffer: Buffer.from("x") }, [".buffer", `is a Buffer${words}`]],
    [{ date: new Date(NaN) }, [".date", `is an invalid Date${words}`]],
    [
      {
        get broken() {
          throw new Error("a value");
        },
      },
      ["", "cannot be read: is it what its type says?"],
    ],
  ]) {
    assert.deepEqual(
      await one("propertiesCustomProperties", value),
      faults.map(([part, reason]) => ({ field: field + part, reason })),
    );
  }
});

test("dynamic fields", async () => {
  const inexact = "cannot be carried exactly as a number: give it as a text";
  for (const [kind, value, expected] of [
    ["text", "a", "a"],
    ["number", 1.5, 1.5],
    ["number", " 1e3 ", 1000],
    ["number", "-0.5", -0.5],
    ["number", "+1.50", 1.5],
    ["number", "0.1", 0.1],
    ["number", "15e-1", 1.5],
    ["number", "0e99999999999999999999", 0],
    ["number", "5e-324", 5e-324],
    // One tenth's double, to its last digit.
    ["number", "0.1000000000000000055511151231257827021181583404541015625", 0.1],
    ["number", ".5", 0.5],
    ["number", 10n, 10],
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
    ["number", "0x10", "is a text: give a number"],
    ["number", "1e400", "is Infinity: give a finite number"],
    ["number", "1e-400", inexact],
    ["number", "4503599627370497.3", inexact],
    ["number", "123456789012345.678901", inexact],
    ["number", "0.12345678901234567890123", inexact],
    ["number", "1.00000000000000000001", inexact],
    ["number", "1e99999999999999999999", "is Infinity: give a finite number"],
    ["number", "1e-99999999999999999999", inexact],
    ["number", NaN, "is NaN: give a finite number"],
    ["number", "9007199254740993", "is a number over 9007199254740991: give it as a text"],
    ["number", 738529527931269425, "is a number over 9007199254740991: give it as a text"],
    ["number", 738529527931269425n, "is a number over 9007199254740991: give it as a text"],
    ["boolean", "yes", "is a text: give true or false"],
    ["boolean", 1, "is a number: give true or false"],
    ["text-list", "a, b", "is a text: give an array of texts"],
    ["text-list", ["a", {}], "has an item (number 2) that is an object: give a text"],
    ["text-list", ["a", null], "has an item (number 2) that is null: give a text"],
    ["text-list", ["a", , "c"], "has an item (number 2) that is missing: give a text"],
    ["text-list", ["a", NaN], "has an item (number 2) that is NaN: give a finite number"],
    ["json-object", "{}", "has an unknown type: open the node and choose one"],
    ["colour", "red", "has an unknown type: open the node and choose one"],
  ]) {
    const fault = { field: "properties.dynamic-fields.x", reason };
    assert.deepEqual(await dynamic(kind, value), fault, `${kind} ${String(value)}`);
  }
});

test("what is over Mixpanel's limits does not wait for a thread", async () => {
  const long = "x".repeat(1_000_001);
  assert.match((await one("propertiesName", long))[0].reason, /has 1000001 bytes: at most 255/);
  assert.match(
    (await one("propertiesCustomProperties", { long }))[0].reason,
    /has \d+ bytes: at most 1000000/,
  );
  assert.match(
    (await dynamic("text-list", Array(100_000).fill("x"))).reason,
    /beyond 256000 bytes/,
  );
  assert.match((await dynamic("text-list", ["é".repeat(256)])).reason, /256 characters/);
  assert.deepEqual(await dynamic("text-list", ["é".repeat(255)]), ["é".repeat(255)]);
});

test("what a damaged flow file holds is a fault of its field", async () => {
  for (const rows of [null, undefined, "x", 5, {}]) {
    const { input } = await reader({ propertiesDynamicFields: rows }, evaluate)({});
    assert.deepEqual(input.properties.dynamicFields, []);
  }
  const rows = [null, { name: 5, kind: "text", type: "str", value: given("x") }, "x"];
  const { faults } = await reader({ propertiesDynamicFields: rows }, evaluate)({});
  const reason = "is not a text: open the node and give a name";
  assert.deepEqual(
    faults,
    [0, 1, 2].map((i) => ({ field: `properties.dynamic-fields[${i}].name`, reason })),
  );
});

test("fixed numbers and lists keep all their digits, or are refused", async () => {
  const fixed = async (kind, type, value) => {
    const config = { propertiesDynamicFields: [{ name: "x", kind, type, value }] };
    const { input, faults } = await reader(config, evaluate)({});
    return faults ? faults[0].reason : input.properties.dynamicFields[0].value.val;
  };
  const inexact = "cannot be carried exactly as a number: give it as a text";
  assert.equal(await fixed("number", "num", "1.50"), 1.5);
  assert.equal(await fixed("number", "num", "0.12345678901234567890123"), inexact);
  assert.equal(await fixed("text", "num", "1.00000000000000000001"), inexact);
  assert.deepEqual(await fixed("text-list", "json", '["1e-400 \\" 0.5", 0.1, -2e3]'), [
    '1e-400 " 0.5',
    "0.1",
    "-2000",
  ]);
  for (const list of ["[1.00000000000000000001]", '["a", 9007199254740993]', "[1e-400]"]) {
    assert.equal(await fixed("text-list", "json", list), `holds a number that ${inexact}`);
  }
  assert.match(await fixed("text-list", "json", "[1"), /cannot be read/);
});

test("a hundred invalid fields are named, the others counted, and names are cut", async () => {
  const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`n${i}`, i]));
  const faults = await one("propertiesCustomProperties", many);
  assert.equal(faults.length, 101);
  assert.equal(faults[99].field, "properties.custom-properties.n99");
  assert.deepEqual(faults[100], {
    field: "properties",
    reason: "have 199900 more invalid fields: fix these first",
  });
  for (const [name, shown] of [
    ["é".repeat(255), "é".repeat(255)],
    ["🙂".repeat(900_000), `${"🙂".repeat(255)}…`],
    ["a\nb\ud800", "a\ufffdb\ufffd"],
  ]) {
    const [{ field }] = await one("propertiesCustomProperties", { [name]: 1 });
    assert.equal(field, `properties.custom-properties.${shown}`);
    const rows = [{ name, kind: "number", type: "msg", value: given("many") }];
    const read = reader({ propertiesDynamicFields: rows }, evaluate);
    assert.equal((await read({})).faults[0].field, `properties.dynamic-fields.${shown}`);
  }
});

test("custom properties over the limit are counted, and not kept", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`n${i}`, "x".repeat(99)]),
  );
  const [{ reason }] = await one("propertiesCustomProperties", many);
  assert.match(reason, /^has 1\d{7} bytes: at most 1000000 are allowed$/);
});

test("whatever is thrown when a value is read is a fault of its field", async () => {
  const odd = new Proxy(new Error("x"), {
    getPrototypeOf() {
      throw null;
    },
  });
  for (const thrown of [null, undefined, "a value", odd, new TypeError("a value")]) {
    const object = {
      get broken() {
        throw thrown;
      },
    };
    const reason = "cannot be read: is it what its type says?";
    const field = "properties.custom-properties";
    assert.deepEqual(await one("propertiesCustomProperties", object), [{ field, reason }]);
  }
});

test("how much a message holds is estimated, and nothing of it is run", () => {
  const fail = () => assert.fail("run");
  const size = (msg, max = 64_000_000) => messageSize(msg, max);
  const close = (found, bytes) => assert.ok(found >= bytes && found < bytes + 500, `${found}`);
  close(size({ payload: "x".repeat(2_700_000) }), 2_700_000);
  close(
    size({ payload: Buffer.alloc(10_000), more: [new Map([["a", "x".repeat(5_000)]])] }),
    15_000,
  );
  close(size({ a: new Set(["x".repeat(5_000)]), ["k".repeat(3_000)]: 1 }), 8_000);
  const shared = { text: "x".repeat(1_000) };
  close(size({ a: shared, b: shared, req: "x".repeat(9_000), res: "x".repeat(9_000) }), 1_000);
  const circle = { text: "x".repeat(1_000) };
  circle.circle = circle;
  close(size(circle), 1_000);
  assert.ok(size({ list: Array(1_000_000).fill(1) }) > 8_000_000);
  const numbers = Array.from({ length: 300_000 }, (_, i) => i);
  assert.ok(size({ set: new Set(numbers), map: new Map(numbers.entries()) }) > 9_000_000);
  const deep = Array.from({ length: 1_000_000 }).reduce((inner) => [inner], "x");
  assert.ok(size({ deep }) > 1_000_000);
  assert.ok(size({ deep }, 1_000) < 2_000, "it ends where it is too much");
  const odd = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail });
  const getter = Object.defineProperty({ odd, other: Object.create(odd) }, "x", {
    enumerable: true,
    get: fail,
  });
  close(size(getter), 0);
});

test("a variable that is not set is no text", async () => {
  for (const value of ["${NOPE}", "$(NOPE)", " ${NOPE} "]) {
    const config = { propertiesName: value, propertiesNameType: "str" };
    const { faults } = await reader(config, evaluate)({});
    assert.deepEqual(faults, [
      {
        field: "properties.name",
        reason: "is the environment variable NOPE, which is not set",
      },
    ]);
  }
});

test("a name that is a variable which is not set is no name", async () => {
  const rows = [{ name: "${NOPE}", kind: "text", type: "msg", value: given("x") }];
  const { faults } = await reader({ propertiesDynamicFields: rows }, evaluate)({});
  const reason = "is the environment variable NOPE, which is not set";
  assert.deepEqual(faults, [{ field: "properties.dynamic-fields[0].name", reason }]);
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
    ["https://*.mixpanel.com"],
    ["https://api.mixpanel.com", "*"],
  ]) {
    assert.throws(() => read(undefined, origins), /AllowedOrigins/, String(origins));
  }
});

test("a setting with a slip in its name is no setting", () => {
  for (const name of [
    "mixpanelCreateProfileAllowedOrigin",
    "mixpanelCreateProfileallowedOrigins",
    "MixpanelCreateProfileAllowedOrigins",
    "mixpanelCreateProfilesAllowedOrigins",
    "mixpanelCreateProfileThread",
    "mixpanel-create-profile-threads",
    "mixpanelAllowedOrigins",
    "MIXPANEL_ALLOWED_ORIGINS",
  ]) {
    assert.throws(() => poolOptions({ [name]: 1 }), new RegExp(`${name} is not a setting`));
  }
  assert.deepEqual(poolOptions({ uiPort: 1880, otherMixpanel: 1 }), {});
});
