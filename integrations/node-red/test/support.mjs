// What the tests share: the stand-in for Mixpanel, and inputs of the card.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const folder = fileURLToPath(new URL("../", import.meta.url));

export const TOKEN = "project-token-of-the-tests";

export const schema = JSON.parse(
  readFileSync(new URL("../../../dist/mixpanel-create-profile.schema.json", import.meta.url)),
);

/** Starts a stand-in; `stop` ends it. */
export async function standIn(...options) {
  const process = spawn(`${root}target/release/host-harness`, ["stand-in", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(process, "exit").then(() => {
    throw new Error(`the stand-in has ended: ${options.join(" ")}`);
  });
  ended.catch(() => {});
  const [origin] = await Promise.race([once(createInterface(process.stdout), "line"), ended]);

  const json = async (path, init) => {
    const response = await fetch(origin + path, { signal: AbortSignal.timeout(30_000), ...init });
    const body = await response.json();
    return { status: response.status, body };
  };
  return {
    origin,
    stop: () => process.kill("SIGKILL"),
    profile: async (id) => {
      const { status, body } = await json(`/profiles/${encodeURIComponent(id)}`);
      return status === 404 ? undefined : body;
    },
    requests: async () => (await json("/requests")).body,
    setFaults: async (...rules) => {
      const { status, body } = await json("/faults", {
        method: "PUT",
        body: JSON.stringify(rules),
      });
      if (status !== 200) throw new Error(JSON.stringify(body));
    },
  };
}

/** Waits until `condition` gives something, which it must in time; returns it. */
export async function eventually(condition, milliseconds = 30_000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The origin of a port that refuses connections: it was free a moment ago. */
export async function closedOrigin() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** A connection of the interface. */
export const connection = (baseUrl, more = {}) => ({
  projectToken: TOKEN,
  region: "standard",
  baseUrl,
  maxRetries: 0,
  ...more,
});

/** An input of the interface. */
export const input = (profileId, properties = {}) => ({
  profile: { profileId },
  properties: { dynamicFields: [], ...properties },
});
