"use strict";

module.exports = function (RED) {
  /** How the card reaches one Mixpanel project. */
  class MixpanelConnection {
    constructor(config) {
      RED.nodes.createNode(this, config);
      const blank = (value) => value === undefined || value === null || String(value).trim() === "";
      /** As the interface has it. */
      this.connection = {
        projectToken: this.credentials?.projectToken ?? "",
        region: config.region,
        baseUrl: blank(config.baseUrl) ? undefined : String(config.baseUrl).trim(),
        maxRetries: blank(config.maxRetries) ? undefined : Number(config.maxRetries),
      };
      this.faults = faults(this.connection);
    }
  }

  // What the interface's types cannot hold; all other rules are the card's.
  function faults({ region, maxRetries }) {
    const found = [];
    if (!["standard", "eu", "india"].includes(region)) {
      found.push({ field: "connection.region", reason: "is none of standard, eu and india" });
    }
    if (
      maxRetries !== undefined &&
      !(Number.isInteger(maxRetries) && maxRetries >= 0 && maxRetries <= 255)
    ) {
      found.push({ field: "connection.max-retries", reason: "is not a whole number from 0 to 10" });
    }
    return found;
  }

  RED.nodes.registerType("mixpanel-connection", MixpanelConnection, {
    credentials: { projectToken: { type: "password" } },
  });
};
