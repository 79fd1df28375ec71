"use strict";
/*
 * The node graph: cards in columns by their distance from the source and lines between them. Where
 * the page is too narrow for all columns, a chain goes on in the next band, and a graph with
 * branches stands upright.
 */
const graph = (() => {
  const CARD = 148; // least width of a card, pixels
  const GAP = 30;
  const RADIUS = 8;
  const cards = new Map();
  let nodes = [];
  let edges = [];

  /** Node id -> how many edges lead to it on the longest way. */
  function layersOf() {
    if (!edges.length) return new Map(nodes.map((node, index) => [node.id, index]));
    const layers = new Map(nodes.map((node) => [node.id, 0]));
    for (let round = 0; round < nodes.length; round++) {
      let moved = false;
      for (const [from, to] of edges) {
        if (layers.get(to) <= layers.get(from)) {
          layers.set(to, layers.get(from) + 1);
          moved = true;
        }
      }
      if (!moved) break;
    }
    return layers;
  }

  /** Layers as lists of node ids; within one, nodes stand as their sources do. */
  function lanes() {
    const rows = [];
    const place = new Map();
    const layers = layersOf();
    for (const node of nodes) (rows[layers.get(node.id)] ??= []).push(node.id);
    for (const row of rows) {
      const from = (id) => {
        const sources = edges.filter(([, to]) => to === id).map(([source]) => place.get(source));
        return sources.reduce((sum, lane) => sum + lane, 0) / (sources.length || 1);
      };
      row.sort((a, b) => from(a) - from(b));
      row.forEach((id, lane) => place.set(id, lane));
    }
    return rows;
  }

  function layOut() {
    const list = byId("graph").querySelector("ol");
    const rows = lanes();
    const width = byId("graph").clientWidth;
    const fits = Math.max(1, Math.floor((width + GAP) / (CARD + GAP)));
    const widest = Math.max(...rows.map((row) => row.length));
    // A chain may be wrapped; a graph with branches is clearer from top to bottom.
    const bands = widest > 1 && rows.length > fits ? rows.length : Math.ceil(rows.length / fits);
    const columns = Math.ceil(rows.length / bands);
    const upright = columns === 1;
    const sideBySide = upright && width / widest >= 100;
    let start = 1;
    for (let first = 0; first < rows.length; first += columns) {
      const band = rows.slice(first, first + columns);
      const height = sideBySide ? 1 : Math.max(...band.map((row) => row.length));
      band.forEach((row, column) => {
        row.forEach((id, lane) => {
          const style = cards.get(id).style;
          const alone = row.length === 1;
          if (sideBySide) {
            style.gridColumn = alone ? "1 / -1" : String(lane + 1);
            style.gridRow = String(start);
          } else {
            style.gridColumn = String(column + 1);
            style.gridRow = alone ? `${start} / span ${height}` : String(start + lane);
          }
        });
      });
      start += height;
    }
    const across = sideBySide ? widest : columns;
    list.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    list.style.maxWidth = upright ? `${Math.max(2, widest) * 2 * CARD}px` : "none";
    drawLines(upright);
  }

  function drawLines(upright) {
    const svg = byId("graph").querySelector("svg");
    const origin = byId("graph").getBoundingClientRect();
    const status = new Map(nodes.map((node) => [node.id, node.status]));
    const paths = edges.map(([from, to]) => {
      const path = document.createElementNS(SVG, "path");
      const [a, b] = [from, to].map((id) => cards.get(id).getBoundingClientRect());
      path.setAttribute("d", line(a, b, origin, upright));
      const [state] = stateOf(status.get(to));
      path.setAttribute("data-state", stateOf(status.get(from))[0] === "done" ? state : "waiting");
      return path;
    });
    svg.setAttribute("viewBox", `0 0 ${origin.width} ${origin.height}`);
    svg.replaceChildren(...paths);
  }

  /** From card a to card b: across within a band, else down and around the corner. */
  function line(a, b, origin, upright) {
    const across = !upright && b.left >= a.right;
    if (across) {
      const [x, y] = [a.right - origin.left, (a.top + a.bottom) / 2 - origin.top];
      const [u, v] = [b.left - origin.left, (b.top + b.bottom) / 2 - origin.top];
      const bend = (u - x) / 2;
      return `M${x} ${y}C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`;
    }
    const [x, y] = [(a.left + a.right) / 2 - origin.left, a.bottom - origin.top];
    const [u, v] = [(b.left + b.right) / 2 - origin.left, b.top - origin.top];
    const middle = v - (v > y ? Math.min(GAP, v - y) / 2 : -GAP / 2);
    const turn = Math.min(RADIUS, Math.abs(u - x) / 2, Math.abs(middle - y));
    const way = Math.sign(u - x);
    return (
      `M${x} ${y}V${middle - turn}q0 ${turn} ${way * turn} ${turn}` +
      `H${u - way * turn}q${way * turn} 0 ${way * turn} ${turn}V${v}`
    );
  }

  function card() {
    const bar = make("div", { class: "bar" }, make("div"));
    const words = make("div", { class: "words" }, make("strong"), make("span"));
    return make("li", { class: "node" }, make("span", { class: "mark" }), words, bar);
  }

  function fill(element, node) {
    const [state, word] = stateOf(node.status);
    if (element.dataset.state !== state) {
      element.dataset.state = state;
      element.querySelector(".mark").replaceChildren(icon(state));
    }
    const percent = node.percent ?? 0;
    const told = node.doing || (node.status === "running" ? `${word} ${percent} %` : word);
    element.querySelector("strong").textContent = node.label;
    element.querySelector("span:not(.mark)").textContent = told;
    element.title = `${node.label}: ${word}${node.doing ? `, ${node.doing}` : ""}`;
    element.querySelector(".bar > div").style.width = state === "running" ? `${percent}%` : "0";
  }

  new ResizeObserver(() => cards.size && layOut()).observe(document.body);

  return {
    /** Show these nodes; `links` (pairs of ids) only when they are new. */
    show(list, links) {
      const known = new Set(list.map((node) => node.id));
      nodes = list;
      if (links) edges = links.filter(([from, to]) => known.has(from) && known.has(to));
      for (const [id, element] of cards) {
        if (!known.has(id)) {
          element.remove();
          cards.delete(id);
        }
      }
      for (const node of nodes) {
        if (!cards.has(node.id)) {
          cards.set(node.id, card());
          byId("graph").querySelector("ol").append(cards.get(node.id));
        }
        fill(cards.get(node.id), node);
      }
      byId("steps").hidden = nodes.length === 0;
      if (nodes.length) layOut();
    },
  };
})();
