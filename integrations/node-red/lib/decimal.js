"use strict";

// Numbers that are given as text: JavaScript would round them without a word.

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

const isDecimal = (text) => DECIMAL.test(text) && /^[+-]?\.?\d/.test(text);

/**
 * Whether a number of JavaScript's carries a decimal without a change: it holds it exactly, or is
 * itself written so (`0.1`), which is the shortest decimal that leads back to it.
 */
function isCarried(text) {
  const number = Number(text);
  const given = normal(text);
  return given === normal(String(number)) || given === normal(number.toPrecision(100));
}

/** One form for each number: its digits without zeros at either end, and a power of ten. */
function normal(text) {
  const [, sign, integer, fraction, exponent = "0"] = DECIMAL.exec(text);
  const digits = integer + fraction;
  let start = 0;
  let end = digits.length;
  while (digits[start] === "0") start++;
  while (end > start && digits[end - 1] === "0") end--;
  if (start === end) return "0";
  const power = Number(exponent) + integer.length - start;
  return `${sign === "-" ? "-" : ""}${digits.slice(start, end)}e${power}`;
}

/** The numbers of a JSON text, as they are written there. */
const numbersIn = (json) =>
  (json.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*/gi) ?? []).filter((token) => token[0] !== '"');

module.exports = { isCarried, isDecimal, numbersIn };
