"use strict";

const { cardError, checkConnection, invalidInput, sharedPool } = require("../lib/card.js");
const { readConnection } = require("../lib/connection.js");
const { poolOptions } = require("../lib/settings.js");
const { variableIn } = require("../lib/variables.js");

/** How long a check may wait for a thread. The card itself takes ten seconds at most. */
const CHECK_WAIT_MILLISECONDS = 15_000;

module.exports = function (RED) {
  const pool = sharedPool(poolOptions(RED.settings));

  /** How the card reaches one Mixpanel project. */
  class MixpanelConnection {
    constructor(config) {
      RED.nodes.createNode(this, config);
      const { projectToken } = this.credentials ?? {};
      const { connection, faults } = readConnection({ ...config, projectToken });
      /** As the interface has it; not to be used where there are faults. */
      this.connection = connection;
      this.faults = faults;
    }
  }

  RED.nodes.registerType("mixpanel-connection", MixpanelConnection, {
    credentials: { projectToken: { type: "password" } },
  });

  /** The form's properties, with the token that is stored where none was typed. */
  function properties({ id, projectToken, region, baseUrl, maxRetries }) {
    const stored = () => RED.nodes.getCredentials(id)?.projectToken;
    const given = { projectToken: projectToken ?? stored(), region, baseUrl, maxRetries };
    const node = RED.nodes.getNode(id);
    const value = (text) => {
      const variable = variableIn(text);
      const isHidden = RED.settings.envVarExcludes?.includes(variable);
      return variable && !isHidden ? (RED.util.getSetting(node, variable) ?? text) : text;
    };
    return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, value(text)]));
  }

  // The form's button. Whoever may deploy flows could as well deploy one that uses the token.
  const permission = RED.auth.needsPermission("flows.write");
  RED.httpAdmin.post("/mixpanel-connection/check", permission, async (request, response) => {
    const user = {};
    const busy = "all threads are busy with messages, and nothing was sent: try again later";
    const timer = setTimeout(() => pool.leave(user, busy), CHECK_WAIT_MILLISECONDS);
    try {
      const { connection, faults } = readConnection(properties(request.body ?? {}));
      if (faults.length > 0) throw invalidInput(faults);
      response.json(await checkConnection(pool, connection, user));
    } catch (thrown) {
      const { code, message } = cardError(thrown);
      response.json({ code, message });
    } finally {
      clearTimeout(timer);
    }
  });
};
