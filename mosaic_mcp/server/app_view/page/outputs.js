"use strict";
/* The finished videos: a picture, facts, a player that is filled piece by piece, and a way out. */
const outputs = (() => {
  const shown = new Map();

  function facts(output) {
    const parts = [];
    if (output.width && output.height) parts.push(`${output.width} × ${output.height}`);
    if (output.size_bytes) parts.push(size(output.size_bytes));
    return parts.join(" · ");
  }

  function add(runId, output) {
    const name = output.name || output.output_id;
    const play = make("button", { type: "button", class: "play", "aria-label": `Play ${name}` });
    play.append(icon("play"));
    const screen = make("div", { class: "screen" }, picture(output), play);
    if (output.width && output.height) {
      screen.style.aspectRatio = `${Number(output.width)} / ${Number(output.height)}`;
    }
    if (output.duration_s) {
      screen.append(make("span", { class: "length", text: clock(output.duration_s) }));
    }
    const note = make("p", { class: "note", role: "status", hidden: "" });
    const about = make("div", { class: "about" }, make("strong", { text: name, title: name }));
    about.append(make("span", { class: "quiet", text: facts(output) }));
    if (/^https?:\/\//.test(output.url ?? "") && host.can("openLinks")) {
      const open = make("button", { type: "button", text: "Open", "aria-label": `Open ${name}` });
      open.addEventListener("click", () => leave(output, note));
      about.append(open);
    }
    const item = make("li", { class: "output" }, screen, about);
    if (output.path) {
      const where = make("details", {}, make("summary", { text: "Where the file is" }));
      where.append(make("code", { text: output.path }));
      item.append(where);
    }
    item.append(note);
    play.addEventListener("click", () => start(runId, output, screen, note));
    shown.set(output.output_id, item);
    byId("outputs").append(item);
  }

  function picture(output) {
    if (!/^data:image\/(jpeg|png|webp);base64,/.test(output.thumbnail ?? "")) {
      return make("span", { class: "blank", text: "No preview" });
    }
    return make("img", { src: output.thumbnail, alt: "" });
  }

  async function leave(output, note) {
    try {
      await host.open(output.url);
      say(note, "");
    } catch (error) {
      const instead = output.path ? " Open the file below instead." : "";
      say(note, `This chat did not open the link: ${error.message}${instead}`);
    }
  }

  async function start(runId, output, screen, note) {
    const play = screen.querySelector(".play");
    play.disabled = true;
    try {
      const url = await fetched(runId, output, (share) => {
        say(note, `Loading the video, ${Math.round(100 * share)} %`);
      });
      const video = make("video", { controls: "", playsinline: "", tabindex: "0" });
      video.setAttribute("aria-label", output.name || output.output_id);
      video.addEventListener("play", () => pauseOthers(video));
      video.addEventListener("error", () => {
        say(note, "This chat's player cannot play the video. Open it instead.");
      });
      const poster = screen.querySelector("img");
      if (poster) video.poster = poster.src;
      video.src = url;
      screen.replaceChildren(video);
      say(note, "");
      video.focus();
      await video.play().catch(() => {}); // where it may not start by itself, its controls do
    } catch (error) {
      say(note, `The video cannot be played here: ${error.message}`);
      play.disabled = false;
    }
  }

  /** The whole video as a `data:` URL: the only kind that every host's policy lets a page play. */
  async function fetched(runId, output, tell) {
    const pieces = [];
    let offset = 0;
    let total;
    let type;
    do {
      const piece = await host.call("play_output", {
        run_id: runId,
        output_id: output.output_id,
        offset,
      });
      const padding = piece.data.endsWith("==") ? 2 : Number(piece.data.endsWith("="));
      const bytes = (piece.data.length / 4) * 3 - padding;
      pieces.push(piece.data);
      offset += bytes;
      const broken = !bytes || (padding && offset < piece.total); // base64 is joined unpadded
      if (broken || (total ?? piece.total) !== piece.total) {
        throw new Error("The file changed while it was read.");
      }
      [total, type] = [piece.total, piece.media_type];
      tell(offset / total);
    } while (offset < total);
    return `data:${type};base64,${pieces.join("")}`;
  }

  function pauseOthers(playing) {
    for (const video of document.querySelectorAll("video")) if (video !== playing) video.pause();
  }

  return {
    /** Ids of the videos that are shown. */
    known: () => [...shown.keys()],
    /** Show more videos of a run. */
    add(runId, list) {
      for (const output of list) if (!shown.has(output.output_id)) add(runId, output);
      byId("videos").hidden = shown.size === 0;
      say(byId("videos-title"), shown.size === 1 ? "Video" : `Videos (${shown.size})`);
    },
    /** Show none: another run follows. */
    clear() {
      shown.clear();
      byId("outputs").replaceChildren();
      byId("videos").hidden = true;
    },
  };
})();
