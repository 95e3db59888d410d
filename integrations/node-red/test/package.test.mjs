// What npm packs, and the example that comes with it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { folder, root } from "./support.mjs";

const require = createRequire(import.meta.url);
const manifest = require("../package.json");
const fields = require("../card/fields.json");
const flow = require("../examples/Create a profile.json");

test("the package holds what it needs to run, and nothing else", () => {
  const args = ["pack", "--dry-run", "--ignore-scripts", "--json"];
  const { stdout } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  const files = JSON.parse(stdout)[0].files.map(({ path }) => path);
  for (const file of [
    "LICENSE",
    "README.md",
    "card/card.mjs",
    "card/card.core.wasm",
    "card/fields.json",
    "examples/Create a profile.json",
    "lib/worker.mjs",
    "nodes/connection.html",
    "nodes/create-profile.html",
    "nodes/icons/mixpanel-create-profile.svg",
    ...Object.values(manifest["node-red"].nodes),
  ]) {
    assert.ok(files.includes(file), file);
  }
  const wanted = /^(LICENSE|README\.md|package\.json|(card|examples|lib|nodes|screenshots)\/.*)$/;
  assert.deepEqual(
    files.filter((file) => !wanted.test(file)),
    [],
  );
});

test("the package is what the flow library wants", () => {
  assert.ok(manifest.keywords.includes("node-red"));
  assert.ok(manifest.license && manifest.description && manifest.engines.node);
  assert.ok(manifest["node-red"].version);
  const cargo = readFileSync(`${root}Cargo.toml`, "utf8");
  assert.ok(cargo.includes(`\nversion = "${manifest.version}"`), "the version is the card's");
});

test("what is needed to run is installed with the package", () => {
  const sources = ["lib", "nodes"].flatMap((name) =>
    readdirSync(`${folder}${name}`)
      .filter((file) => /js$/.test(file))
      .map((file) => `${name}/${file}`),
  );
  assert.ok(sources.length > 10);
  for (const name of sources) {
    const source = readFileSync(`${folder}${name}`, "utf8");
    for (const [, module] of source.matchAll(/(?:from |require\()"([^".][^"]*)"/g)) {
      if (module.startsWith("node:")) continue;
      const [owner, part] = module.split("/");
      assert.ok(manifest.dependencies[`${owner}/${part}`], `${name} needs ${module}`);
    }
  }
});

test("the example fills in the form as it is", () => {
  const node = flow.find(({ type }) => type === "mixpanel-create-profile");
  const keys = fields.flatMap(({ key, kind }) =>
    kind === "dynamic-fields" ? [key] : [key, `${key}Type`],
  );
  const own = ["id", "type", "z", "name", "connection", "x", "y", "wires"];
  assert.deepEqual(Object.keys(node).sort(), [...own, ...keys].sort());
  const connection = flow.find(({ id }) => id === node.connection);
  assert.equal(connection.type, "mixpanel-connection");
  assert.equal(connection.credentials, undefined);
});
