"use strict";

// Values of messages → the types of the card's interface. What cannot be carried over exactly is
// refused: nothing is rounded, replaced or left out without a word.

const { types } = require("node:util");

const { isCarried, isDecimal, numbersIn } = require("./decimal.js");
const { Unfit, isA } = require("./faults.js");

/** Mixpanel's limits. What is over them is refused here, before it waits for a thread. */
const MAX_TEXT_BYTES = 255;
const MAX_JSON_BYTES = 1_000_000;
const MAX_LIST_BYTES = 256_000;
const MAX_LIST_ITEM_CHARACTERS = 255;

/** A string, of at most so many bytes as UTF-8. */
function text(value, maxBytes = MAX_TEXT_BYTES) {
  const string = toString(value);
  if (!string.isWellFormed()) throw new Unfit("holds half a character: give it whole");
  const bytes = Buffer.byteLength(string);
  // What is blank counts as left out, however long it is.
  if (bytes > maxBytes && string.trim() === "") return "";
  if (bytes > maxBytes) throw new Unfit(`has ${bytes} bytes: at most ${maxBytes} are allowed`);
  return string;
}

function toString(value) {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      return String(exact(value));
  }
  if (!Buffer.isBuffer(value)) throw new Unfit(`is ${named(value)}: give a text`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    throw new Unfit("is a Buffer that is not UTF-8: give a text");
  }
}

/** Longer integers have lost digits already where JavaScript has read them. */
function exact(number) {
  if (!Number.isFinite(number)) throw new Unfit(`is ${number}: give a finite number`);
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new Unfit(`is a number over ${Number.MAX_SAFE_INTEGER}: give it as a text`);
  }
  return number;
}

const INEXACT = "cannot be carried exactly as a number: give it as a text";

function number(value) {
  if (typeof value === "bigint") return number(String(value));
  if (typeof value === "string") {
    const decimal = value.trim();
    if (decimal === "") return undefined;
    if (isDecimal(decimal)) {
      const result = exact(Number(decimal));
      if (!isCarried(decimal)) throw new Unfit(INEXACT);
      return result;
    }
  }
  if (typeof value !== "number") throw new Unfit(`is ${named(value)}: give a number`);
  return exact(value);
}

/** What JSON holds, where JavaScript's numbers carry those of it. */
function json(value) {
  const result = JSON.parse(value);
  if (!numbersIn(value).every(isCarried)) throw new Unfit(`holds a number that ${INEXACT}`);
  return result;
}

function boolean(value) {
  if (typeof value === "boolean") return value;
  if (typeof value === "string" && value.trim() === "") return undefined;
  if (value === "true") return true;
  if (value === "false") return false;
  throw new Unfit(`is ${named(value)}: give true or false`);
}

/** The card reads the text. */
function dateTime(value) {
  if (!types.isDate(value)) return text(value);
  if (!isValid(value)) throw new Unfit("is an invalid Date: give a valid one");
  return Date.prototype.toISOString.call(value);
}

const isValid = (date) => !Number.isNaN(Date.prototype.getTime.call(date));

function textList(value) {
  if (typeof value === "string" && value.trim() === "") return undefined;
  if (!Array.isArray(value)) throw new Unfit(`is ${named(value)}: give an array of texts`);
  let bytes = 0;
  // Not `map`, which skips the holes of a list.
  return Array.from(value, (one, index) => {
    try {
      const item = text(one, MAX_LIST_BYTES);
      const characters = [...item].length;
      if (characters > MAX_LIST_ITEM_CHARACTERS) {
        throw new Unfit(
          `has ${characters} characters: at most ${MAX_LIST_ITEM_CHARACTERS} are allowed`,
        );
      }
      // Two quotes and a comma, as JSON.
      bytes += Buffer.byteLength(item) + 3;
      if (bytes > MAX_LIST_BYTES) throw new Unfit(`is beyond ${MAX_LIST_BYTES} bytes`);
      return item;
    } catch (error) {
      if (!isA(Unfit, error)) throw error;
      throw new Unfit(`has an item (number ${index + 1}) that ${error.message}`);
    }
  });
}

/**
 * Custom properties: an object of texts, as JSON, or JSON as it is, which the card reads. What is
 * wrong with a property is told to `fault`, with its name.
 */
function customProperties(value, fault) {
  if (typeof value === "string" || Buffer.isBuffer(value)) return text(value, MAX_JSON_BYTES);
  if (!isPlain(value)) throw new Unfit(`is ${named(value)}: give a plain object`);
  const properties = [];
  let bytes = 0;
  for (const name of Object.keys(value)) {
    const one = value[name];
    if (one === undefined || one === null) continue;
    const isDate = types.isDate(one) && isValid(one);
    if (typeof one !== "string" && !isDate) {
      fault(`.${name}`, `is ${named(one)}: give a text, or use a dynamic field`);
      continue;
    }
    const string = isDate ? dateTime(one) : one;
    // Four quotes, a colon and a comma.
    bytes += Buffer.byteLength(name) + Buffer.byteLength(string) + 6;
    if (bytes <= MAX_JSON_BYTES) properties.push([name, string]);
  }
  if (bytes > MAX_JSON_BYTES) {
    throw new Unfit(`has ${bytes} bytes: at most ${MAX_JSON_BYTES} are allowed`);
  }
  // Not `{}`, to which "__proto__" would be no property.
  return text(JSON.stringify(Object.fromEntries(properties)), MAX_JSON_BYTES);
}

/** Made by JSON or as a literal, in a function node, too, whose `Object` is another one. */
function isPlain(value) {
  if (typeof value !== "object" || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return !types.isProxy(prototype) && Object.getPrototypeOf(prototype) === null;
}

/** What a value is, without repeating it: it may be anything that a flow was fed. */
function named(value) {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (typeof value === "string") return "a text";
  if (Number.isNaN(value)) return "NaN";
  if (Array.isArray(value)) return "an array";
  if (types.isDate(value)) return isValid(value) ? "a Date" : "an invalid Date";
  if (types.isMap(value)) return "a Map";
  if (types.isSet(value)) return "a Set";
  if (types.isNativeError(value)) return "an Error";
  if (Buffer.isBuffer(value)) return "a Buffer";
  if (typeof value === "object")
    return isPlain(value) ? "an object" : "an object of a class of its own";
  return `a ${typeof value}`;
}

module.exports = {
  boolean,
  customProperties,
  dateTime,
  isPlain,
  json,
  number,
  text,
  textList,
};
