// A client with MCP Apps support, in a web page: it calls a tool of our server with the official TypeScript SDK, and shows
// the tool's view in a sandboxed frame with the official bridge.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  AppBridge,
  PostMessageTransport,
  RESOURCE_MIME_TYPE,
  buildAllowAttribute,
  getToolUiResourceUri,
} from "@modelcontextprotocol/ext-apps/app-bridge";

const CLIENT = { name: "octave-clients", version: "1" };
const CAPABILITIES = { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } } };

// The links that the view has asked to open.
window.opened = [];

// Calls a tool, shows its view, and returns the result. `mode` is "auto" or "legacy" and selects the protocol.
window.show = async (name, args, { theme, mode }) => {
  const client = new Client(CLIENT, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", location.href)));
  const { tools } = await client.listTools();
  const tool = tools.find((listed) => listed.name === name);
  const { contents } = await client.readResource({ uri: getToolUiResourceUri(tool) });
  const [{ text, mimeType, _meta }] = contents;
  if (mimeType !== RESOURCE_MIME_TYPE) throw new Error(`the view has the media type ${mimeType}`);

  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.allow = buildAllowAttribute(_meta.ui.permissions);
  document.documentElement.style.colorScheme = theme;
  await window.end?.();
  document.body.append(frame);

  const can = { openLinks: {}, serverTools: {}, logging: {} };
  const bridge = new AppBridge(client, CLIENT, can, { hostContext: { theme, toolInfo: { tool } } });
  bridge.addEventListener("sizechange", ({ height }) => {
    frame.style.height = `${height + 2}px`;
  });
  bridge.onopenlink = async ({ url }) => {
    window.opened.push(url);
    return {};
  };
  const initialized = new Promise((done) => bridge.addEventListener("initialized", done));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = text.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${policy(_meta.ui.csp)}">`);
  await initialized;
  window.end = async () => {
    await bridge.teardownResource({});
    await bridge.close();
    await client.close();
    frame.remove();
  };

  await bridge.sendToolInput({ arguments: args });
  const result = await client.callTool({ name, arguments: args });
  await bridge.sendToolResult(result);
  return { report: result.structuredContent, protocol: client.getNegotiatedProtocolVersion(), app: bridge.getAppVersion() };
};
window.isReady = true;

// The policy for a view, as the specification derives it from the domains that the server declares.
function policy({ connectDomains = [], resourceDomains = [], frameDomains = [] }) {
  const from = (domains, ...others) => [...others, ...domains].join(" ") || "'none'";
  return [
    "default-src 'none'",
    `script-src ${from(resourceDomains, "'unsafe-inline'")}`,
    `style-src ${from(resourceDomains, "'unsafe-inline'")}`,
    `img-src ${from(resourceDomains, "data:")}`,
    `connect-src ${from(connectDomains)}`,
    `frame-src ${from(frameDomains)}`,
  ].join("; ");
}
