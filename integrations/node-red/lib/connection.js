"use strict";

// A connection's properties → the card's connection, and every field that cannot be one. Whether
// the values are right is the card's to say.

const { Unfit, reasonOf } = require("./faults.js");
const { text } = require("./values.js");
const { isNotSet, variableIn } = require("./variables.js");

const REGIONS = ["standard", "eu", "india"];

const MAX_URL_BYTES = 2_000;

function readConnection({ projectToken, region, baseUrl, maxRetries }) {
  const faults = [];
  const read = (field, value, convert) => {
    try {
      const variable = variableIn(value);
      if (variable) {
        throw new Unfit(`${isNotSet(variable)}, or was not when the flows were deployed`);
      }
      // Of a variable, the value need not be a text.
      return convert(text(value ?? "", MAX_URL_BYTES));
    } catch (error) {
      faults.push({ field: `connection.${field}`, reason: reasonOf(error) });
    }
  };
  const connection = {
    projectToken: read("project-token", projectToken, (token) => token),
    region: read("region", region, regionOf),
    baseUrl: read("base-url", baseUrl, (url) => url.trim() || undefined),
    maxRetries: read("max-retries", maxRetries, retriesOf),
  };
  return { connection, faults };
}

function regionOf(region) {
  if (!REGIONS.includes(region)) throw new Unfit(`is none of ${REGIONS.join(", ")}`);
  return region;
}

function retriesOf(retries) {
  if (retries.trim() === "") return undefined;
  // What the interface's type holds; up to how many are right is the card's to say.
  if (!/^\s*\d+\s*$/.test(retries) || Number(retries) > 255) {
    throw new Unfit("is not a whole number from 0 to 10");
  }
  return Number(retries);
}

module.exports = { REGIONS, readConnection };
