// The official TypeScript SDK, both majors: `node typescript.mjs '{"major": 2, "command": [...]}'`, or "url" for HTTP.
// Prints what it saw as one line of JSON.

import { randomUUID } from "node:crypto";

const { major, command, url, vendor, prospect, slow } = JSON.parse(process.argv[2]);
const PACKAGES = { 1: "@modelcontextprotocol/sdk/client/index.js", 2: "@modelcontextprotocol/client" };
const STDIO = { 1: "@modelcontextprotocol/sdk/client/stdio.js", 2: "@modelcontextprotocol/client/stdio" };
const HTTP = { 1: "@modelcontextprotocol/sdk/client/streamableHttp.js", 2: "@modelcontextprotocol/client" };
const FINAL = ["completed", "partial", "failed", "cancelled"];
const PATIENCE_MS = 60_000;
const IMPATIENCE_MS = 1_000;

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

// The first major has the schema of the result between the parameters and the options.
async function call(name, args, options) {
  const asked = [{ name, arguments: args }, ...(major === 1 ? [undefined] : []), { timeout: PATIENCE_MS, ...options }];
  const answer = await client.callTool(...asked);
  if (answer.isError) throw new Error(answer.content[0].text);
  return answer.structuredContent;
}

async function watch() {
  const progress = [];
  const onprogress = (told) => progress.push(told.progress);
  const companies = { vendor_domain: vendor, prospect_domain: prospect };
  const report = await call("generate_playbook", companies, { onprogress });
  return { status: (await final(report)).status, progress };
}

// A call that is given up before its answer. Asked for again by its request_id, its run is found under way.
async function cutShort() {
  const asked = { vendor_domain: vendor, prospect_domain: slow, request_id: randomUUID() };
  const complaint = await call("generate_playbook", asked, { timeout: IMPATIENCE_MS }).catch((error) => error.message);
  const again = await call("generate_playbook", { ...asked, wait_seconds: 0 });
  const report = await final(again);
  const { runs } = await call("list_sessions", { session_id: report.session_id });
  return { complaint, again: again.status, status: report.status, runs: runs.length };
}

async function final(report) {
  while (!FINAL.includes(report.status)) report = await call("get_run", { run_id: report.run_id });
  return report;
}
