"use strict";

const {
  CardError,
  SHORT,
  cardError,
  createProfile,
  invalidInput,
  sharedPool,
} = require("../lib/card.js");
const { Unfit } = require("../lib/faults.js");
const { reader } = require("../lib/input.js");
const { messageSize } = require("../lib/message-size.js");
const { DEFAULTS } = require("../lib/pool.js");
const { poolOptions } = require("../lib/settings.js");
const { Turns } = require("../lib/turns.js");
const { isNotSet, variablesOf } = require("../lib/variables.js");

/** How long a field may take to be read: an expression, or a store of contexts. */
const READ_SECONDS = 30;

/** How long a new deployment waits for calls that are under way, to hand on what they return. */
const CLOSE_WAIT_MILLISECONDS = 3_000;

/** How long a status may be late. */
const STATUS_MILLISECONDS = 50;

/** Of a status: more is cut off by the editor, too. */
const MAX_STATUS_LENGTH = 60;

/** JSONata's codes of `$error` and `$assert`: the words are the author's. */
const AUTHORS_ERRORS = ["D3137", "D3141"];

module.exports = function (RED) {
  const pool = sharedPool(poolOptions(RED.settings));

  /** A typed input: prepared once, evaluated for each message. */
  function evaluator(node) {
    return (type, value) =>
      type === "jsonata" ? expression(node, value) : property(node, type, value);
  }

  function expression(node, value) {
    let prepared;
    try {
      prepared = RED.util.prepareJSONataExpression(value, node);
    } catch (error) {
      return async () => {
        throw new Unfit(`has an expression that is not valid${whereIn(error)}`);
      };
    }
    return (msg) =>
      answer((callback) =>
        RED.util.evaluateJSONataExpression(prepared, msg, (error, ...results) => {
          // What was thrown may be null: then there is no result beside it.
          if (results.length > 0) callback(null, results[0]);
          else callback(new Unfit(`has an expression that failed${whereIn(error)}`));
        }),
      );
  }

  function property(node, type, value) {
    if (type === "msg") return async (msg) => messageProperty(String(value), msg);
    if (type === "env") {
      return async () => {
        for (const name of variablesOf(String(value))) {
          if (RED.util.getSetting(node, name) === undefined) throw new Unfit(isNotSet(name));
        }
        return RED.util.evaluateNodeProperty(value, type, node);
      };
    }
    return (msg) =>
      answer((callback) => RED.util.evaluateNodeProperty(value, type, node, msg, callback));
  }

  /** Where a part of the path is not there, the property is not there either. */
  function messageProperty(path, msg) {
    let found = msg;
    for (const part of RED.util.normalisePropertyExpression(path.replace(/^msg\./, ""), msg)) {
      if (found === undefined || found === null) return undefined;
      found = found[part];
    }
    return found;
  }

  /** A connection as the interface has it, or what is wrong with it. */
  function connectionOf(id) {
    const node = RED.nodes.getNode(id);
    if (node?.type === "mixpanel-connection") return node;
    const fault = (reason) => ({ faults: [{ field: "connection", reason }] });
    if (node) return fault("is a node of another type: choose a connection in the node");
    let disabled = false;
    RED.nodes.eachNode((other) => (disabled ||= other.id === id && other.d === true));
    return fault(disabled ? "is disabled: enable it" : "is missing: choose one in the node");
  }

  /** Creates a profile in Mixpanel for each message. */
  class CreateProfile {
    constructor(config) {
      RED.nodes.createNode(this, config);
      pool.join(this);
      const read = reader(config, evaluator(this));
      const messages = new Set();
      let sending = 0;
      let closing = false;
      /** Profiles of messages that were under way when the node was stopped. */
      let storedLate = 0;

      // Many calls may begin and end in a moment: the editor is told once.
      let latest = {};
      let scheduled = false;
      const show = (status = latest) => {
        latest = status;
        if (scheduled) return;
        scheduled = true;
        setTimeout(() => {
          scheduled = false;
          // What is still under way matters more than what has ended.
          if (!closing) this.status(sending > 0 ? underWay(sending) : latest);
        }, STATUS_MILLISECONDS);
      };

      // Calls are made in the order of the messages, however long an expression takes.
      const turns = new Turns();
      const run = async (msg) => {
        const { connection, faults } = connectionOf(config.connection);
        const bytes = messageSize(msg, DEFAULTS.maxWaitingBytes);
        const { input, faults: unread = [] } = await turns.next(bytes, () => read(msg));
        const all = [...faults, ...unread];
        if (all.length > 0) throw invalidInput(all);
        if (closing) throw new CardError("execution-failed", STOPPED);
        sending++;
        show();
        try {
          const output = await createProfile(pool, connection, input, this, bytes);
          if (closing && isSuccess(output)) storedLate++;
          return output;
        } finally {
          sending--;
        }
      };

      const handle = async (msg, send, done) => {
        let output;
        try {
          output = await run(msg);
        } catch (thrown) {
          const error = cardError(thrown);
          show(failed(error));
          return handOver(this, msg, {}, error, () => done(error));
        }
        show(answered(output));
        const { statusCode } = output;
        const lost = new CardError(
          "execution-failed",
          `Status code ${statusCode}, but the message cannot be handed on; trying again is safe`,
        );
        handOver(this, msg, { statusCode }, lost, () => {
          send(withResult(msg, { payload: output, statusCode }));
          done();
        });
      };

      this.on("input", (msg, send, done) => {
        const message = handle(msg, send, done)
          .catch(() => this.error("a message is lost: neither it nor its error can be handed on"))
          .finally(() => messages.delete(message));
        messages.add(message);
      });

      this.on("close", async (done) => {
        closing = true;
        const waiting = messages.size - sending + pool.leave(this);
        const underWay = messages.size - waiting;
        let timer;
        const late = new Promise(
          (resolve) => (timer = setTimeout(resolve, CLOSE_WAIT_MILLISECONDS)),
        );
        await Promise.race([Promise.all(messages), late]);
        clearTimeout(timer);
        // Node-RED may have stopped the nodes that come next already, Catch nodes too.
        const lines = [];
        if (waiting > 0) lines.push(`${waiting} waiting messages were not sent: ${STOPPED}`);
        if (underWay > 0) {
          const failures = underWay - storedLate - sending;
          lines.push(
            `messages under way when the flows were stopped: ${underWay} (${storedLate} stored, ${failures} failed, ${sending} not known yet); their results may be lost`,
          );
        }
        if (lines.length > 0) this.warn(lines.join("; "));
        this.status({});
        done();
      });
    }
  }

  RED.nodes.registerType("mixpanel-create-profile", CreateProfile);
};

