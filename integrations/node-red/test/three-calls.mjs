// Three calls, one after the other, to the origin that is given; prints what they return.

import { createRequire } from "node:module";

import { connection, input } from "./support.mjs";

const require = createRequire(import.meta.url);
const { Pool } = require("../lib/pool.js");
const { createProfile } = require("../lib/card.js");

const pool = new Pool({ threads: 1 });
const results = [];
for (let i = 0; i < 3; i++) {
  const call = createProfile(pool, connection(process.argv[2]), input(`tls-${i}`));
  results.push(await call.catch(({ code, message }) => ({ code, message })));
}
console.log(JSON.stringify(results));
await pool.close();
