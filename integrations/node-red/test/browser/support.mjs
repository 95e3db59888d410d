// A real Node-RED with the package as npm packs it, and a headless Chromium that shows its editor.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

import { folder } from "../support.mjs";

const NAME = "node-red-contrib-mixpanel-create-profile";

const CHROMIUM = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Puts the packed package where `npm install` would. */
async function install(userDir) {
  // Built already, and the build's own words would stand before the JSON.
  const packed = run(
    "npm",
    ["pack", "--ignore-scripts", "--json", "--pack-destination", userDir],
    folder,
  );
  const [{ filename }] = JSON.parse(packed);
  const modules = join(userDir, "node_modules");
  await mkdir(modules);
  run("tar", ["-xzf", join(userDir, filename), "-C", userDir]);
  await rename(join(userDir, "package"), join(modules, NAME));
  await symlink(
    join(folder, "node_modules", "@bytecodealliance"),
    join(modules, "@bytecodealliance"),
  );
}

/** Starts a Node-RED of its own; `stop` ends it and removes what it has written. */
export async function nodeRed(settings = {}) {
  const userDir = await mkdtemp(join(tmpdir(), "node-red-"));
  await install(userDir);
  const script = join(folder, "test/browser/runtime.cjs");
  const child = spawn(process.execPath, [script, userDir, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: userDir,
  });
  const exit = once(child, "exit");
  const lines = createInterface(child.stdout);
  const log = [];
  const origin = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      log.push(line);
      if (line.startsWith("http://")) resolve(line);
    });
    exit.then(() => reject(new Error(`Node-RED has ended:\n${log.join("\n")}`)));
  });
  return {
    origin,
    log,
    /** Replaces the flows, and deploys them. */
    async deploy(flows) {
      const response = await fetch(`${origin}/flows`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(flows),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async stop() {
      child.kill("SIGKILL");
      await exit;
      await rm(userDir, { recursive: true, force: true });
    },
  };
}

export function launchChromium() {
  const executablePath = CHROMIUM.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("Chromium is missing: run test.sh, which installs it");
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
