// Creates one profile with the card, in Node by jco. Beforehand: `npm ci && npm run transpile`.

import { readFile } from "node:fs/promises";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";
import { instantiate } from "./card/mixpanel-create-profile.js";

const compiled = {};

function coreModule(name) {
  const file = new URL(`card/${name}`, import.meta.url);
  return (compiled[name] ??= readFile(file).then((bytes) => WebAssembly.compile(bytes)));
}

/** One call, in an instance of its own: a trap spoils the instance it happens in. */
export async function createProfile(connection, input) {
  const card = await instantiate(coreModule, new WASIShim().getImportObject());
  try {
    return card.profiles.createProfile(connection, input);
  } catch (error) {
    // An error of the card is thrown with its case as the payload; a trap has none.
    if (error.payload === undefined) throw error;
    return error.payload;
  }
}

if (process.argv[1] === import.meta.filename) {
  const connection = {
    projectToken: process.env.MIXPANEL_PROJECT_TOKEN,
    region: "eu",
    baseUrl: process.env.MIXPANEL_BASE_URL,
  };
  const input = {
    profile: { profileId: "user-4711" },
    properties: { name: "Ada Lovelace", email: "ada@example.com", dynamicFields: [] },
  };
  console.log(await createProfile(connection, input));
}
