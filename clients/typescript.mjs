// Tests a server with either major version of the official TypeScript SDK, over stdio or (with "url") over HTTP:
//     node typescript.mjs '{"major": 2, "command": [...], "vendor": ..., "prospect": ..., "slow": ...}'
// Prints the results as one line of JSON.

import { randomUUID } from "node:crypto";

const { major, command, url, vendor, prospect, slow } = JSON.parse(process.argv[2]);
const PACKAGES = { 1: "@modelcontextprotocol/sdk/client/index.js", 2: "@modelcontextprotocol/client" };
const STDIO = { 1: "@modelcontextprotocol/sdk/client/stdio.js", 2: "@modelcontextprotocol/client/stdio" };
const HTTP = { 1: "@modelcontextprotocol/sdk/client/streamableHttp.js", 2: "@modelcontextprotocol/client" };
const FINAL = ["completed", "partial", "failed", "cancelled"];
const TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 1_000;

const { Client } = await import(PACKAGES[major]);
const client = new Client(
  { name: "octave-clients", version: "1" },
  major === 2 ? { versionNegotiation: { mode: "auto" } } : {},
);
await client.connect(await transport());
const { tools } = await client.listTools();
const watched = await watch();
const cut = await cutShort();
console.log(
  JSON.stringify({
    protocol: client.getNegotiatedProtocolVersion?.() ?? client.transport.protocolVersion ?? null,
    tools: tools.map((tool) => tool.name),
    watched,
    cut,
  }),
);
await client.close();

async function transport() {
  if (url) {
    const { StreamableHTTPClientTransport } = await import(HTTP[major]);
    return new StreamableHTTPClientTransport(new URL(url));
  }
  const { StdioClientTransport } = await import(STDIO[major]);
  return new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "ignore" });
}

async function call(name, args, options) {
  // In version 1, callTool takes the schema of the result between the parameters and the options.
  const schema = major === 1 ? [undefined] : [];
  const result = await client.callTool({ name, arguments: args }, ...schema, { timeout: TIMEOUT_MS, ...options });
  if (result.isError) throw new Error(result.content[0].text);
  return result.structuredContent;
}

async function watch() {
  const progress = [];
  const onprogress = (notification) => progress.push(notification.progress);
  const companies = { vendor_domain: vendor, prospect_domain: prospect };
  const report = await call("generate_playbook", companies, { onprogress });
  return { status: (await final(report)).status, progress };
}

// Lets a call time out, and repeats it with the same request_id, which must find the run that is still in progress.
async function cutShort() {
  const args = { vendor_domain: vendor, prospect_domain: slow, request_id: randomUUID() };
  const complaint = await call("generate_playbook", args, { timeout: SHORT_TIMEOUT_MS }).catch((error) => error.message);
  const again = await call("generate_playbook", { ...args, wait_seconds: 0 });
  const report = await final(again);
  const { runs } = await call("list_sessions", { session_id: report.session_id });
  return { complaint, again: again.status, status: report.status, runs: runs.length };
}

async function final(report) {
  while (!FINAL.includes(report.status)) report = await call("get_run", { run_id: report.run_id });
  return report;
}
