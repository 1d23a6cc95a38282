"use strict";

// Speaks MCP Apps with the client that shows this page: JSON-RPC 2.0 in messages between this window and its parent.
const PROTOCOL = "2026-01-26";
const MAX_ANSWER_MS = 60_000;

const bridge = {
  can: {},
  context: {},
  lastId: 0,
  pending: new Map(),
  // Handlers of the client's notifications, by method.
  on: {},

  post(message) {
    parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  },

  notify(method, params = {}) {
    this.post({ method, params });
  },

  request(method, params) {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.settle(id, { error: { message: "The client did not answer." } }), MAX_ANSWER_MS);
      this.pending.set(id, { resolve, reject, timer });
      this.post({ id, method, params });
    });
  },

  settle(id, { result, error }) {
    const asked = this.pending.get(id);
    if (!asked) return;
    this.pending.delete(id);
    clearTimeout(asked.timer);
    if (error) asked.reject(new Error(error.message));
    else asked.resolve(result ?? {});
  },

  answer({ id, method }) {
    if (method === "ui/resource-teardown") this.on[method]?.();
    const known = ["ping", "ui/resource-teardown"].includes(method);
    this.post(known ? { id, result: {} } : { id, error: { code: -32601, message: `unknown method ${method}` } });
  },

  async connect(capabilities) {
    addEventListener("message", ({ source, data }) => {
      if (source !== parent || data?.jsonrpc !== "2.0") return;
      if (!data.method) this.settle(data.id, data);
      else if (data.id === undefined) this.on[data.method]?.(data.params ?? {});
      else this.answer(data);
    });
    const appInfo = { name: "octave-playbook", version: "1" };
    const host = await this.request("ui/initialize", { appInfo, appCapabilities: capabilities, protocolVersion: PROTOCOL });
    this.can = host.hostCapabilities ?? {};
    this.context = host.hostContext ?? {};
  },
};

// Results have their values as structured content. A client that removes these still passes the text, which is JSON.
const contentOf = (result) => {
  const text = result.content?.find((block) => block.type === "text")?.text ?? "";
  if (result.isError) throw new Error(text || "The call failed.");
  return result.structuredContent ?? JSON.parse(text);
};

const call = async (name, args) => contentOf(await bridge.request("tools/call", { name, arguments: args }));
