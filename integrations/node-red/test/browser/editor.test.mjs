// A real Node-RED in a real browser: from the palette to the profile.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, beforeEach, test } from "node:test";

import { TOKEN, closedOrigin, eventually, standIn } from "../support.mjs";
import { Editor } from "./editor.mjs";
import { launchChromium, nodeRed } from "./support.mjs";

const require = createRequire(import.meta.url);
const EXAMPLE = require("../../examples/Create a profile.json");

let mixpanel, red, browser;
before(async () => {
  process.env.CARD_TEST_TOKEN = TOKEN;
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
  await editor.chooseRegion("eu");
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
  await editor.screenshot("edit-form", 1500, page.locator(".red-ui-tray").last());
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

/** The form that is open: how wide it is, and what of it is cut off or takes two lines. */
const layout = (page) =>
  page.evaluate(() => {
    const tray = $(".red-ui-tray").last();
    const { left, right, width } = tray[0].getBoundingClientRect();
    const faults = [];
    tray
      .find(".mixpanel-row")
      .find("label, span, input, select, button, .mixpanel-help")
      .each(function () {
        const box = this.getBoundingClientRect();
        if (box.width === 0) return;
        const text = `${this.tagName} ${this.id} ${this.textContent.trim()}`;
        if (box.left < left || box.right > right) faults.push(`${text} is cut off`);
        if (this.tagName === "LABEL" && box.height > 30) faults.push(`${text} wraps`);
      });
    return { width, faults };
  });

const settled = async (page) => {
  // The tray slides in.
  await eventually(() =>
    page.evaluate(() => {
      const { right } = $(".red-ui-tray").last()[0].getBoundingClientRect();
      const stack = $("#red-ui-editor-stack")[0].getBoundingClientRect();
      return Math.abs(right - stack.right) < 1;
    }),
  );
  return layout(page);
};

for (const width of [800, 1280, 1920]) {
  test(`the forms are as narrow as the built-in ones, and nothing is cut off: ${width} px`, async () => {
    const editor = await Editor.open(browser, red.origin, width);
    const { page } = editor;
    await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
    const builtIn = [];
    for (const type of ["inject", "switch", "debug"]) {
      await editor.edit(await eventually(() => editor.find(type)));
      builtIn.push((await settled(page)).width);
      await editor.done();
    }
    await editor.edit(await editor.find("mixpanel-create-profile"));
    const form = await settled(page);
    assert.deepEqual(form.faults, []);
    assert.ok(form.width <= Math.max(...builtIn), `${form.width} of ${builtIn}`);
    await editor.editConnection();
    const connection = await settled(page);
    assert.deepEqual(connection.faults, []);
    assert.ok(connection.width <= Math.max(...builtIn), `${connection.width} of ${builtIn}`);
    await page.close();
  });
}

test("the forms can be used without eyes and without a mouse", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
  await editor.edit(await eventually(() => editor.find("mixpanel-create-profile")));
  await page.addScriptTag({ path: require.resolve("axe-core") });
  const violations = (selector) =>
    page.evaluate(async (form) => {
      // All but what Node-RED puts before its forms to keep password managers off.
      const exclude = [["[id^=red-ui-trap]"]];
      const { violations } = await axe.run({ include: [[form]], exclude });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    }, selector);
  await settled(page);
  assert.deepEqual(await violations("#dialog-form"), []);

  // A click on a label leads to its control. (The mouse is where a tooltip may be.)
  await page.mouse.move(5, 5);
  for (const label of ["Name of the node", "Profile ID", "Created", "Custom Properties"]) {
    const text = page.locator("#dialog-form label", { hasText: label });
    await text.click();
    const focused = await text.evaluate((element) => {
      const row = element.closest(".form-row");
      return row.contains(document.activeElement) && document.activeElement.tagName;
    });
    assert.ok(["INPUT", "BUTTON"].includes(focused), `${label}: ${focused}`);
  }
  const id = page.getByRole("textbox", { name: "Profile ID" });
  assert.equal(await id.inputValue(), "payload.id");
  const help = await id.getAttribute("aria-describedby");
  assert.match(await page.locator(`#${help}`).textContent(), /unique identifier/);

  await editor.editConnection();
  await settled(page);
  assert.deepEqual(await violations("#node-config-dialog-edit-form"), []);
  await page.close();
});

test("a row of the list that is wrong is marked", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
  await editor.edit(await eventually(() => editor.find("mixpanel-create-profile")));
  const row = page.locator(".mixpanel-dynamic").first();
  assert.equal(await row.locator(".input-error").count(), 0);
  await row.locator(".mixpanel-name").fill("");
  await row.locator(".mixpanel-name").blur();
  await row.locator(".mixpanel-name.input-error").waitFor();
  await row.locator(".mixpanel-name").fill("seats");
  await row.locator(".mixpanel-name:not(.input-error)").waitFor();
  await editor.fillTyped(row.locator(".red-ui-typedInput-container"), "num", "many");
  await row.locator(".red-ui-typedInput-container.input-error").waitFor();
  await editor.done();
  const card = await editor.find("mixpanel-create-profile");
  await editor.node(card).locator(".red-ui-flow-node-error").waitFor();
  await editor.edit(card);
  await row.locator(".red-ui-typedInput-container.input-error").waitFor();
  await page.close();
});

