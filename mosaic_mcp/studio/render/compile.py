"""Timelines as one FFmpeg filter graph: every edit in one decode and one encode.

    each run of clips:  fps → select frames → crop along its path → look → scale to the canvas
    all runs:           concat → cutaways → captions → overlays → encode

A run is a stretch of clips that walk forward through one source; it is decoded once. Frames are
chosen by number after the `fps` filter, so cuts are frame-exact, also in sources of variable rate.
Timelines that show the same frames in other ways share a graph: it splits after `select`.
Nothing that a user wrote gets into the graph: text is in a subtitle file, files have our names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mosaic_mcp.studio.render.colour import TONE_MAP
from mosaic_mcp.studio.render.facts import Facts, square
from mosaic_mcp.studio.render.fitting import changed, fitted
from mosaic_mcp.studio.render.layers import Layers
from mosaic_mcp.studio.render.pieces import Frames, Run, frames_in, part_of, runs_of
from mosaic_mcp.studio.render.plan import Plan, View
from mosaic_mcp.studio.render.waves import TAIL_S, waves

SEEK_FROM_S = 2
"""Seconds: nearer to the start than this, decoding from the beginning is as quick."""


def compile_video(
    views: Sequence[View],
    names: Mapping[str, str],
    facts: Mapping[str, Facts],
    *,
    upload: str = "",
    part: Frames | None = None,
) -> Plan:
    """The plan for the pictures of timelines with the same frames, or for a part of them.

    `names` are the files in the job folder by hash, `facts` how their pictures are stored.
    `upload` are filters that bring pictures to where the encoder reads them; `part` is in frames of
    the output.
    """
    plan = Plan(views)
    part = part or Frames(0, frames_in(views[0].timeline))
    # By view: they may differ in how a run looks, not in its frames.
    runs = [part_of(runs_of(view.timeline), part) for view in views]
    for index, alike in enumerate(zip(*runs, strict=True)):
        _run(plan, alike, names, facts, index)
        plan.frames += alike[0].frames
    for view in views:
        labels = [view.own(f"r{index}") for index in range(len(runs[0]))]
        label = labels[0]
        if len(labels) > 1:
            label = view.own("joined")
            joined = "".join(f"[{each}]" for each in labels)
            # `concat` counts in microseconds: a cutaway would miss its first frame by a rounding.
            exact = f"settb=1/({view.timeline.frame_rate}),setpts=N"
            plan.chains.append(f"{joined}concat=n={len(labels)}:v=1:a=0,{exact}[{label}]")
        label = Layers(plan, view, names, facts, part).over(label)
        plan.chains.append(f"[{label}]{upload or 'format=yuv420p'}[{view.out}]")
    return plan


def _run(
    plan: Plan,
    runs: Sequence[Run],
    names: Mapping[str, str],
    facts: Mapping[str, Facts],
    index: int,
) -> None:
    """One run of each view: the same frames, brought to each canvas."""
    run = runs[0]
    name = names[run.source.sha256]
    if run.source.kind == "audio":
        _drawn(plan, run, name, index)
        return
    stored = facts[run.source.sha256]
    decoded = _decoded(plan, run, name, stored)
    if len(runs) > 1:
        halves = [view.own(f"s{index}") for view in plan.views]
        outs = "".join(f"[{half}]" for half in halves)
        plan.chains.append(f"{decoded},split={len(runs)}{outs}")
        begins = [f"[{half}]" for half in halves]
    else:
        begins = [f"{decoded},"]
    for view, own, begin in zip(plan.views, runs, begins, strict=True):
        steps = [*fitted(plan, view, own, stored.to_bt709, index), *changed(own.like, names)]
        plan.chains.append(f"{begin}{','.join(steps)}[{view.own(f'r{index}')}]")


def _drawn(plan: Plan, run: Run, name: str, index: int) -> None:
    """The picture of a sound, for each view."""
    first = run.pieces[0].first
    for view in plan.views:
        rate = view.timeline.frame_rate
        skipped = first if first > SEEK_FROM_S * rate else 0
        seek = ["-ss", f"{float(skipped / rate):.6f}"] if skipped else []
        number = plan.input(name, *seek)
        selection = f"trim=end_frame={run.end - skipped},select='{_selection(run.pieces, skipped)}'"
        drawn = waves(view.width, view.height, rate, selection)
        plan.chains.append(f"[{number}:a:0]{drawn}[{view.own(f'r{index}')}]")


def _decoded(plan: Plan, run: Run, name: str, facts: Facts) -> str:
    """A chain with the run's frames as their source shows them; it has no end yet."""
    rate = plan.views[0].timeline.frame_rate
    first = run.pieces[0].first
    skipped = first if facts.seekable and first > SEEK_FROM_S * rate else 0
    options: list[str] = []
    if skipped:
        # An accurate seek would drop the picture that still stands at this moment when the rate
        # varies. From the key frame before, `fps` finds the last picture before the start. There is
        # no `-t`: it would count from that key frame, however far before it is.
        options = ["-noaccurate_seek", "-ss", f"{float(skipped / rate):.6f}"]
    number = plan.input(name, *plan.decoding, *options)
    source = run.source
    steps = [
        *facts.whole_pictures,
        f"fps=fps={rate}:start_time=0:round=near",
        f"tpad=stop_mode=clone:stop_duration={TAIL_S}",
        f"trim=end_frame={run.end - skipped}",  # nothing behind it is decoded
        f"select='{_selection(run.pieces, skipped)}'",
        "setpts=N",
        *square(source),
        *([TONE_MAP] if facts.hdr else []),
    ]
    # V leaves cover pictures out.
    return f"[{number}:V:0]{','.join(steps)}"


def _selection(pieces: Sequence[Frames], skipped: int) -> str:
    """An expression that is 1 for the wanted frames: a balanced tree, since FFmpeg's parser
    refuses sums of more than 100 terms."""
    if len(pieces) == 1:
        first = pieces[0].first - skipped
        return f"between(n,{first},{first + pieces[0].count - 1})"
    middle = len(pieces) // 2
    left, right = pieces[:middle], pieces[middle:]
    border = right[0].first - skipped
    return f"if(lt(n,{border}),{_selection(left, skipped)},{_selection(right, skipped)})"
