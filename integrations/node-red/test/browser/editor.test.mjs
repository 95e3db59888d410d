// A real Node-RED in a real browser: from the palette to the profile.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { TOKEN, eventually, standIn } from "../support.mjs";
import { Editor } from "./editor.mjs";
import { launchChromium, nodeRed } from "./support.mjs";

let mixpanel, red, browser;
before(async () => {
  [mixpanel, red, browser] = await Promise.all([standIn(), nodeRed(), launchChromium()]);
});
after(async () => {
  await browser?.close();
  await red?.stop();
  mixpanel?.stop();
});
beforeEach(() => mixpanel.setFaults());

test("a node from the palette, filled in, deployed, injected: the status code and the profile", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  const inject = await editor.drop("inject", 120, 120);
  const card = await editor.drop("mixpanel-create-profile", 330, 120);
  const debug = await editor.drop("debug", 550, 120);
  await editor.wire(inject, card);
  await editor.wire(card, debug);

  // Not filled in yet: the triangle of a node that is not complete.
  await editor.node(card).locator(".red-ui-flow-node-error").waitFor();

  await editor.edit(card);
  await editor.editConnection();
  assert.equal(
    await page.locator("#node-config-input-projectToken").getAttribute("type"),
    "password",
  );
  await page.locator("#node-config-input-projectToken").fill(TOKEN);
  await page.locator("#node-config-input-region").selectOption("eu");
  await page.locator("#node-config-input-baseUrl").fill(mixpanel.origin);
  await page.locator("#node-config-input-maxRetries").fill("0");
  await editor.doneConfig();
  await editor.fillTyped(editor.typed("profileProfileId"), "jsonata", '"user-" & $string(42)');
  await editor.fillTyped(editor.typed("propertiesName"), "str", "Ada Lovelace");
  await editor.fillTyped(editor.typed("propertiesCreated"), "now");

  // Three dynamic fields; the second is removed, the third dragged to the top.
  const rows = page.locator(".mixpanel-dynamic");
  for (const [i, [name, kind, type, value]] of [
    ["plan", "text", "str", "pro"],
    ["mistake", "text", "str", "x"],
    ["seats", "number", "num", "3"],
  ].entries()) {
    await page.locator(".red-ui-editableList-addButton").click();
    await rows.nth(i).locator(".mixpanel-name").fill(name);
    await rows.nth(i).locator("select").selectOption(kind);
    await editor.fillTyped(rows.nth(i).locator(".red-ui-typedInput-container"), type, value);
  }
  const items = page.locator("#node-input-propertiesDynamicFields-list > li");
  await items.nth(1).locator(".red-ui-editableList-item-remove").click();
  await eventually(async () => (await items.count()) === 2);
  const handle = items.nth(1).locator(".red-ui-editableList-item-handle");
  await handle.scrollIntoViewIfNeeded();
  const from = await handle.boundingBox();
  const to = await items.nth(0).boundingBox();
  await page.mouse.move(from.x + 5, from.y + 5);
  await page.mouse.down();
  await page.mouse.move(to.x + 5, to.y - 5, { steps: 10 });
  await page.mouse.up();
  await editor.done();

  // The form shows what was filled in.
  await editor.edit(card);
  const names = await Promise.all(
    [0, 1].map((i) => rows.nth(i).locator(".mixpanel-name").inputValue()),
  );
  assert.deepEqual(names, ["seats", "plan"]);
  assert.equal(
    await page.locator("#node-input-profileProfileId").inputValue(),
    '"user-" & $string(42)',
  );
  await editor.done();
  await editor.node(card).locator(".red-ui-flow-node-error").waitFor({ state: "hidden" });

  await editor.showDebug();
  await editor.deploy();
  await editor.inject(inject);
  await editor.debugMessage("statusCode: 200").waitFor();
  await eventually(async () => (await editor.status(card).textContent()) === "200");
  const { $properties } = await mixpanel.profile("user-42");
  assert.equal($properties.$name, "Ada Lovelace");
  assert.match($properties.$created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const { body } = (await mixpanel.requests()).find(({ method }) => method === "POST");
  const [update] = JSON.parse(body);
  assert.equal(update.$token, TOKEN);
  assert.deepEqual(Object.keys(update.$set_once).slice(-2), ["seats", "plan"]);
  assert.equal(update.$set_once.seats, 3);
  await page.close();
});

