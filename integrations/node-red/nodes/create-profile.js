"use strict";

const {
  CardError,
  SHORT,
  acquirePool,
  createProfile,
  invalidInput,
  releasePool,
} = require("../lib/card.js");
const { reader } = require("../lib/input.js");
const { poolOptions } = require("../lib/settings.js");

/** How long a new deployment waits for calls that are under way, to hand on what they return. */
const CLOSE_WAIT_MILLISECONDS = 3_000;

/** Of a status: more is cut off by the editor, too. */
const MAX_STATUS_LENGTH = 60;

module.exports = function (RED) {
  const options = poolOptions(RED.settings);

  /** A typed input: prepared once, evaluated for each message. */
  function evaluator(node) {
    return (type, value) => {
      if (type === "jsonata") {
        let expression;
        try {
          expression = RED.util.prepareJSONataExpression(value, node);
        } catch (error) {
          return async () => {
            throw new Error(`has an expression that is not valid: ${error.message}`);
          };
        }
        return (msg) =>
          new Promise((resolve, reject) =>
            RED.util.evaluateJSONataExpression(expression, msg, (error, result) =>
              error
                ? reject(new Error(`has an expression that failed: ${error.message}`))
                : resolve(result),
            ),
          );
      }
      return (msg) =>
        new Promise((resolve, reject) =>
          RED.util.evaluateNodeProperty(value, type, node, msg, (error, result) =>
            // A TypeError is a property of something that is not there: then it is not there either.
            error && !(error instanceof TypeError)
              ? reject(new Error(`cannot be read: ${error.message ?? error}`))
              : resolve(result),
          ),
        );
    };
  }

  /** Creates a profile in Mixpanel for each message. */
  class CreateProfile {
    constructor(config) {
      RED.nodes.createNode(this, config);
      const pool = acquirePool(options);
      const read = reader(config, evaluator(this));
      const calls = new Set();

      const show = (fill, shape, text) => {
        const cut =
          text.length > MAX_STATUS_LENGTH ? `${text.slice(0, MAX_STATUS_LENGTH - 1)}…` : text;
        this.status({ fill, shape, text: cut });
      };
      const sending = () =>
        show("blue", "dot", calls.size > 1 ? `sending (${calls.size})` : "sending");

      const run = async (msg) => {
        const connection = RED.nodes.getNode(config.connection);
        if (!connection) {
          throw invalidInput([
            { field: "connection", reason: "is missing: choose one in the node" },
          ]);
        }
        const { input, faults = [] } = await read(msg);
        const all = [...connection.faults, ...faults];
        if (all.length > 0) throw invalidInput(all);
        return createProfile(pool, connection.connection, input);
      };

      this.on("input", (msg, send, done) => {
        const call = run(msg).then(
          (payload) => {
            msg.payload = payload;
            msg.statusCode = payload.statusCode;
            const { statusCode, reason } = payload;
            const success = statusCode >= 200 && statusCode < 300;
            end(() =>
              show(
                success ? "green" : "red",
                success ? "dot" : "ring",
                [statusCode, reason].filter(Boolean).join(" "),
              ),
            );
            send(msg);
            done();
          },
          (error) => {
            const fields =
              error.code === "permanent-invalid-input"
                ? `: ${error.cause.map(({ field }) => field).join(", ")}`
                : "";
            end(() => show("red", "ring", `${SHORT[error.code] ?? "failed"}${fields}`));
            done(
              error instanceof CardError ? error : new CardError("execution-failed", error.message),
            );
          },
        );
        const end = (status) => {
          calls.delete(call);
          // What is still under way matters more than what has ended.
          if (calls.size > 0) sending();
          else status();
        };
        calls.add(call);
        sending();
      });

      this.on("close", async (done) => {
        let timer;
        const late = new Promise(
          (resolve) => (timer = setTimeout(resolve, CLOSE_WAIT_MILLISECONDS)),
        );
        await Promise.race([Promise.allSettled(calls), late]);
        clearTimeout(timer);
        releasePool();
        this.status({});
        done();
      });
    }
  }

  RED.nodes.registerType("mixpanel-create-profile", CreateProfile);
};
