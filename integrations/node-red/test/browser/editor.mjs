// What a person does in Node-RED's editor, by mouse and keyboard.

import { join } from "node:path";

export class Editor {
  constructor(page) {
    this.page = page;
  }

  static async open(browser, origin, width = 1280) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.setDefaultTimeout(Number(process.env.BROWSER_TIMEOUT ?? 30_000));
    // Nothing but this Node-RED is loaded.
    await page.route("**/*", (route) =>
      route.request().url().startsWith(origin) ? route.continue() : route.abort(),
    );
    await page.goto(origin);
    const editor = new Editor(page);
    await editor.paletteNode("mixpanel-create-profile").waitFor();
    await page.locator("#red-ui-loading-progress").waitFor({ state: "hidden" });
    return editor;
  }

  paletteNode(type) {
    return this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
  }

  /** Drags a node from the palette to a place of the workspace; returns its id. */
  async drop(type, x, y) {
    const before = await this.#ids();
    await this.paletteNode(type).scrollIntoViewIfNeeded();
    const from = await this.paletteNode(type).boundingBox();
    const chart = await this.page.locator("#red-ui-workspace-chart").boundingBox();
    const { mouse } = this.page;
    await mouse.move(from.x + 20, from.y + 10);
    await mouse.down();
    await mouse.move(chart.x + x, chart.y + y, { steps: 8 });
    await mouse.up();
    const after = await this.page.waitForFunction((known) => {
      const found = [];
      // A callback that returns false ends the walk.
      RED.nodes.eachNode(({ id }) => {
        if (!known.includes(id)) found.push(id);
      });
      return found[0];
    }, before);
    return after.jsonValue();
  }

  #ids() {
    return this.page.evaluate(() => {
      const ids = [];
      RED.nodes.eachNode(({ id }) => ids.push(id));
      return ids;
    });
  }

  node(id) {
    return this.page.locator(`[id="${id}"].red-ui-flow-node`);
  }

  /** Draws a wire from one node's output to another's input. */
  async wire(from, to) {
    const output = await this.node(from)
      .locator(".red-ui-flow-port-output .red-ui-flow-port")
      .boundingBox();
    const input = await this.node(to)
      .locator(".red-ui-flow-port-input .red-ui-flow-port")
      .boundingBox();
    const { mouse } = this.page;
    await mouse.move(output.x + output.width / 2, output.y + output.height / 2);
    await mouse.down();
    await mouse.move(input.x + input.width / 2, input.y + input.height / 2, { steps: 8 });
    await mouse.up();
  }

  /** Opens a node's edit form. */
  async edit(id) {
    await this.node(id).dblclick();
    await this.page.locator("#dialog-form").waitFor();
  }

  async done() {
    await this.page.locator("#node-dialog-ok").click();
    await this.page.locator(".red-ui-tray").waitFor({ state: "detached" });
  }

  async doneConfig() {
    await this.page.locator("#node-config-dialog-ok").click();
    await this.page.locator("#node-config-dialog-ok").waitFor({ state: "detached" });
  }

  /** Opens the form of the connection that is chosen, or of a new one. */
  async editConnection() {
    const chosen = await this.page.locator("#node-input-connection").inputValue();
    const button = chosen === "_ADD_" ? "add" : "edit";
    await this.page.locator(`#node-input-btn-connection-${button}`).click();
    await this.page.locator("#node-config-input-baseUrl").waitFor();
  }

  /** The form of the connection: a region of the list, or an environment variable. */
  async chooseRegion(value) {
    const container = this.page.locator("#mixpanel-region + .red-ui-typedInput-container");
    const variable = value.match(/^\$\{(.+)\}$/)?.[1];
    if (variable) return this.fillTyped(container, "env", variable);
    await this.fillTyped(container, "region");
    await container.locator(".red-ui-typedInput-option-trigger").click();
    await this.page.locator(`.red-ui-typedInput-options:visible a[value="${value}"]`).click();
  }

  /** The typed input that stands for the field. */
  typed(key) {
    return this.page
      .locator(
        `#node-input-${key} + .red-ui-typedInput-container, #node-input-${key} ~ .red-ui-typedInput-container`,
      )
      .first();
  }

  /** Chooses the type of a typed input by its menu, and fills it in. */
  async fillTyped(container, type, value) {
    await container.locator(".red-ui-typedInput-type-select").click();
    await this.page.locator(`.red-ui-typedInput-options:visible a[value="${type}"]`).click();
    if (value !== undefined) await container.locator("input.red-ui-typedInput-input").fill(value);
  }

  async deploy() {
    const done = this.page.waitForResponse(
      (response) => response.url().endsWith("/flows") && response.request().method() === "POST",
    );
    await this.page.locator("#red-ui-header-button-deploy").click();
    const response = await done;
    if (!response.ok()) throw new Error(`the deployment failed: ${await response.text()}`);
    await this.page.waitForFunction(() => !RED.nodes.dirty());
  }

  /** Presses the button of an inject node. */
  async inject(id) {
    await this.node(id).locator(".red-ui-flow-node-button-button").click();
  }

  async showDebug() {
    await this.page.evaluate(() => RED.actions.invoke("core:show-debug-tab"));
    await this.page.locator(".red-ui-debug-content-list").waitFor();
  }

  /** Imports an example of a package, by the menu. */
  async importExample(module, name) {
    const { page } = this;
    await page.locator("#red-ui-header-button-sidemenu").click();
    await page.locator("#menu-item-import").click();
    await page.locator("#red-ui-clipboard-dialog").waitFor();
    await page.locator("#red-ui-clipboard-dialog-import-tabs a", { hasText: "Examples" }).click();
    const examples = page.locator("#red-ui-clipboard-dialog-import-tab-examples");
    await examples.getByText(module, { exact: true }).click();
    await examples.getByText(name, { exact: true }).click();
    await page.locator("#red-ui-clipboard-dialog-ok").click();
    const imported = page.locator(".red-ui-notification", { hasText: "Imported:" }).first();
    const copy = page.getByRole("button", { name: "Import copy" });
    await imported.or(copy).waitFor();
    if (await copy.isVisible()) await copy.click();
    await imported.waitFor();
    await page.locator("#red-ui-workspace-tabs a", { hasText: name }).last().click();
  }

  /** The id of the node of this type in the flow that is shown. */
  find(type) {
    return this.page.evaluate((wanted) => {
      const z = RED.workspaces.active();
      return RED.nodes.filterNodes({ z, type: wanted })[0]?.id;
    }, type);
  }

  /** The messages of the debug panel that have this text. */
  debugMessage(text) {
    return this.page.locator(".red-ui-debug-msg", { hasText: text });
  }

  status(id) {
    return this.node(id).locator(".red-ui-flow-node-status-label");
  }

  /** Keeps a picture, where the environment names a folder for them. */
  async screenshot(name, height, element = this.page) {
    const { SCREENSHOTS } = process.env;
    if (!SCREENSHOTS) return;
    const before = this.page.viewportSize();
    await this.page.setViewportSize({ ...before, height });
    await this.page.mouse.move(640, height - 5);
    await this.page.evaluate(() => $("#red-ui-workspace-chart").scrollTop(0).scrollLeft(0));
    await element.screenshot({
      path: join(SCREENSHOTS, `${name}.png`),
      animations: "disabled",
      style: ".red-ui-notification, .red-ui-popover { display: none !important }",
    });
    await this.page.setViewportSize(before);
  }
}
