"use strict";

// One call of the card: what a node gets of the pool, in the words of a flow.

const { isA } = require("./faults.js");
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

function errorOf({ tag, val }, pool) {
  switch (tag) {
    case "permanent-invalid-input":
      return invalidInput(val);
    case "permanent-denied":
      return new CardError(tag, `Denied: ${val}${pool.restricted ? ALLOW : ""}`);
    case "transport":
      return new CardError(tag, `No answer: ${val}`);
    default:
      return new CardError("execution-failed", `The card failed (${tag}); trying again is safe`);
  }
}

const ALLOW =
  " (in settings.js, mixpanelCreateProfileAllowedOrigins lists the origins that are allowed)";

/** Whatever was thrown, as an error of a flow. The words of one that is not ours may repeat a value. */
function cardError(thrown) {
  if (isA(CardError, thrown)) return thrown;
  const words = isA(PoolError, thrown) ? thrown.message : "the node failed; trying again is safe";
  return new CardError("execution-failed", words);
}

/** What the card returns for a call of the pool. */
async function outcome(pool, call) {
  let result;
  try {
    result = await call;
  } catch (error) {
    throw cardError(error);
  }
  if (result.tag === "err") throw errorOf(result.val, pool);
  return result.val;
}

/**
 * Creates a profile: `{statusCode, reason}`. `messageBytes` is what is kept in memory until then.
 *
 * @throws {CardError} where there is no status code
 */
async function createProfile(pool, connection, input, user, messageBytes) {
  const call = pool.createProfile(connection, input, user, messageBytes);
  const { statusCode, reason } = await outcome(pool, call);
  return { statusCode, reason: reason ?? null };
}

/**
 * Asks Mixpanel whether the project token is right: `{verdict, statusCode, reason}`.
 *
 * @throws {CardError} where it could not be asked
 */
async function checkConnection(pool, connection, user) {
  const { verdict, statusCode, reason } = await outcome(
    pool,
    pool.checkConnection(connection, user),
  );
  return { verdict, statusCode: statusCode ?? null, reason: reason ?? null };
}

/** The pool of this process: all nodes share it, whatever is deployed. */
let shared;
const sharedPool = (options) => (shared ??= new Pool(options));

module.exports = {
  CardError,
  SHORT,
  cardError,
  checkConnection,
  createProfile,
  invalidInput,
  sharedPool,
};