const STOPPED = "the flows were stopped; trying again is safe";

/** What a function that calls back gives, in time. */
function answer(ask) {
  return new Promise((resolve, reject) => {
    let timer;
    let isOver = false;
    ask((error, result) => {
      isOver = true;
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(result);
    });
    if (isOver) return;
    const late = () => reject(new Unfit(`has no value after ${READ_SECONDS} seconds`));
    timer = setTimeout(late, READ_SECONDS * 1_000);
  });
}

/** Where in an expression JSONata has failed. Its own words may repeat values. */
function whereIn(error) {
  try {
    const { code, position, message } = error;
    if (AUTHORS_ERRORS.includes(code)) return `: ${message}`;
    const isJsonatas = /^[A-Z]\d{4}$/.test(code) && Number.isInteger(position);
    return isJsonatas ? ` (JSONata's ${code}, at character ${position})` : "";
  } catch {
    // It may be null, or throw when it is read.
    return "";
  }
}

/** The message with the result; a copy of it where it is frozen. */
function withResult(msg, result) {
  try {
    return Object.assign(msg, result);
  } catch {
    return { ...msg, ...result };
  }
}

/**
 * Hands a message over to Node-RED, which copies it for Catch nodes, Complete nodes and several
 * wires. What it cannot copy, such as 20,000 nested arrays, must not end the process: then the error
 * goes to Catch nodes with what a flow needs to answer.
 */
function handOver(node, msg, result, error, action) {
  // Before the action: a copy that fails leaves the message without `req` and `res`.
  const context = { ...essentials(msg), ...result };
  try {
    action();
  } catch {
    node.error(error, context);
  }
}

/** What a flow needs to answer. A message may throw when it is read. */
function essentials(msg) {
  const found = {};
  for (const name of ["_msgid", "req", "res", "statusCode"]) {
    try {
      if (msg[name] !== undefined) found[name] = msg[name];
    } catch {
      // Then the flow has to do without.
    }
  }
  return found;
}

const status = (fill, shape, text) => ({
  fill,
  shape,
  text: text.length > MAX_STATUS_LENGTH ? `${text.slice(0, MAX_STATUS_LENGTH - 1)}…` : text,
});

const underWay = (count) => status("blue", "dot", count > 1 ? `sending (${count})` : "sending");

const isSuccess = ({ statusCode }) => statusCode >= 200 && statusCode < 300;

function answered({ statusCode, reason }) {
  const success = isSuccess({ statusCode });
  const text = [statusCode, reason].filter(Boolean).join(" ");
  return status(success ? "green" : "red", success ? "dot" : "ring", text);
}

function failed({ code, cause }) {
  const fields =
    code === "permanent-invalid-input" ? `: ${cause.map(({ field }) => field).join(", ")}` : "";
  return status("red", "ring", `${SHORT[code]}${fields}`);
}
