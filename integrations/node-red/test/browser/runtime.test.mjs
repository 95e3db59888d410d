// A real Node-RED with the packed package: what needs its HTTP, its users or its settings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TOKEN, closedOrigin, eventually, standIn } from "../support.mjs";
import { nodeRed } from "./support.mjs";

test("a message from outside ends nothing, and the next one is answered", async () => {
  const [mixpanel, red] = await Promise.all([standIn(), nodeRed()]);
  try {
    const place = { z: "tab", x: 0, y: 0 };
    await red.deploy([
      { id: "tab", type: "tab", label: "http" },
      { ...place, id: "in", type: "http in", url: "/create", method: "post", wires: [["card"]] },
      {
        id: "connection",
        type: "mixpanel-connection",
        region: "standard",
        baseUrl: mixpanel.origin,
        maxRetries: "0",
        credentials: { projectToken: TOKEN },
      },
      {
        ...place,
        id: "card",
        type: "mixpanel-create-profile",
        connection: "connection",
        profileProfileId: "payload.id",
        profileProfileIdType: "msg",
        propertiesCustomProperties: "payload.c",
        propertiesCustomPropertiesType: "msg",
        wires: [["out"]],
      },
      { ...place, id: "out", type: "http response", statusCode: "" },
      { ...place, id: "catch", type: "catch", scope: null, wires: [["words"]] },
      {
        ...place,
        id: "words",
        type: "change",
        rules: [
          { t: "set", p: "payload", pt: "msg", to: "error", tot: "msg" },
          { t: "set", p: "statusCode", pt: "msg", to: "422", tot: "num" },
        ],
        wires: [["out"]],
      },
    ]);
    const post = async (body) => {
      const response = await fetch(`${red.origin}/create`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(30_000),
      });
      return { status: response.status, body: await response.json() };
    };
    // Deployed is not yet started.
    await eventually(async () => {
      const { status } = await fetch(`${red.origin}/create`, { method: "POST" });
      return status === 422;
    });
    const deep = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;
    for (const c of [deep, `{"a":${deep}}`]) {
      const { status, body } = await post(`{"id":"deep","c":${c}}`);
      assert.equal(status, 422);
      assert.equal(body.code, "permanent-invalid-input");
    }
    const { status, body } = await post('{"id":"next","c":{"plan":"free"}}');
    assert.deepEqual([status, body.statusCode], [200, 200]);
    assert.equal((await mixpanel.profile("next")).$properties.plan, "free");
  } finally {
    await red.stop();
    mixpanel.stop();
  }
});

test("a connection is tested by whoever may deploy flows", async () => {
  const [red, baseUrl] = await Promise.all([nodeRed({ withUsers: true }), closedOrigin()]);
  try {
    const check = (permission) =>
      fetch(`${red.origin}/mixpanel-connection/check`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(permission && { authorization: `Bearer ${permission}` }),
        },
        body: JSON.stringify({ projectToken: "", region: "eu", baseUrl, maxRetries: "0" }),
      });
    for (const permission of [undefined, "read", "flows.read", "inject.write"]) {
      assert.equal((await check(permission)).status, 401, permission);
    }
    for (const permission of ["*", "flows.write"]) {
      const response = await check(permission);
      assert.equal(response.status, 200);
      assert.equal((await response.json()).code, "permanent-invalid-input");
    }
  } finally {
    await red.stop();
  }
});

test("settings that are not understood keep the nodes from being loaded", async () => {
  for (const [settings, words] of [
    [{ mixpanelCreateProfileAllowedOrigin: ["https://api.mixpanel.com"] }, /is not a setting/],
    [{ mixpanelCreateProfileAllowedOrigins: ["https://*.mixpanel.com"] }, /list of whole origins/],
  ]) {
    const red = await nodeRed(settings);
    try {
      const { status } = await fetch(`${red.origin}/mixpanel-connection/check`, { method: "POST" });
      assert.equal(status, 404);
      const log = red.log.filter((line) => words.test(line));
      assert.equal(log.length, 2, red.log.join("\n"));
    } finally {
      await red.stop();
    }
  }
});
