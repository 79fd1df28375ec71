"use strict";
/* Small things that the other parts share. Everything said by a run is text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** A status of a run or node -> its state here (icon and colour) and its word. */
const STATES = {
  not_started: ["waiting", "Waiting"],
  queued: ["waiting", "Queued"],
  running: ["running", "Running"],
  blocked: ["stopped", "Blocked"],
  completed: ["done", "Done"],
  partial_complete: ["partly", "Partly done"],
  failed: ["failed", "Failed"],
  cancelled: ["stopped", "Cancelled"],
};
const ENDED = ["completed", "partial_complete", "failed", "cancelled"];

const byId = (id) => document.getElementById(id);

/** [state, word] of a status; one that we do not know is shown as it is called. */
const stateOf = (status) => STATES[status] ?? ["waiting", String(status)];

/** An element with text or children. */
function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Change a text only when it differs, so that screen readers do not repeat it. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/** 75.4 -> "1:15" */
function clock(seconds) {
  const whole = Math.round(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** 1234567 -> "1.2 MB" */
function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves as soon as somebody can see the page: nobody watches a hidden one. */
function untilVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", function changed() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", changed);
      resolve();
    });
  });
}
