"use strict";

// What an operator may set in Node-RED's `settings.js`.

const MAX_THREADS = 64;

/** The options of the pool. Throws where a setting cannot be understood: then no node is loaded. */
function poolOptions({
  mixpanelCreateProfileThreads: threads,
  mixpanelCreateProfileAllowedOrigins: origins,
}) {
  const options = {};
  if (threads !== undefined) {
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
      throw new Error(
        `mixpanelCreateProfileThreads must be a whole number from 1 to ${MAX_THREADS}`,
      );
    }
    options.threads = threads;
  }
  if (origins !== undefined) {
    if (!Array.isArray(origins) || !origins.every(isOrigin)) {
      throw new Error(
        'mixpanelCreateProfileAllowedOrigins must be a list of origins, such as ["https://api-eu.mixpanel.com"]',
      );
    }
    options.allowedOrigins = origins.map((origin) => new URL(origin).origin);
  }
  return options;
}

function isOrigin(text) {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  const bare = pathname === "/" && !search && !hash && !username && !password;
  return bare && (protocol === "http:" || protocol === "https:");
}

module.exports = { poolOptions };
