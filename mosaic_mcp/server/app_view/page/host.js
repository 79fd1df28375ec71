"use strict";
/*
 * The host's side of MCP Apps 2026-01-26: JSON-RPC over postMessage with the parent window.
 * Methods and shapes are those of the specification (SEP-1865).
 */
const host = (() => {
  const VERSION = "2026-01-26";
  const ANSWER_MS = 90_000; // longer than any call of ours may take (50 s)
  const pending = new Map();
  const handlers = new Map();
  let nextId = 1;
  let capabilities = {};
  let context = {};

  function post(message) {
    // The host's origin is not known to the page; nothing secret is ever sent to it unasked.
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  function request(method, params) {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(id, { error: { message: "No answer." } }), ANSWER_MS);
      pending.set(id, { resolve, reject, timer });
      post({ id, method, params });
    });
  }

  function settle(id, { result, error }) {
    const call = pending.get(id);
    if (!call) return;
    pending.delete(id);
    clearTimeout(call.timer);
    if (error) call.reject(new Error(String(error.message || "The host refused.")));
    else call.resolve(result ?? {});
  }

  async function receive({ id, method, params }) {
    const handler = handlers.get(method);
    if (id === undefined) {
      handler?.(params ?? {});
    } else if (handler) {
      post({ id, result: (await handler(params ?? {})) ?? {} });
    } else {
      post({ id, error: { code: -32601, message: "Method not found" } });
    }
  }

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.jsonrpc !== "2.0") return;
    if (event.data.method) receive(event.data);
    else settle(event.data.id, event.data);
  });

  /** Take the host's theme, style variables, fonts and insets; absent ones keep our own. */
  function applyContext(changed) {
    context = { ...context, ...changed };
    const root = document.documentElement;
    if (context.theme === "light" || context.theme === "dark") {
      root.dataset.theme = context.theme;
      root.style.colorScheme = context.theme;
    }
    for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
      if (name.startsWith("--") && value) root.style.setProperty(name, value);
    }
    const fonts = changed.styles?.css?.fonts;
    if (fonts) {
      document.getElementById("host-fonts")?.remove();
      const style = document.createElement("style");
      style.id = "host-fonts";
      style.textContent = fonts;
      document.head.append(style);
    }
    if (context.locale) root.lang = context.locale;
    const inset = context.safeAreaInsets;
    if (inset) {
      document.body.style.padding = ["top", "right", "bottom", "left"]
        .map((side) => `${Number(inset[side]) || 0}px`)
        .join(" ");
    }
  }

  /** Tell the host how tall the page is, whenever that changes. */
  function reportSize() {
    let last = "";
    const report = () => {
      const size = {
        width: Math.ceil(document.documentElement.clientWidth),
        height: Math.ceil(document.body.getBoundingClientRect().height),
      };
      if (last === JSON.stringify(size)) return;
      last = JSON.stringify(size);
      post({ method: "ui/notifications/size-changed", params: size });
    };
    new ResizeObserver(() => requestAnimationFrame(report)).observe(document.body);
    report();
  }

  return {
    /** Handle a notification or request of the host; register before `connect`. */
    on: (method, handler) => handlers.set(method, handler),

    /** Shake hands. The host sends the tool's input and result only after this. */
    async connect() {
      handlers.set("ping", () => ({}));
      handlers.set("ui/notifications/host-context-changed", applyContext);
      const answer = await request("ui/initialize", {
        protocolVersion: VERSION,
        appInfo: { name: "mosaic-run-viewer", title: "Mosaic run", version: "1.0.0" },
        appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      });
      capabilities = answer.hostCapabilities ?? {};
      applyContext(answer.hostContext ?? {});
      post({ method: "ui/notifications/initialized", params: {} });
      reportSize();
    },

    /** True when the host says that it does `name`: "serverTools", "openLinks", … */
    can: (name) => capabilities[name] !== undefined,

    /** Call a tool of our server; its structured answer, or an Error with its text. */
    async call(name, args) {
      const result = await request("tools/call", { name, arguments: args });
      const answer = answerOf(result);
      if (result.isError) throw new Error(textOf(result) || "The call failed.");
      if (!answer) throw new Error("The host passed on no answer.");
      return answer;
    },

    /** Open an address outside; throws when the host does not. */
    async open(url) {
      const answer = await request("ui/open-link", { url });
      if (answer.isError) throw new Error("The host did not open it.");
    },

    /** Let the model know, at its next turn, what the person did here. */
    tellModel(text) {
      if (!capabilities.updateModelContext) return;
      const content = [{ type: "text", text }];
      request("ui/update-model-context", { content }).catch(() => {});
    },
  };
})();

/** The text of a tool's result. */
function textOf(result) {
  const blocks = (result.content ?? []).filter((block) => block.type === "text");
  return blocks.map((block) => block.text).join("\n");
}

/** The structured answer of a tool's result; some hosts pass on only its text, which says the same. */
function answerOf(result) {
  if (result.structuredContent) return result.structuredContent;
  try {
    return JSON.parse(textOf({ content: (result.content ?? []).slice(0, 1) }));
  } catch {
    return undefined;
  }
}
