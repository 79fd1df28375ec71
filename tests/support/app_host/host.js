"use strict";
/*
 * The host of MCP Apps 2026-01-26 as the specification describes it for web pages: it renders the
 * view in a sandbox proxy, answers it, forwards its tool calls to a real server through the test's
 * bridge (`/mcp`), and keeps every message for the test to look at.
 */
const seen = { sent: [], received: [], opened: [], contexts: [], refused: [] };
const held = {}; // by tool, a promise that its calls wait for
let frame;
let settings;
let tools;
let initialized;

async function server(method, params) {
  const answer = await fetch("/mcp", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ method, params }),
  });
  return answer.json();
}

function post(message) {
  seen.sent.push(message);
  frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

/* Requests of the view, by method: each answers a result or throws. */
const requests = {
  "ui/initialize": ({ protocolVersion }) => ({
    protocolVersion,
    hostInfo: { name: "test-host", version: "1.0.0" },
    hostCapabilities: settings.capabilities,
    hostContext: settings.context,
  }),
  "tools/call": async (params) => {
    const tool = tools.find(({ name }) => name === params.name);
    const visibility = tool?._meta?.ui?.visibility ?? ["model", "app"];
    if (!tool || !visibility.includes("app")) {
      seen.refused.push(params.name);
      throw new Error("This tool is not for apps.");
    }
    await held[params.name];
    return settings.answers?.[params.name]?.shift() ?? server("tools/call", params);
  },
  "ui/open-link": ({ url }) => {
    if (settings.refuseLinks) throw new Error("Link opening denied by user");
    seen.opened.push(url);
    return {};
  },
  "ui/update-model-context": (params) => {
    seen.contexts.push(params);
    return {};
  },
  ping: () => ({}),
};

const notifications = {
  "ui/notifications/sandbox-proxy-ready": () => {
    const { html } = settings;
    const params = { html, sandbox: "allow-scripts" };
    post({ method: "ui/notifications/sandbox-resource-ready", params });
  },
  "ui/notifications/initialized": () => initialized(),
  "ui/notifications/size-changed": ({ height }) => {
    if (height) frame.style.height = `${height + 2}px`;
  },
};

window.addEventListener("message", async ({ source, data }) => {
  if (!frame || source !== frame.contentWindow) return;
  seen.received.push(data);
  if (data.id === undefined) {
    notifications[data.method]?.(data.params);
    return;
  }
  if (data.method === undefined) return; // an answer to us
  try {
    if (!requests[data.method]) throw new Error(`Method not found: ${data.method}`);
    post({ id: data.id, result: await requests[data.method](data.params) });
  } catch (error) {
    post({ id: data.id, error: { code: -32000, message: error.message } });
  }
});

/** Call a tool as the model would, and render its view beside it. */
async function callTool(name, args, options) {
  settings = {
    capabilities: { serverTools: {}, openLinks: {}, updateModelContext: { text: {} } },
    context: { theme: "light", displayMode: "inline", locale: "en-US" },
    ...options,
  };
  document.body.classList.toggle("dark", settings.context.theme === "dark");
  ({ tools } = await server("tools/list", {}));
  const tool = tools.find((each) => each.name === name);
  const uri = tool._meta.ui.resourceUri;
  const [page] = (await server("resources/read", { uri })).contents;
  if (page.mimeType !== "text/html;profile=mcp-app") throw new Error(`Not an app: ${page.mimeType}`);
  settings.html = page.text;
  const ready = new Promise((resolve) => (initialized = resolve));
  const result = settings.result ?? server("tools/call", { name, arguments: args });
  frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin");
  frame.src = options.sandbox;
  document.getElementById("place").replaceChildren(frame);
  await ready;
  post({ method: "ui/notifications/tool-input", params: { arguments: args } });
  const outcome = await result;
  post({ method: "ui/notifications/tool-result", params: outcome });
  return outcome;
}

function changeContext(params) {
  document.body.classList.toggle("dark", params.theme === "dark");
  post({ method: "ui/notifications/host-context-changed", params });
}

function ask(method, params) {
  const id = `host-${seen.sent.length}`;
  post({ id, method, params });
  return id;
}
