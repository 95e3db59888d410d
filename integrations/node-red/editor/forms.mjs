// The card's schema → the edit forms and their help. A field that is added to the interface appears
// in the form, and is handed over by the node, without a line changed here.

import { readFile } from "node:fs/promises";

/** Words of the schema that are of other hosts, and what users of Node-RED call it. */
export const WORDS = {
  "every card of a flow": "all nodes that choose it",
  "`check-connection` tells": "Test connection tells",
  "to the workflow engine": "to the flow",
  "added to the card": "added to the node",
};

/** A text of the schema in the words of Node-RED. */
export const inNodeRed = (text = "") =>
  Object.entries(WORDS).reduce((result, [words, own]) => result.replaceAll(words, own), text);

/**
 * The fields of the card's input, in its order: `key` is the property of the node, `path` the
 * field's place in the input, `kind` what it holds, `values` the types of a dynamic field.
 */
export function fields(schema) {
  const { groups, leaves } = walk(schema, schema.properties.input);
  if (leaves.length > 0) throw unknown(leaves[0].path);
  return groups.flatMap((group) =>
    walk(schema, group.schema, group.path).leaves.map((leaf) => ({ ...leaf, group: group.label })),
  );
}

/** The fields of the connection. */
export const connectionFields = (schema) => walk(schema, schema.properties.connection).leaves;

function walk(schema, place, path = []) {
  const groups = [];
  const leaves = [];
  const record = resolve(schema, place);
  for (const [name, property] of Object.entries(record.properties)) {
    const here = [...path, name];
    const entry = { path: here, key: camelCase(here), label: property.title };
    const shape = resolve(schema, property);
    if (shape.type === "object" && shape.properties) {
      groups.push({ ...entry, schema: property });
      continue;
    }
    entry.help = inNodeRed(property.description);
    entry.required = record.required.includes(name);
    leaves.push({ ...entry, ...kind(schema, property, shape, here) });
  }
  return { groups, leaves };
}

function kind(schema, property, shape, path) {
  const type = [shape.type].flat()[0];
  if (shape.enum) return { kind: "choice", choices: shape.enum };
  if (type === "string" && shape.anyOf) {
    // Of a field of this type, only the type's own words say how it is written.
    const help = [property.description, shape.description].filter(Boolean).join(" ");
    return { kind: "date-time", help: inNodeRed(help) };
  }
  if (type === "string" && shape.contentMediaType) return { kind: "json-object" };
  if (type === "string") return { kind: "text" };
  if (type === "integer") return { kind: "integer" };
  if (type === "array") {
    const item = resolve(schema, shape.items);
    const { name, value } = item.properties ?? {};
    const cases = value && resolve(schema, value).oneOf;
    if (name && cases && item.required.length === 2) {
      const values = cases.map((one) => ({ tag: one.required[0], label: one.title }));
      const labels = { name: name.title, value: value.title };
      return {
        kind: "dynamic-fields",
        labels,
        values,
        item: item.title,
        itemHelp: inNodeRed(item.description),
      };
    }
  }
  throw unknown(path);
}

const unknown = (path) => new Error(`the form has no control for ${path.join(".")}`);

/** What stands behind references and options. */
function resolve(schema, place) {
  if (place.$ref) return resolve(schema, schema.$defs[place.$ref.replace("#/$defs/", "")]);
  const some = place.anyOf?.filter(({ type }) => type !== "null");
  return some?.length === 1 ? resolve(schema, some[0]) : place;
}

const camelCase = (path) => path.join("-").replace(/-(.)/g, (_, letter) => letter.toUpperCase());

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Doc comments have Markdown's code spans. */
const prose = (text) => escape(text).replace(/`([^`]+)`/g, "<code>$1</code>");

function row(field, property) {
  const mark = field.required ? ' <span class="mixpanel-required" title="required">*</span>' : "";
  const help = field.help
    ? `<div class="mixpanel-help" id="${property}-help">${prose(field.help)}</div>`
    : "";
  if (field.kind === "dynamic-fields") {
    // Node-RED reads what has the id of a property by itself, and would find no value in a list.
    return `<div class="form-row mixpanel-row mixpanel-wide" role="group" aria-labelledby="${property}-label">
    <span id="${property}-label">${escape(field.label)}${mark}</span>
    ${help}
    <ol id="${property}-list"></ol>
  </div>`;
  }
  const described = help && ` aria-describedby="${property}-help"`;
  return `<div class="form-row mixpanel-row">
    <label for="${property}">${escape(field.label)}${mark}</label>
    <input type="text" id="${property}"${described}>
    ${help}
  </div>`;
}

function helpItem(field) {
  const optional = field.required ? "" : " optional";
  return `<dt class="${optional.trim()}">${escape(field.label)} <span class="property-type">${field.kind.replace("-", " ")}</span></dt>
    <dd>${prose(field.help || `The user's ${field.label.toLowerCase()}.`)}</dd>`;
}

async function fill(template, values) {
  const text = await readFile(new URL(template, import.meta.url), "utf8");
  return text.replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
}

/** The page of the config node. */
export function connectionForm(schema) {
  const all = connectionFields(schema);
  return fill("connection.html", {
    description: prose(inNodeRed(schema.$defs.connection.description)),
    regions: JSON.stringify(all.find(({ kind }) => kind === "choice").choices),
    rows: all.map((field) => row(field, `node-config-input-${field.key}`)).join("\n  "),
    help: all.map(helpItem).join("\n    "),
  });
}

/** The page of the node. */
export function profileForm(schema) {
  const all = fields(schema);
  const rows = all.flatMap((field, i) => [
    ...(field.group === all[i - 1]?.group ? [] : [`<h4>${escape(field.group)}</h4>`]),
    row(field, `node-input-${field.key}`),
  ]);
  // Inside a script element only "</" could end it.
  const data = JSON.stringify(all, null, 2).replace(/</g, "\\u003c");
  return fill("create-profile.html", {
    description: prose(inNodeRed(schema.description)),
    rows: rows.join("\n  "),
    help: all.map(helpItem).join("\n    "),
    fields: data,
  });
}
