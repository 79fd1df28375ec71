// A host with one habit: it makes the call that the last answer names as `next`, until none is.
//
//   node follow.mjs FOLDER ORDER
//
// FOLDER has the SDK in its node_modules. ORDER is JSON: `sdk` (1 or 2), `server` ({command, args,
// env} or {url}), `tool` and `arguments` of the first call, and `wait_s` where get_run shall not
// wait as long as `next` says. Prints {version, calls: [{tool, seconds, result}]} as JSON
// (version 1 of the SDK does not tell the protocol's).
// Clients have the SDK's defaults: requests end after 60 s, no progress is asked for.
import { createRequire } from "node:module";

const [folder, order] = process.argv.slice(2);
const { sdk, server, tool, arguments: given, wait_s } = JSON.parse(order);
const require = createRequire(`${folder}/`);
const MOST_CALLS = 60;

function load() {
  const parts =
    sdk === 2
      ? ["client", "client/stdio"]
      : ["sdk/client/index.js", "sdk/client/stdio.js", "sdk/client/streamableHttp.js"];
  return Object.assign({}, ...parts.map((part) => require(`@modelcontextprotocol/${part}`)));
}

// get_run(run_id='…', wait_s=30) and what may follow in words -> {tool, arguments}
function parse(next) {
  const [, name, inside] = /^(\w+)\((.*?)\)/.exec(next);
  const pairs = [...inside.matchAll(/(\w+)=(?:'([^']*)'|([^,\s]+))/g)];
  const values = pairs.map(([, key, text, json]) => [key, text ?? JSON.parse(json)]);
  return { tool: name, arguments: Object.fromEntries(values) };
}

const { Client, StdioClientTransport, StreamableHTTPClientTransport } = load();
// Version 2 speaks the old protocol unless told to look; version 1 knows no other.
const client = new Client({ name: "follower", version: "1" }, { versionNegotiation: { mode: "auto" } });
const transport = server.url
  ? new StreamableHTTPClientTransport(new URL(server.url))
  : new StdioClientTransport(server);
await client.connect(transport);
await client.listTools(); // as hosts do; the client checks results against these schemas from now on

const calls = [];
let call = { tool, arguments: given };
while (call && calls.length < MOST_CALLS) {
  if (wait_s && call.tool === "get_run") call.arguments.wait_s = wait_s;
  const began = performance.now();
  const result = await client.callTool({ name: call.tool, arguments: call.arguments });
  calls.push({ tool: call.tool, seconds: (performance.now() - began) / 1000, result });
  const next = result.structuredContent?.next;
  call = next && !result.isError ? parse(next) : null;
}
const version = client.getNegotiatedProtocolVersion?.();
await client.close();
console.log(JSON.stringify({ version, calls }));
