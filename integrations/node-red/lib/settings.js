"use strict";

// What an operator may set in Node-RED's `settings.js`.

const THREADS = "mixpanelCreateProfileThreads";
const ALLOWED_ORIGINS = "mixpanelCreateProfileAllowedOrigins";

const MAX_THREADS = 64;

/** The options of the pool. Throws where a setting cannot be understood: then no node is loaded. */
function poolOptions(settings) {
  for (const name of Object.keys(settings)) {
    // A slip in a name must not lift a limit.
    if (/^mixpanel/i.test(name) && name !== THREADS && name !== ALLOWED_ORIGINS) {
      throw new Error(`${name} is not a setting: there are ${THREADS} and ${ALLOWED_ORIGINS}`);
    }
  }
  const { [THREADS]: threads, [ALLOWED_ORIGINS]: origins } = settings;
  const options = {};
  if (threads !== undefined) {
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
      throw new Error(`${THREADS} must be a whole number from 1 to ${MAX_THREADS}`);
    }
    options.threads = threads;
  }
  if (origins !== undefined) {
    if (!Array.isArray(origins) || !origins.every(isOrigin)) {
      throw new Error(
        `${ALLOWED_ORIGINS} must be a list of whole origins, such as ["https://api-eu.mixpanel.com"]`,
      );
    }
    options.allowedOrigins = origins.map((origin) => new URL(origin).origin);
  }
  return options;
}

/** An origin, and nothing else: neither a path nor a wildcard. */
function isOrigin(text) {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  const bare = pathname === "/" && !search && !hash && !username && !password;
  return bare && !hostname.includes("*") && (protocol === "http:" || protocol === "https:");
}

module.exports = { poolOptions };
