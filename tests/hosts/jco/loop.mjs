// Calls the card so many times in Node, one call after the other, and prints a line of JSON for each.

import { createProfile } from "./embed.mjs";

const connection = {
  projectToken: process.env.MIXPANEL_PROJECT_TOKEN,
  region: "eu",
  baseUrl: process.env.MIXPANEL_BASE_URL,
  maxRetries: 0,
};
const properties = { name: "Ada Lovelace", dynamicFields: [] };
for (let number = 0; number < Number(process.argv[2]); number++) {
  const input = { profile: { profileId: `user-${number}` }, properties };
  try {
    console.log(JSON.stringify(await createProfile(connection, input)));
  } catch (trap) {
    console.log(JSON.stringify({ trap: String(trap) }));
  }
}
