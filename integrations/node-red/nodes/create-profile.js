"use strict";

const { CardError, SHORT, createProfile, invalidInput, sharedPool } = require("../lib/card.js");
const { reader } = require("../lib/input.js");
const { poolOptions } = require("../lib/settings.js");
const { Unfit } = require("../lib/values.js");

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
      new Promise((resolve, reject) =>
        RED.util.evaluateJSONataExpression(prepared, msg, (error, result) =>
          error
            ? reject(new Unfit(`has an expression that failed${whereIn(error)}`))
            : resolve(result),
        ),
      );
  }

  const property = (node, type, value) => (msg) =>
    new Promise((resolve, reject) =>
      RED.util.evaluateNodeProperty(value, type, node, msg, (error, result) =>
        // A TypeError is a property of something that is not there: then it is not there either.
        error && !(error instanceof TypeError) ? reject(error) : resolve(result),
      ),
    );

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
      let before = Promise.resolve();
      const inTurn = (reading) => {
        const turn = before.then(() => reading);
        before = turn.catch(() => {});
        return turn;
      };

      const run = async (msg) => {
        const { connection, faults } = connectionOf(config.connection);
        const { input, faults: unread = [] } = await inTurn(read(msg));
        const all = [...faults, ...unread];
        if (all.length > 0) throw invalidInput(all);
        if (closing) throw new CardError("execution-failed", STOPPED);
        sending++;
        show();
        try {
          return await createProfile(pool, connection, input, this);
        } finally {
          sending--;
        }
      };

      const handle = async (msg, send, done) => {
        let output;
        try {
          output = await run(msg);
        } catch (error) {
          const known =
            error instanceof CardError ? error : new CardError("execution-failed", error.message);
          show(failed(known));
          return handOver(this, msg, known, () => done(known));
        }
        show(answered(output));
        const result = { payload: output, statusCode: output.statusCode };
        const lost = new CardError(
          "execution-failed",
          `Status code ${output.statusCode}, but the message cannot be handed on; trying again is safe`,
        );
        handOver(this, { ...msg, ...result }, lost, () => {
          send(withResult(msg, result));
          done();
        });
      };

      this.on("input", (msg, send, done) => {
        const message = handle(msg, send, done)
          .catch((error) => this.error(`the message is lost: ${error.message}`))
          .finally(() => messages.delete(message));
        messages.add(message);
      });

      this.on("close", async (done) => {
        closing = true;
        const refused = pool.leave(this);
        // Node-RED may have stopped the Catch nodes already.
        if (refused > 0) this.warn(`${refused} waiting messages were not sent: ${STOPPED}`);
        let timer;
        const late = new Promise(
          (resolve) => (timer = setTimeout(resolve, CLOSE_WAIT_MILLISECONDS)),
        );
        await Promise.race([Promise.all(messages), late]);
        clearTimeout(timer);
        this.status({});
        done();
      });
    }
  }

  RED.nodes.registerType("mixpanel-create-profile", CreateProfile);
};

const STOPPED = "the flows were stopped; trying again is safe";

/** Where in an expression JSONata has failed. Its own words may repeat values. */
function whereIn({ code, position, message }) {
  if (AUTHORS_ERRORS.includes(code)) return `: ${message}`;
  return code ? ` (JSONata's ${code}, at character ${position})` : "";
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
function handOver(node, { _msgid, req, res, statusCode }, error, action) {
  try {
    action();
  } catch {
    node.error(error, { _msgid, statusCode, ...(req && { req }), ...(res && { res }) });
  }
}

const status = (fill, shape, text) => ({
  fill,
  shape,
  text: text.length > MAX_STATUS_LENGTH ? `${text.slice(0, MAX_STATUS_LENGTH - 1)}…` : text,
});

const underWay = (count) => status("blue", "dot", count > 1 ? `sending (${count})` : "sending");

function answered({ statusCode, reason }) {
  const success = statusCode >= 200 && statusCode < 300;
  const text = [statusCode, reason].filter(Boolean).join(" ");
  return status(success ? "green" : "red", success ? "dot" : "ring", text);
}

function failed({ code, cause }) {
  const fields =
    code === "permanent-invalid-input" ? `: ${cause.map(({ field }) => field).join(", ")}` : "";
  return status("red", "ring", `${SHORT[code]}${fields}`);
}
