// Makes what the package holds besides its sources: the card as JavaScript and WebAssembly modules,
// and the two edit forms. From `dist/` of the repository, which `make component` fills.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

import { transpileBytes } from "@bytecodealliance/jco-transpile";

import { connectionForm, fields, profileForm } from "./editor/forms.mjs";

const here = new URL("./", import.meta.url);
const root = new URL("../../", here);
const card = new URL("card/", here);

async function read(file) {
  try {
    return await readFile(new URL(file, root));
  } catch (error) {
    throw new Error(`${file} cannot be read: run \`make component\` first`, { cause: error });
  }
}

const { files } = await transpileBytes(await read("dist/mixpanel-create-profile.wasm"), {
  name: "card",
  // Instances are made by us, one for each call, from modules that are compiled once.
  instantiation: "sync",
});
await rm(card, { recursive: true, force: true });
await mkdir(card);
for (const [name, bytes] of Object.entries(files)) {
  // The type declarations have no reader here.
  if (name.endsWith(".d.ts")) continue;
  await writeFile(new URL(name.replace(/\.js$/, ".mjs"), card), bytes);
}

const schema = JSON.parse(await read("dist/mixpanel-create-profile.schema.json"));
await writeFile(new URL("fields.json", card), JSON.stringify(fields(schema), null, 2) + "\n");
await writeFile(new URL("nodes/connection.html", here), await connectionForm(schema));
await writeFile(new URL("nodes/create-profile.html", here), await profileForm(schema));
await copyFile(new URL("LICENSE", root), new URL("LICENSE", here));
