"use strict";

// The node's configuration and a message → the card's input, or every field that could not be read.
// Whether a value is right is the card's to say; here it only gets the type that the interface has.

const FIELDS = require("../card/fields.json");

/** A profile holds 1 MB at most: longer texts are not even handed over. */
const MAX_TEXT_LENGTH = 1_000_000;

/** A list holds 256 KB at most. */
const MAX_LIST_LENGTH = 256_000;

/** A value that cannot be handed over; the rest of a sentence that starts with the field. */
class Unfit extends Error {}

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
      const fault = (part, { message }) =>
        faults.push({ field: path.join(".") + part, reason: message });
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
      return convert(kind, await prepared(msg));
    } catch (error) {
      fault("", error);
    }
  };
}

function list(items = [], evaluate) {
  const rows = items.map(({ name, kind, type, value }) => ({
    name,
    kind,
    prepared: typed(kind, value, type, evaluate),
  }));
  return async (msg, fault) => {
    const fields = [];
    for (const [index, { name, kind, prepared }] of rows.entries()) {
      try {
        const val = convert(kind, await prepared(msg));
        if (val !== undefined) fields.push({ name, value: { tag: kind, val } });
      } catch (error) {
        // As the card names them.
        fault(name?.trim() ? `.${name}` : `[${index}]`, error);
      }
    }
    return fields;
  };
}

function typed(kind, value, type, evaluate) {
  if (type === "now") return async () => new Date();
  if (isBlank(value)) return async () => undefined;
  // The card says better than a parser what is wrong with a text.
  if (kind === "json-object" && type === "json") return async () => value;
  return evaluate(type, value);
}

/** `undefined` counts as left out. */
function convert(kind, value) {
  if (value === undefined || value === null) return undefined;
  switch (kind) {
    case "text":
      return text(value);
    case "date-time":
      return value instanceof Date ? date(value) : text(value);
    case "json-object":
      return isObject(value) && !Buffer.isBuffer(value) ? json(value) : text(value);
    case "number":
      return number(value);
    case "boolean":
      return boolean(value);
    case "text-list":
      if (typeof value === "string" && isBlank(value)) return undefined;
      if (!Array.isArray(value)) throw new Unfit(`is ${named(value)}: give an array of texts`);
      if (value.length > MAX_LIST_LENGTH) {
        throw new Unfit(`has ${value.length} items: a list holds 256 KB at most`);
      }
      return value.map(item);
    default:
      throw new Unfit(`has an unknown type: open the node and choose one`);
  }
}

function item(value, index) {
  try {
    return text(value);
  } catch ({ message }) {
    throw new Unfit(`has an item (number ${index + 1}) that ${message}`);
  }
}

function text(value) {
  if (Buffer.isBuffer(value)) value = value.toString();
  if (["number", "bigint", "boolean"].includes(typeof value)) value = String(value);
  if (typeof value !== "string") throw new Unfit(`is ${named(value)}: give a text`);
  if (value.length > MAX_TEXT_LENGTH) {
    throw new Unfit(`has ${value.length} characters: a profile holds 1 MB at most`);
  }
  // A lone surrogate has no UTF-8: it is replaced as everywhere else on the way to a server.
  return value;
}

function date(value) {
  if (Number.isNaN(value.getTime())) throw new Unfit("is an invalid Date");
  return value.toISOString();
}

function json(value) {
  try {
    return text(JSON.stringify(value));
  } catch (error) {
    throw error instanceof Unfit ? error : new Unfit("is an object that JSON cannot express");
  }
}

function number(value) {
  if (typeof value === "number") return value;
  if (typeof value === "string" && isBlank(value)) return undefined;
  const read = typeof value === "string" ? Number(value) : NaN;
  if (!Number.isFinite(read)) throw new Unfit(`is ${named(value)}: give a number`);
  return read;
}

function boolean(value) {
  if (typeof value === "boolean") return value;
  if (typeof value === "string" && isBlank(value)) return undefined;
  if (value === "true") return true;
  if (value === "false") return false;
  throw new Unfit(`is ${named(value)}: give true or false`);
}

/** What a value is, without repeating it: it may be anything that a flow was fed. */
function named(value) {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a Date";
  if (typeof value === "object" || typeof value === "undefined") return "an object";
  return (
    { string: "a text", boolean: "a boolean", number: "a number" }[typeof value] ??
    `a ${typeof value}`
  );
}

const isObject = (value) => typeof value === "object";
const isBlank = (value) => value === undefined || value === null || String(value).trim() === "";
const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

module.exports = { FIELDS, reader };
