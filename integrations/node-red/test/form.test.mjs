// The edit forms and their help against the card's schema, read anew here: the test fails when they
// part.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

import { WORDS, connectionForm, fields, inNodeRed, profileForm } from "../editor/forms.mjs";
import { schema } from "./support.mjs";

const require = createRequire(import.meta.url);
const { REGIONS } = require("../lib/connection.js");
const page = (name) => readFileSync(new URL(`../nodes/${name}.html`, import.meta.url), "utf8");

/** What the schema has in a record: the names of all fields, with their texts. */
const record = (name) => Object.entries(schema.$defs[name].properties);

const html = (text) =>
  text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/`([^`]+)`/g, "<code>$1</code>");
const camelCase = (text) => text.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** The parts of a page: the form, and the help of the sidebar. */
function parts(text) {
  const part = (attribute) =>
    text.match(new RegExp(`<script type="text/html" ${attribute}="[^"]+">([^]*?)</script>`))[1];
  return { form: part("data-template-name"), help: part("data-help-name") };
}

/** The row of a form in which the control with this id stands. */
const rowOf = (form, id) =>
  form.split('<div class="form-row').find((row) => row.includes(`id="${id}"`));

function checkRow(form, help, id, property, required) {
  const isList = [property.type].flat().includes("array");
  const row = rowOf(form, isList ? `${id}-list` : id);
  assert.ok(row, `the form has no ${id}`);
  const label = isList ? `<span id="${id}-label">` : `<label for="${id}">`;
  assert.ok(row.includes(label + html(property.title)), row);
  assert.equal(row.includes('title="required"'), required, `${id}: the mark of a required field`);
  if (property.description) {
    // Of a date, how it is written, too.
    const isDate = property.anyOf?.some(({ $ref }) => $ref === "#/$defs/date-time");
    const words = [property.description, isDate && schema.$defs["date-time"].description];
    const text = html(inNodeRed(words.filter(Boolean).join(" ")));
    assert.ok(row.includes(`<div class="mixpanel-help" id="${id}-help">${text}</div>`), row);
    assert.ok(isList || row.includes(`aria-describedby="${id}-help"`), row);
    assert.ok(help.includes(`<dd>${text}</dd>`), `the help of ${id}`);
  }
  assert.ok(help.includes(`>${html(property.title)} <span`), `${property.title} in the sidebar`);
}

describe("every field of the interface is in the form, with its label and help", () => {
  const { form, help } = parts(page("create-profile"));
  for (const group of ["profile", "properties"]) {
    for (const [name, property] of record(group)) {
      test(`${group}.${name}`, () => {
        const required = schema.$defs[group].required.includes(name);
        const id = `node-input-${camelCase(`${group}-${name}`)}`;
        checkRow(form, help, id, property, required);
      });
    }
  }
  const connection = parts(page("connection"));
  for (const [name, property] of record("connection")) {
    test(`connection.${name}`, () => {
      const required = schema.$defs.connection.required.includes(name);
      const id = `node-config-input-${camelCase(name)}`;
      checkRow(connection.form, connection.help, id, property, required);
    });
  }
});

test("the forms have the words of Node-RED, and the schema still has those that are replaced", () => {
  const text = JSON.stringify(schema);
  for (const words of Object.keys(WORDS)) assert.ok(text.includes(words), words);
  for (const name of ["connection", "create-profile"]) {
    const { form, help } = parts(page(name));
    assert.doesNotMatch(
      form + help,
      /workflow engine|check-connection|cards? of a flow|to the card/,
    );
  }
  assert.match(parts(page("connection")).help, /Test connection tells whether it is right/);
});

test("the form has no other fields", () => {
  const keys = [...parts(page("create-profile")).form.matchAll(/id="node-input-(\w+)(?:-list)?"/g)];
  const known = ["profile", "properties"].flatMap((group) =>
    record(group).map(([name]) => camelCase(`${group}-${name}`)),
  );
  assert.deepEqual(
    keys.map(([, key]) => key),
    ["name", "connection", ...known],
  );
});

test("the locations of the interface are those of the form and of the node", () => {
  const [, regions] = page("connection").match(/const REGIONS = (.+);/);
  assert.deepEqual(JSON.parse(regions), schema.$defs.region.enum);
  assert.deepEqual(REGIONS, schema.$defs.region.enum);
});

test("the types of dynamic fields are those of the interface", () => {
  const list = fields(schema).find(({ kind }) => kind === "dynamic-fields");
  const cases = schema.$defs["property-value"].oneOf;
  assert.deepEqual(
    list.values,
    cases.map(({ required: [tag], title }) => ({ tag, label: title })),
  );
});

test("the pages and the node's own list are those that the build makes of the schema", async () => {
  assert.equal(page("create-profile"), await profileForm(schema));
  assert.equal(page("connection"), await connectionForm(schema));
  assert.deepEqual(require("../card/fields.json"), JSON.parse(JSON.stringify(fields(schema))));
});

test("a type without a control stops the build", () => {
  const odd = structuredClone(schema);
  odd.$defs.profile.properties.odd = { title: "Odd", type: "array", items: { type: "string" } };
  assert.throws(() => fields(odd), /the form has no control for profile\.odd/);
});

test("what the pages take of the schema cannot end an element", () => {
  const text = '</script><b title="x">';
  const odd = structuredClone(schema);
  odd.$defs.profile.properties["profile-id"].title = text;
  odd.$defs.profile.properties["profile-id"].description = text;
  return profileForm(odd).then((made) => assert.ok(!made.includes(text)));
});
