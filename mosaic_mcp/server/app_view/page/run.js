"use strict";
/* Follows one run, offers what can be done with it, and asks before it does what cannot be undone. */

const LOOK_S = 2; // between two looks where news is pushed: get_run returns at once on a change
const POLITE_S = 15; // between two looks at the hosted engine
const PATIENCE = [2, 4, 8, 15, 30]; // seconds to wait after a failure, then "Try again"

const followed = { id: undefined, status: undefined, pushed: true, before: [] };
let turn = 0; // each following has a number: an older one stops when a newer one begins
let openedAt = new Date();
let input = {};

// Drawing

function drawStatus(status, word) {
  const [state, usual] = status ? stateOf(status) : ["waiting", "Starting"];
  const badge = byId("status");
  badge.dataset.state = state;
  badge.querySelector("use").setAttribute("href", `#icon-${state}`);
  say(badge.querySelector("span"), word ?? usual);
}

/** Whether what is shown will still change: a run that has ended is drawn once more. */
function drawBusy(busy) {
  byId("view").setAttribute("aria-busy", String(busy));
}

function drawId(id) {
  say(byId("run-id"), `Run ${id.slice(0, 8)}`);
  byId("run-id").title = id;
}

function drawProgress(status, percent) {
  const bar = byId("progress");
  const ended = ENDED.includes(status);
  bar.hidden = ended;
  bar.classList.toggle("unknown", percent === undefined);
  if (percent === undefined) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(percent));
  bar.dataset.state = status ? stateOf(status)[0] : "waiting";
  bar.firstElementChild.style.width = `${percent ?? 100}%`;
  say(byId("percent"), ended || percent === undefined ? "" : `${percent} %`);
}

function drawProblems(errors = []) {
  const lines = errors.flatMap(({ node, messages }) =>
    messages.map((message) => make("li", {}, make("strong", { text: node }), ` ${message}`)),
  );
  byId("problems").replaceChildren(...lines);
  byId("problems").hidden = lines.length === 0;
}

/** The summary without its percentage: that changes too often to be read out each time. */
function drawSummary(run) {
  const doing = run.nodes?.find((node) => node.status === "running");
  const text = run.status === "running" && doing ? `Working on ${doing.label}.` : run.summary;
  say(byId("summary"), text);
}

function drawActions() {
  const { status, provisional, needsCredits } = followed;
  const ended = ENDED.includes(status);
  const usable = host.can("serverTools") && !provisional && byId("ask").hidden;
  byId("cancel").hidden = !usable || status !== "running";
  byId("resume").hidden = !usable || !(["failed", "cancelled"].includes(status) || needsCredits);
  byId("chain").hidden = !usable || !ended || outputs.known().length === 0;
  byId("back").hidden = !usable || followed.before.length === 0;
}

function note(text) {
  say(byId("note"), text);
}

// Following

/** One answer of get_run: status, errors, what is missing. */
function drawRun(run) {
  followed.status = run.status;
  followed.needsCredits = run.needs_credits ?? false;
  drawStatus(run.status);
  drawProblems(run.errors);
  drawProgress(run.status, run.percent ?? (ENDED.includes(run.status) ? 100 : undefined));
  if (ENDED.includes(run.status)) drawSummary(run);
}

/** One look with view_run: graph, progress within nodes, new videos. */
async function look(id, withGraph) {
  let seen;
  do {
    seen = await host.call("view_run", { run_id: id, known: outputs.known(), graph: withGraph });
    if (id !== followed.id) return;
    outputs.add(id, seen.outputs);
  } while (seen.more_outputs);
  followed.pushed = seen.pushed;
  graph.show(seen.nodes, seen.edges);
  if (seen.agent) say(byId("agent"), seen.agent);
  drawStatus(seen.status);
  drawProgress(seen.status, seen.percent);
  drawSummary(seen);
  followed.status = seen.status;
  drawActions();
}

