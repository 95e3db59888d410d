"use strict";

// One call of the card: what a node gets of the pool, in the words of a flow.

const { Pool, PoolError } = require("./pool.js");

/**
 * Why there is no status code.
 *
 * `code` is a case of the interface's error and says who must act; `cause` of an invalid input is
 * the list of its fields. The text is all that a log shows: there is no stack worth showing.
 */
class CardError extends Error {
  constructor(code, message, cause) {
    super(message);
    this.code = code;
    if (cause) this.cause = cause;
    delete this.stack;
  }

  // Node-RED shows this text, and would put "Error: " before it.
  toString() {
    return this.message;
  }
}

/** What the status of a node says of each. */
const SHORT = {
  "permanent-invalid-input": "invalid input",
  "permanent-denied": "denied",
  transport: "no answer",
  "execution-failed": "failed",
};

const invalidInput = (faults) =>
  new CardError(
    "permanent-invalid-input",
    `Invalid input, nothing was sent: ${faults.map(({ field, reason }) => `${field} ${reason}`).join("; ")}`,
    faults,
  );

function errorOf({ tag, val }) {
  switch (tag) {
    case "permanent-invalid-input":
      return invalidInput(val);
    case "permanent-denied":
      return new CardError(tag, `Denied: ${val}`);
    case "transport":
      return new CardError(tag, `No answer: ${val}`);
    default:
      return new CardError("execution-failed", `The card failed (${tag}); trying again is safe`);
  }
}

/**
 * Creates a profile: `{statusCode, reason}`.
 *
 * @throws {CardError} where there is no status code
 */
async function createProfile(pool, connection, input) {
  let result;
  try {
    result = await pool.call(connection, input);
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    throw new CardError("execution-failed", error.message);
  }
  if (result.tag === "err") throw errorOf(result.val);
  const { statusCode, reason } = result.val;
  return { statusCode, reason: reason ?? null };
}

/** The pool that all nodes of a runtime share: it lives as long as one of them, or a call of it. */
const shared = { pool: null, users: 0 };

function acquirePool(options) {
  shared.users++;
  return (shared.pool ??= new Pool(options));
}

async function releasePool() {
  shared.users--;
  if (shared.users > 0) return;
  const { pool } = shared;
  shared.pool = null;
  // A call that is under way ends by itself: its profile shall not be lost to a new deployment.
  await pool.closeWhenIdle();
}

module.exports = { CardError, SHORT, acquirePool, createProfile, invalidInput, releasePool };
