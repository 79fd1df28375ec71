"""A timeline as one FFmpeg filter graph: every edit in one decode and one encode.

    each run of clips:  fps → select frames → crop along its path → scale to the canvas
    all runs:           concat → captions → overlays → encode

A run is a stretch of clips that walk forward through one source; it is decoded once. Frames are
chosen by number after the `fps` filter, so cuts are frame-exact, also in sources of variable rate.
Nothing that a user wrote gets into the graph: text is in a subtitle file, files have our names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.studio.render.ffmpeg import guarded_input
from mosaic_mcp.studio.render.framing import crop_commands, crop_size
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import Clip, Overlay, Source, Timeline

LEAD_S = 2
"""Seconds decoded before a run's first frame when it begins later: seeking lands on a key frame."""
CAPTIONS = "captions.ass"
FONTS_DIR = "fonts"
GRAPH = "graph.txt"


@dataclass(frozen=True, slots=True)
class Frames:
    """Part of a source in whole frames of the canvas rate: first frame and how many."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Run:
    """Clips that walk forward through one source."""

    source: Source
    pieces: tuple[Frames, ...]


@dataclass(slots=True)
class Plan:
    """What to run: inputs, the graph, and the side files it reads (name -> text)."""

    inputs: list[str] = field(default_factory=list[str])
    chains: list[str] = field(default_factory=list[str])
    files: dict[str, str] = field(default_factory=dict[str, str])
    frames: int = 0
    width: int = 0
    height: int = 0
    sources: int = 0

    @property
    def graph(self) -> str:
        """The text of the filter graph; its video comes out as [v]."""
        return ";\n".join(self.chains) + "\n"

    def input(self, name: str, *options: str) -> int:
        """Add an input and return its number."""
        self.inputs += guarded_input(name, *options)
        self.sources += 1
        return self.sources - 1


def frames_of(clip: Clip, rate: Fraction) -> Frames:
    """A clip in frames: the nearest frame to its start, and as many as it lasts."""
    return Frames(round(clip.start * rate), round(clip.duration * rate))


def runs_of(timeline: Timeline) -> list[Run]:
    """The clips as runs, in output order."""
    runs: list[Run] = []
    pieces: list[Frames] = []
    current: str | None = None
    for clip in timeline.clips:
        piece = frames_of(clip, timeline.frame_rate)
        forward = pieces and piece.first >= pieces[-1].first + pieces[-1].count
        if clip.source != current or not forward:
            if current is not None and pieces:
                runs.append(Run(timeline.sources[current], tuple(pieces)))
            pieces, current = [], clip.source
        pieces.append(piece)
    if current is not None and pieces:
        runs.append(Run(timeline.sources[current], tuple(pieces)))
    return runs


def compile_video(
    timeline: Timeline,
    names: Mapping[str, str],
    *,
    scale: Fraction = Fraction(1),
    captions: bool = False,
) -> Plan:
    """The plan for a timeline's picture; `names` are the files in the job folder by hash.

    `scale` shrinks the canvas (drafts). `captions` says that the job folder has CAPTIONS.
    """
    plan = Plan(
        width=max(even(int(timeline.width * scale)), 2),
        height=max(even(int(timeline.height * scale)), 2),
    )
    runs = runs_of(timeline)
    for index, run in enumerate(runs):
        _run(plan, timeline, run, names[run.source.sha256], index)
        plan.frames += sum(piece.count for piece in run.pieces)
    joined = "".join(f"[r{i}]" for i in range(len(runs)))
    label = "r0"
    if len(runs) > 1:
        plan.chains.append(f"{joined}concat=n={len(runs)}:v=1:a=0[joined]")
        label = "joined"
    if captions:
        plan.chains.append(f"[{label}]subtitles=filename={CAPTIONS}:fontsdir={FONTS_DIR}[titled]")
        label = "titled"
    for index, overlay in enumerate(timeline.overlays):
        label = _overlay(plan, overlay, names[overlay.source], label, index, scale)
    plan.chains.append(f"[{label}]format=yuv420p[v]")
    return plan


def _run(plan: Plan, timeline: Timeline, run: Run, name: str, index: int) -> None:
    rate = timeline.frame_rate
    skipped = max(0, run.pieces[0].first - int(LEAD_S * rate))
    last = run.pieces[-1].first + run.pieces[-1].count
    # One second more than needed: the last frame of a variable rate may come late.
    options = ["-t", f"{float((last - skipped) / rate) + 1:.6f}"]
    if skipped:
        options = ["-ss", f"{float(skipped / rate):.6f}", *options]
    number = plan.input(name, *options)
    source = run.source
    steps = [
        f"fps=fps={rate}:start_time=0:round=near",
        f"select='{_selection(run.pieces, skipped)}'",
        "setpts=N",
        # Square pixels, as the source is shown; no change for most sources.
        f"scale={source.width}:{source.height}",
        "setsar=1",
        *_framing(plan, timeline, run, index),
        "setsar=1",
    ]
    plan.chains.append(f"[{number}:v:0]{','.join(steps)}[r{index}]")


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


def _framing(plan: Plan, timeline: Timeline, run: Run, index: int) -> list[str]:
    width, height = plan.width, plan.height
    fit = f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv"
    framing = timeline.framing
    source = run.source
    if framing is not None and framing.fit == "crop":
        size = crop_size(source, timeline.width, timeline.height)
        if size == (even(source.width), even(source.height)):
            return [fit]
        rate = timeline.frame_rate
        times = [
            Fraction(piece.first + i) / rate for piece in run.pieces for i in range(piece.count)
        ]
        keys = framing.paths.get(source.sha256, ())
        start, lines = crop_commands(times, rate, keys, source, size, f"crop@c{index}")
        crop = f"crop@c{index}={size[0]}:{size[1]}:{start[0]}:{start[1]}"
        if not lines.strip():
            return [crop, fit]
        plan.files[f"crop{index}.txt"] = lines
        return [f"sendcmd=f=crop{index}.txt", crop, fit]
    if abs(source.width * timeline.height - source.height * timeline.width) * 50 < (
        source.height * timeline.width
    ):
        return [fit]
    inside = (
        f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
        ":flags=bicubic:out_color_matrix=bt709:out_range=tv"
    )
    if framing is None:
        return [inside, f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"]
    # Behind: the picture itself, filling the canvas, small while it is blurred (cheap).
    small_w, small_h = even(width // 6), even(height // 6)
    return [
        f"split[front{index}][back{index}];[back{index}]"
        f"scale={small_w}:{small_h}:force_original_aspect_ratio=increase,"
        f"crop={small_w}:{small_h},gblur=sigma=6,eq=brightness=-0.06,scale={width}:{height}"
        f":out_color_matrix=bt709:out_range=tv,setsar=1[soft{index}];[front{index}]{inside},"
        f"setsar=1[sharp{index}];[soft{index}][sharp{index}]overlay=(W-w)/2:(H-h)/2"
    ]


def _overlay(
    plan: Plan, overlay: Overlay, name: str, below: str, index: int, scale: Fraction
) -> str:
    number = plan.input(name)
    width = max(2, round(plan.width * overlay.width))
    x_margin, y_margin = round(overlay.margin_x * scale), round(overlay.margin_y * scale)
    x = f"{x_margin}" if overlay.corner.endswith("left") else f"W-w-{x_margin}"
    y = f"{y_margin}" if overlay.corner.startswith("top") else f"H-h-{y_margin}"
    plan.chains.append(
        f"[{number}:v:0]format=rgba,scale={width}:-1:flags=bicubic,"
        f"colorchannelmixer=aa={overlay.opacity:.3f}[mark{index}]"
    )
    plan.chains.append(f"[{below}][mark{index}]overlay=x={x}:y={y}:format=auto[over{index}]")
    return f"over{index}"


def side_files(folder: Path, plan: Plan) -> None:
    """Write the graph and what it reads into the job folder."""
    (folder / GRAPH).write_text(plan.graph, "utf-8")
    for name, text in plan.files.items():
        (folder / name).write_text(text, "utf-8")