/** Follow a run until it ends or another one is followed. */
async function follow(id, { provisional = false } = {}) {
  const mine = ++turn;
  if (followed.id !== id) {
    outputs.clear();
    graph.show([], []);
    drawProblems();
    drawStatus(undefined);
    drawProgress(undefined, undefined);
    say(byId("summary"), "Asking how the run stands.");
    followed.status = undefined;
  }
  Object.assign(followed, { id, provisional });
  drawId(id);
  drawBusy(true);
  note("");
  byId("again").hidden = true;
  let failures = 0;
  let since;
  while (mine === turn) {
    try {
      await look(id, since === undefined);
      if (mine !== turn) return;
      const wait_s = followed.pushed ? LOOK_S : POLITE_S;
      const run = await host.call("get_run", { run_id: id, wait_s, ...(since && { since }) });
      if (mine !== turn) return;
      drawRun(run);
      if (failures > 0) note("");
      [since, failures] = [run.since ?? "", 0];
      if (ENDED.includes(run.status)) {
        await look(id, true);
        if (mine === turn) drawBusy(false);
        return;
      }
    } catch (error) {
      if (mine !== turn) return;
      if (failures === PATIENCE.length) return giveUp(error);
      note(`No news of the run: ${error.message} Trying again.`);
      await sleep(1000 * PATIENCE[failures++]);
    }
    await untilVisible();
  }
}

function giveUp(error) {
  drawBusy(false);
  note(`No news of the run: ${error.message}`);
  byId("again").hidden = false;
}

/*
 * A call that starts a run answers only when it has waited for it. Until then the run is followed
 * if it is the only one that began since the page was opened; nothing can be done to it yet.
 */
async function seek() {
  const since = new Date(openedAt - 5000).toISOString();
  while (followed.id === undefined) {
    try {
      const { runs = [] } = await host.call("list_runs", { status: ["running"], since, limit: 2 });
      if (runs.length === 1 && followed.id === undefined) {
        follow(runs[0].run_id, { provisional: true });
      }
    } catch {
      // The call's own result will tell.
    }
    await sleep(1000 * LOOK_S);
  }
}

// Doing

/** Do something once: its button waits, a failure is told. */
async function act(button, doing) {
  button.disabled = true;
  note("");
  try {
    await doing();
  } catch (error) {
    note(error.message);
  } finally {
    button.disabled = false;
    drawActions();
    // Disabled and hidden buttons lose the focus; somebody on the keyboard wants it back.
    const active = document.activeElement;
    if (active === document.body || !active.checkVisibility()) {
      (button.hidden ? byId("agent") : button).focus();
    }
  }
}

/** Ask in the page; resolves to true for yes. Escape is no. */
function ask(question, yes, no, { warnings = [], choice = false } = {}) {
  const box = byId("ask");
  say(byId("question"), question);
  say(byId("yes"), yes);
  say(byId("no"), no);
  byId("choice").hidden = !choice;
  byId("warnings").hidden = warnings.length === 0;
  byId("warnings").replaceChildren(...warnings.map((text) => make("li", { text })));
  box.hidden = false;
  drawActions();
  (choice ? byId("agents") : byId("question")).focus();
  box.scrollIntoView({ block: "nearest" });
  return new Promise((resolve) => {
    const done = (answer) => {
      box.hidden = true;
      byId("yes").onclick = byId("no").onclick = box.onkeydown = null;
      drawActions();
      resolve(answer);
    };
    byId("yes").onclick = () => done(true); // not a form: sandboxes may forbid submitting one
    byId("no").onclick = () => done(false);
    box.onkeydown = (event) => event.key === "Escape" && done(false);
  });
}

async function cancelRun() {
  const { id } = followed;
  const text = "Stop this run? Videos that are finished stay, and it can be resumed.";
  if (!(await ask(text, "Stop the run", "Keep it running"))) return;
  await change(id, "cancel_run", {});
  host.tellModel(`In the run viewer, the user cancelled run ${id}.`);
}

async function resumeRun() {
  const { id } = followed;
  await change(id, "resume_run", { wait_s: 0 });
  host.tellModel(`In the run viewer, the user resumed run ${id}.`);
}

/** Have the followed run changed, and follow it on, also when it refuses. */
async function change(id, tool, wish) {
  turn++; // what was asked before the change would only tell of the time before it
  try {
    drawRun(await host.call(tool, { run_id: id, ...wish }));
  } finally {
    follow(id);
  }
}

