"use strict";

// The node's configuration and a message → the card's input, or every field that cannot be read.
// Whether a value is right is the card's to say; here it only gets the type that the interface has.

const FIELDS = require("../card/fields.json");
const { variableIn } = require("./variables.js");
const {
  Unfit,
  boolean,
  customProperties,
  dateTime,
  number,
  text,
  textList,
} = require("./values.js");

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
      ? list(config[field.key], evaluate)
      : single(field.kind, config[field.key], config[`${field.key}Type`], evaluate),
  ]);

  /** `{input}`, or `{faults}`, each a field's path and the reason. */
  return async function read(msg) {
    const input = {};
    const faults = [];
    for (const [{ path, required }, read] of readers) {
      const fault = (part, error) =>
        faults.push({
          field: path.join(".") + part,
          // The words of any other error may repeat the value.
          reason:
            error instanceof Unfit ? error.message : "cannot be read: is it what its type says?",
        });
      const [group, name] = path.map(camelCase);
      // A required field is no option in the interface: the card says that it is blank.
      (input[group] ??= {})[name] = (await read(msg, fault)) ?? (required ? "" : undefined);
    }
    return faults.length > 0 ? { faults } : { input };
  };
}

function single(kind, value, type, evaluate) {
  const prepared = typed(kind, value, type, evaluate);
  return async (msg, fault) => {
    try {
      return convert(kind, await prepared(msg), fault);
    } catch (error) {
      fault("", error);
    }
  };
}

function list(items, evaluate) {
  // A flow file may have been edited by hand.
  const rows = Array.from(Array.isArray(items) ? items : [], (item) => {
    const { name, kind, type, value } = item ?? {};
    return { name, kind, prepared: typed(kind, value, type, evaluate) };
  });
  return async (msg, fault) => {
    const fields = [];
    for (const [index, { name, kind, prepared }] of rows.entries()) {
      if (typeof name !== "string") {
        fault(`[${index}].name`, new Unfit("is not a text: open the node and give a name"));
        continue;
      }
      // As the card names them.
      const part = name.trim() ? `.${name}` : `[${index}]`;
      try {
        const val = convert(kind, await prepared(msg), (inner, error) =>
          fault(part + inner, error),
        );
        if (val !== undefined) fields.push({ name, value: { tag: kind, val } });
      } catch (error) {
        fault(part, error);
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
    return async () => {
      throw new Unfit(`is the environment variable ${variable}, which is not set`);
    };
  }
  // The card says better than a parser what is wrong with a text.
  if (kind === "json-object" && type === "json") return async () => value;
  return evaluate(type, value);
}

/** `undefined` counts as left out. */
function convert(kind, value, fault) {
  if (value === undefined || value === null) return undefined;
  if (!Object.hasOwn(CONVERSIONS, kind)) {
    throw new Unfit("has an unknown type: open the node and choose one");
  }
  return CONVERSIONS[kind](value, fault);
}

const isBlank = (value) => value === undefined || value === null || String(value).trim() === "";
const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

module.exports = { FIELDS, reader };
