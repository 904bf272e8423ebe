import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import * as restate from "@restatedev/restate-sdk";
import { began, play } from "./work.mjs";

// The SDK uses what Node.js has since 22.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const port = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
const [service, ingress, admin, node] = await Promise.all([port(), port(), port(), port()]);
const write = async (_, job) => began(job.of, job.due);
await restate.serve({ services: [restate.service({ name: "promises", handlers: { write } })], port: service });

const folder = mkdtempSync(path.join(os.tmpdir(), "steward-bench-restate-"));
const require = createRequire(import.meta.url);
const program = require.resolve("@restatedev/restate-server-linux-x64/bin/restate-server");
const server = spawn(program, ["--base-dir", folder, "--node-name", "bench"], {
  stdio: "ignore",
  env: {
    ...process.env,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "error",
  },
});
process.on("exit", () => {
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
function post(port, where, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const request = http.request({ host: "127.0.0.1", port, path: where, method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode < 300 ? resolve() : reject(new Error(`${where}: ${answer.statusCode}`))));
    });
    request.on("error", reject);
    request.end(text);
  });
}
// The server listens when it is ready, and says so nowhere else.
for (let tries = 0; ; tries += 1) {
  try {
    await post(admin, "/deployments", { uri: `http://127.0.0.1:${service}` });
    break;
  } catch (error) {
    if (tries > 150) throw error;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
await play(async (jobs) => {
  let next = 0;
  const one = async () => {
    while (next < jobs.length) {
      const job = jobs[next++];
      const delay = Math.max(0, job.due - Date.now());
      await post(ingress, `/promises/write/send?delay=${delay}ms`, job);
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
});
process.exit(0);