async function listAgents() {
  const agents = [];
  let cursor;
  do {
    const page = await host.call("find_agents", cursor ? { cursor } : {});
    agents.push(...(page.agents ?? []));
    cursor = page.next_cursor;
  } while (cursor && agents.length < 300);
  return agents;
}

/** Choose an agent, let the server check the request, ask, start, and follow the new run. */
async function chainRun() {
  const { id } = followed;
  const agents = await listAgents();
  byId("agents").replaceChildren(
    ...agents.map(({ agent_id, name }) => make("option", { value: agent_id, text: name })),
  );
  const what = "Use the finished videos of this run as the input of another agent.";
  if (!(await ask(what, "Check", "Not now", { choice: true }))) return;
  const [chosen] = byId("agents").selectedOptions;
  const wish = { source: id, agent: chosen.value };
  const plan = await host.call("chain_run", { ...wish, dry_run: true });
  const count = outputs.known().length;
  const videos = count === 1 ? "1 video" : `${count} videos`;
  const question = `Start “${chosen.textContent}” on ${videos} of this run?`;
  if (!(await ask(question, "Start the run", "Not now", { warnings: plan.warnings }))) return;
  const run = await host.call("chain_run", { ...wish, confirm: plan.confirm, wait_s: 0 });
  host.tellModel(
    `In the run viewer, the user fed run ${id} to agent ${chosen.value}: run ${run.run_id}.`,
  );
  followed.before.push(id);
  say(byId("agent"), chosen.textContent);
  follow(run.run_id);
}

function goBack() {
  follow(followed.before.pop());
  drawActions();
}

// What the host tells

function receiveInput({ arguments: args = {} }) {
  input = args;
  if (!host.can("serverTools") || args.dry_run) return;
  if (typeof args.run_id === "string") {
    if (followed.id === undefined) follow(args.run_id, { provisional: true });
  } else if (args.agent) {
    say(byId("agent"), String(args.agent));
    say(byId("summary"), "Checking the request and handing over the videos.");
    drawProgress(undefined, undefined);
    seek();
  }
}

function receiveResult(result) {
  const answer = answerOf(result);
  if (result.isError || !answer?.run_id) {
    turn++;
    Object.assign(followed, { id: null, status: "failed" });
    drawBusy(false);
    drawStatus("failed", answer?.status === "dry_run" ? "Not started" : "Failed");
    drawProgress("failed");
    if (answer?.status === "dry_run") byId("status").dataset.state = "waiting";
    say(byId("summary"), answer?.summary ?? (textOf(result) || "The call failed."));
    return;
  }
  if (host.can("serverTools")) {
    follow(answer.run_id);
    return;
  }
  drawId(answer.run_id);
  drawRun(answer);
  say(byId("summary"), answer.summary);
  drawBusy(false);
  note("This chat does not let the viewer ask for news: ask the assistant how the run stands.");
}

function receiveCancelled({ reason }) {
  if (followed.id !== undefined && followed.id !== null) return; // the run goes on without the call
  drawBusy(false);
  drawStatus("cancelled", "Not followed");
  drawProgress("cancelled");
  const why = reason ? ` (${reason})` : "";
  say(byId("summary"), `The call was cancelled${why}. A run that it started goes on by itself.`);
}

host.on("ui/notifications/tool-input", receiveInput);
host.on("ui/notifications/tool-result", receiveResult);
host.on("ui/notifications/tool-cancelled", receiveCancelled);
host.on("ui/resource-teardown", () => {
  turn++;
  for (const video of document.querySelectorAll("video")) video.pause();
});

for (const [id, doing] of [["cancel", cancelRun], ["resume", resumeRun], ["chain", chainRun]]) {
  byId(id).addEventListener("click", () => act(byId(id), doing));
}
byId("back").addEventListener("click", goBack);
byId("again").addEventListener("click", () => follow(followed.id));

drawProgress(undefined, undefined);
host.connect().catch((error) => note(`The chat does not answer the viewer: ${error.message}`));
