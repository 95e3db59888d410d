"use strict";

// The node's configuration and a message → the card's input, or every field that cannot be read.
// Whether a value is right is the card's to say; here it only gets the type that the interface has.

const FIELDS = require("../card/fields.json");
const { Faults, Unfit, reasonOf } = require("./faults.js");
const {
  boolean,
  customProperties,
  dateTime,
  json,
  number,
  text,
  textList,
} = require("./values.js");
const { isNotSet, variableIn } = require("./variables.js");

/** The types of the interface, by the names that the form has for them. */
const CONVERSIONS = {
  text: (value) => text(value),
  "date-time": dateTime,
  "json-object": customProperties,
  number,
  boolean,
  "text-list": textList,
};

/**
 * Reads the fields of messages, as `config` says.
 *
 * `evaluate(type, value)` prepares a typed input and returns an async function of the message.
 */
function reader(config, evaluate) {
  const readers = FIELDS.map((field) => [
    field,
    field.kind === "dynamic-fields"
      ? list(field, config[field.key], evaluate)
      : single(field.kind, config[field.key], config[`${field.key}Type`], evaluate),
  ]);

  /** `{input}`, or `{faults}`, each a field's path and the reason. */
  return async function read(msg) {
    const input = {};
    const faults = new Faults();
    for (const [{ path, required }, read] of readers) {
      const fault = (part, reason) => faults.add(path.join("."), part, reason);
      const [group, name] = path.map(camelCase);
      // A required field is no option in the interface: the card says that it is blank.
      (input[group] ??= {})[name] = (await read(msg, fault)) ?? (required ? "" : undefined);
    }
    return faults.list.length > 0 ? { faults: faults.list } : { input };
  };
}

function single(kind, value, type, evaluate) {
  const prepared = typed(kind, value, type, evaluate);
  return async (msg, fault) => {
    try {
      return convert(kind, await prepared(msg), fault);
    } catch (error) {
      fault("", reasonOf(error));
    }
  };
}

function list({ values }, items, evaluate) {
  const kinds = values.map(({ tag }) => tag);
  // A flow file may have been edited by hand.
  const rows = Array.from(Array.isArray(items) ? items : [], (item) => {
    const { name, kind, type, value } = item ?? {};
    return { name, kind, prepared: typed(kind, value, type, evaluate) };
  });
  return async (msg, fault) => {
    const fields = [];
    for (const [index, { name, kind, prepared }] of rows.entries()) {
      if (typeof name !== "string") {
        fault(`[${index}].name`, "is not a text: open the node and give a name");
        continue;
      }
      const variable = variableIn(name);
      if (variable) {
        fault(`[${index}].name`, isNotSet(variable));
        continue;
      }
      // As the card names them.
      const part = name.trim() ? `.${name}` : `[${index}]`;
      try {
        if (!kinds.includes(kind)) {
          throw new Unfit("has an unknown type: open the node and choose one");
        }
        const val = convert(kind, await prepared(msg));
        if (val !== undefined) fields.push({ name, value: { tag: kind, val } });
      } catch (error) {
        fault(part, reasonOf(error));
      }
    }
    return fields;
  };
}

function typed(kind, value, type, evaluate) {
  if (type === "now") return async () => new Date();
  if (isBlank(value)) return async () => undefined;
  const variable = variableIn(value);
  if (variable) {
    return fixed(() => {
      throw new Unfit(isNotSet(variable));
    });
  }
  // The card says better than a parser what is wrong with a text.
  if (kind === "json-object" && type === "json") return async () => value;
  // Node-RED would round these.
  if (type === "json") return fixed(() => json(value));
  if (type === "num") return fixed(() => (number(value), value));
  return evaluate(type, value);
}

/** A value that is the same for each message, and so is what is wrong with it. */
function fixed(read) {
  const value = (async () => read())();
  // Whoever asks is told.
  value.catch(() => {});
  return () => value;
}

/** `undefined` counts as left out. */
function convert(kind, value, fault) {
  if (value === undefined || value === null) return undefined;
  return CONVERSIONS[kind](value, fault);
}

const isBlank = (value) => value === undefined || value === null || String(value).trim() === "";
const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

module.exports = { FIELDS, reader };