test("to open and close a form changes nothing", async () => {
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  const flows = await (await fetch(`${red.origin}/flows`)).json();
  const example = EXAMPLE.find(({ type }) => type === "mixpanel-create-profile");
  const variables = [
    { region: "${REGION}", baseUrl: "${URL}", maxRetries: "${RETRY}" },
    { region: "$(REGION)", baseUrl: "$(URL)", maxRetries: "$(RETRY)" },
    { region: "india", baseUrl: "", maxRetries: "" },
    { region: "mars", baseUrl: "x", maxRetries: "many" },
  ];
  const added = variables.flatMap((properties, i) => [
    { id: `tab-${i}`, type: "tab", label: `variables ${i}`, disabled: false, info: "", env: [] },
    {
      id: `connection-${i}`,
      type: "mixpanel-connection",
      name: "",
      ...properties,
      credentials: { projectToken: TOKEN },
    },
    { ...example, id: `card-${i}`, z: `tab-${i}`, connection: `connection-${i}`, wires: [[]] },
  ]);
  await red.deploy([...flows, ...added]);
  await page.reload();
  await page.locator("#red-ui-loading-progress").waitFor({ state: "hidden" });
  const exported = () => page.evaluate(() => RED.nodes.createCompleteNodeSet());
  for (let i = 0; i < variables.length; i++) {
    await page.locator("#red-ui-workspace-tabs a", { hasText: `variables ${i}` }).click();
    const before = await exported();
    await editor.node(`card-${i}`).waitFor();
    await editor.edit(`card-${i}`);
    await editor.editConnection();
    await settled(page);
    await editor.doneConfig();
    await editor.done();
    assert.deepEqual(await exported(), before);
    assert.equal(await page.evaluate(() => RED.nodes.dirty()), false);
  }

  // And a region by variable can be chosen.
  await editor.edit("card-3");
  await editor.editConnection();
  await editor.chooseRegion("${PLACE}");
  await editor.doneConfig();
  const region = () => page.evaluate(() => RED.nodes.node("connection-3").region);
  assert.equal(await region(), "${PLACE}");
  await editor.editConnection();
  await editor.chooseRegion("eu");
  await editor.doneConfig();
  assert.equal(await region(), "eu");
  await page.close();
  await red.deploy(flows);
});

test("the button asks Mixpanel whether it knows the token", async () => {
  const right = await standIn("--token", TOKEN);
  const editor = await Editor.open(browser, red.origin);
  const { page } = editor;
  const seen = [];
  page.on("response", async (response) => {
    if (!response.url().endsWith("/mixpanel-connection/check")) return;
    seen.push({ sent: response.request().postData(), got: await response.text() });
  });
  const result = page.locator("#mixpanel-check-result");
  const check = async (words) => {
    const before = seen.length;
    await page.locator("#mixpanel-check").click();
    await result.filter({ hasText: words }).waitFor();
    await eventually(() => seen.length > before);
  };
  const field = (name) => page.locator(`#node-config-input-${name}`);
  try {
    await editor.importExample("node-red-contrib-mixpanel-create-profile", "Create a profile");
    const card = await eventually(() => editor.find("mixpanel-create-profile"));
    const requests = (await right.requests()).length;

    // As typed in the form, before anything is deployed.
    await editor.edit(card);
    await editor.editConnection();
    await field("baseUrl").fill(right.origin);
    await field("projectToken").fill("another-token");
    await check("Mixpanel does not know this project token.");
    await field("projectToken").fill("");
    await check("connection.project-token");
    await field("projectToken").fill("${NO_SUCH_TOKEN}");
    await check("NO_SUCH_TOKEN, which is not set");
    await field("projectToken").fill("${CARD_TEST_TOKEN}");
    await check("Mixpanel knows this project token.");
    await field("projectToken").fill(TOKEN);
    await check("Mixpanel knows this project token.");
    await editor.screenshot("connection", 760, page.locator(".red-ui-tray").last());
    await field("baseUrl").fill(await closedOrigin());
    await check("Mixpanel did not say whether it knows this project token.");
    await field("baseUrl").fill(right.origin);
    await editor.doneConfig();

    // Typed before, and not deployed yet.
    await editor.editConnection();
    await check("Mixpanel knows this project token.");
    await editor.doneConfig();
    await editor.done();
    await editor.deploy();

    // Stored: the browser has no token.
    await page.reload();
    await page.locator("#red-ui-loading-progress").waitFor({ state: "hidden" });
    await editor.edit(card);
    await editor.editConnection();
    seen.length = 0;
    await check("Mixpanel knows this project token.");
    assert.ok(!seen[0].sent.includes(TOKEN));
    await field("projectToken").fill("another-token");
    await check("Mixpanel does not know this project token.");

    for (const { got } of seen) assert.ok(!got.includes(TOKEN) && !got.includes("another-token"));
    assert.ok(!(await page.content()).includes(TOKEN));
    assert.ok(!red.log.join("\n").includes(TOKEN));
    // Nothing was created, and no URL holds the token.
    const asked = (await right.requests()).slice(requests);
    assert.ok(asked.length > 0);
    for (const { path, target, url } of asked) {
      const place = path ?? target ?? url;
      assert.ok(!place.includes("/engage") && !place.includes(TOKEN), place);
    }
  } finally {
    right.stop();
    await page.close();
  }
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