test("the example imports by the menu and runs; what hangs leaves the editor alone", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
  const inject = await eventually(() => editor.find("inject"));
  const card = await editor.find("mixpanel-create-profile");
  await editor.edit(card);
  await editor.editConnection();
  await page.locator("#node-config-input-projectToken").fill(TOKEN);
  await page.locator("#node-config-input-baseUrl").fill(mixpanel.origin);
  await page.locator("#node-config-input-maxRetries").fill("0");
  await editor.doneConfig();
  await page.locator("#node-input-propertiesDynamicFields-list > li").first().waitFor();
  await editor.screenshot("edit-form", 1260, page.locator(".red-ui-tray").last());
  await editor.done();
  await editor.showDebug();
  await editor.deploy();

  // 200
  await editor.inject(inject);
  await editor.debugMessage("statusCode: 200").waitFor();
  const { $properties } = await mixpanel.profile("user-4711");
  assert.equal($properties.$email, "ada@example.com");
  assert.equal($properties.seats, 3);

  // Refused
  const body = '{"error":"project exceeded its limit","status":0}';
  await mixpanel.setFaults({ fault: { answer: { status: 413, body } } });
  await editor.inject(inject);
  await editor.debugMessage("statusCode: 413").waitFor();
  await eventually(async () => /^413 .*exceeded/.test(await editor.status(card).textContent()));

  // No answer
  await mixpanel.setFaults({ fault: "reset" });
  await editor.inject(inject);
  await editor.debugMessage('"transport"').waitFor();
  await eventually(async () => (await editor.status(card).textContent()) === "no answer");

  // Hanging: the node says so, and Node-RED goes on.
  await mixpanel.setFaults({ fault: "hang" });
  await editor.inject(inject);
  await eventually(async () => (await editor.status(card).textContent()) === "sending");
  for (let i = 0; i < 10; i++) {
    const answer = await fetch(`${red.origin}/flows`, { signal: AbortSignal.timeout(10_000) });
    assert.equal(answer.status, 200);
  }
  assert.equal(await editor.status(card).textContent(), "sending");

  // A new deployment does not wait for it to the end.
  await mixpanel.setFaults();
  await page.evaluate((id) => {
    const node = RED.nodes.node(id);
    node.x += 20;
    node.changed = node.dirty = true;
    RED.nodes.dirty(true);
    RED.view.redraw();
  }, card);
  await editor.deploy();
  await editor.inject(inject);
  await eventually(async () => (await editor.status(card).textContent()) === "200");
  await editor.screenshot("flow", 420);
  await page.close();
});

test("a field that is missing or wrong is marked, and named where it was deployed all the same", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
  const inject = await eventually(() => editor.find("inject"));
  const card = await editor.find("mixpanel-create-profile");
  await editor.edit(card);
  const id = editor.typed("profileProfileId");
  await editor.fillTyped(id, "str", "");
  await id.and(page.locator(".input-error")).waitFor();
  await editor.fillTyped(id, "jsonata", "(");
  await id.and(page.locator(".input-error")).waitFor();
  await editor.fillTyped(id, "str", "anon");
  await id.and(page.locator(":not(.input-error)")).waitFor();
  await editor.fillTyped(editor.typed("profileIpAddress"), "str", "localhost");
  await editor.editConnection();
  await page.locator("#node-config-input-baseUrl").fill("ftp://example.com");
  await page.locator("#node-config-input-baseUrl").blur();
  await page.locator("#node-config-input-baseUrl.input-error").waitFor();
  await page.locator("#node-config-input-baseUrl").fill(mixpanel.origin);
  await page.locator("#node-config-input-projectToken").fill(TOKEN);
  await editor.doneConfig();
  await editor.done();
  await editor.showDebug();
  await editor.deploy();
  const before = (await mixpanel.requests()).length;
  await editor.inject(inject);
  await editor.debugMessage('"permanent-invalid-input"').waitFor();
  assert.equal((await mixpanel.requests()).length, before);
  await eventually(async () =>
    /^invalid input: profile\.profile-id, profile\.ip-address$/.test(
      await editor.status(card).textContent(),
    ),
  );
  await page.close();
});

test("the sidebar has the node's help, and the token is not given out", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  await page.evaluate(() => RED.sidebar.help.show("mixpanel-create-profile"));
  const help = page.locator(".red-ui-help");
  await help.getByText("who must act").waitFor();
  for (const label of ["Profile ID", "Custom Properties", "Dynamic Fields", "statusCode"]) {
    assert.ok(await help.getByText(label).first().isVisible(), label);
  }
  const flows = await (await fetch(`${red.origin}/flows`)).text();
  assert.ok(flows.includes("mixpanel-connection"));
  assert.ok(!flows.includes(TOKEN));
  assert.ok(!red.log.join("\n").includes(TOKEN));
  await page.close();
});
