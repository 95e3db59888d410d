// mixpanel-node against the bench's server: `mixpanel_node.js ORIGIN AT_ONCE CALLS`. Prints seconds
// a profile. Its package is looked up where NODE_PATH says.
const Mixpanel = require("mixpanel");

const [origin, atOnce, calls] = process.argv.slice(2);
const url = new URL(origin);
const mixpanel = Mixpanel.init("6f1a2b3c4d5e6f708192a3b4c5d6e7f8", {
  host: url.hostname,
  port: url.port,
  protocol: "http",
  verbose: true,
});
const properties = {
  $first_name: "Ada",
  $last_name: "Lovelace",
  $email: "ada@example.com",
  $created: "2026-11-24T09:00:00",
  plan: "free",
  seats: 3,
  trial: true,
};
const modifiers = { $ip: "203.0.113.7", $time: 1795510800 };

const create = (id) =>
  new Promise((resolve, reject) => {
    mixpanel.people.set_once(id, properties, modifiers, (error) =>
      error ? reject(error) : resolve(),
    );
  });

async function run(calls) {
  let next = 0;
  const worker = async () => {
    while (next < calls) await create(`user-${next++}`);
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, worker));
}

(async () => {
  await run(500);
  const start = process.hrtime.bigint();
  await run(Number(calls));
  console.log(Number(process.hrtime.bigint() - start) / 1e9 / Number(calls));
  process.exit(0);
})();
