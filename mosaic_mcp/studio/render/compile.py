"""A timeline as one FFmpeg filter graph: every edit in one decode and one encode.

    each run of clips:  fps → select frames → crop along its path → look → scale to the canvas
    all runs:           concat → cutaways → captions → overlays → encode

A run is a stretch of clips that walk forward through one source; it is decoded once. Frames are
chosen by number after the `fps` filter, so cuts are frame-exact, also in sources of variable rate.
Nothing that a user wrote gets into the graph: text is in a subtitle file, files have our names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.studio.render.colour import look_filters
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.ffmpeg import guarded_input
from mosaic_mcp.studio.render.framing import crop_commands, crop_size
from mosaic_mcp.studio.render.waves import waves
from mosaic_mcp.studio.timeline.edit import even, shown, snap
from mosaic_mcp.studio.timeline.model import Clip, Cutaway, Overlay, Source, Timeline

SEEK_FROM_S = 2
"""Seconds: nearer to the start than this, decoding from the beginning is as quick."""
FAR_S = 20
"""Seconds of skipped source above which opening the file again beats decoding through."""
TAIL_S = 2
"""Seconds for which the last picture may stand while the sound goes on."""
LAST_S = Fraction(1, 10)
"""Seconds before the end of a video at which it surely has a picture."""
TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
"""From PQ or HLG to what ordinary screens show."""
EXACT = "bicubic+accurate_rnd"
QUICK = "fast_bilinear"
QUICK_DECODING = ("-skip_loop_filter", "noref")
"""Pictures that no other is made from keep their block edges, which half the size hides."""
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
    """Clips that walk forward through one source and look alike."""

    source: Source
    pieces: tuple[Frames, ...]
    like: Clip
    """One of them: how all are mirrored, coloured and fitted."""

    @property
    def end(self) -> int:
        """The frame of the source after its last."""
        return self.pieces[-1].first + self.pieces[-1].count


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
    resampling: str = EXACT
    """Flags of `scale`."""
    decoding: tuple[str, ...] = ()
    """Options of every input that moves."""

    @property
    def graph(self) -> str:
        """The text of the filter graph; its video comes out as [v]."""
        return ";\n".join(self.chains) + "\n"

    def input(self, name: str, *options: str) -> int:
        """Add an input and return its number."""
        self.inputs += guarded_input(name, *options)
        self.sources += 1
        return self.sources - 1


def settled(timeline: Timeline) -> Timeline:
    """The timeline as it is rendered: clips that continue each other joined, whole frames each."""
    clips: list[Clip] = []
    for clip in timeline.clips:
        before = clips[-1] if clips else None
        if before and _alike(before, clip) and before.end == clip.start:
            clips[-1] = before.model_copy(update={"end": clip.end})
        else:
            clips.append(clip)
    return snap(timeline.model_copy(update={"clips": tuple(clips)}))


def _alike(one: Clip, other: Clip) -> bool:
    """True for clips that differ in their times only (and in the tile that made them)."""
    times = {"start": one.start, "end": one.end, "tile": one.tile}
    return one == other.model_copy(update=times)


def frames_of(clip: Clip, rate: Fraction) -> Frames:
    """A clip in frames: the nearest frame to its start, and as many as it lasts."""
    return Frames(round(clip.start * rate), round(clip.duration * rate))


def runs_of(timeline: Timeline) -> list[Run]:
    """The clips as runs, in output order."""
    runs: list[Run] = []
    for clip in timeline.clips:
        piece = frames_of(clip, timeline.frame_rate)
        before = runs[-1] if runs and _alike(runs[-1].like, clip) else None
        if before and piece.first == before.end - 1 and piece.first > before.pieces[-1].first:
            # Both edges of a tiny cut rounded to one frame: the second clip begins with the next.
            piece = Frames(before.end, piece.count)
        if before and 0 <= piece.first - before.end <= FAR_S * timeline.frame_rate:
            runs[-1] = Run(before.source, (*before.pieces, piece), before.like)
        else:
            runs.append(Run(timeline.sources[clip.source], (piece,), clip))
    return runs


def part_of(runs: Sequence[Run], part: Frames) -> list[Run]:
    """What of the runs lies in a part of the output, given in its frames."""
    found: list[Run] = []
    at, end = 0, part.first + part.count
    for run in runs:
        pieces: list[Frames] = []
        for piece in run.pieces:
            first, last = max(part.first, at), min(end, at + piece.count)
            if first < last:
                pieces.append(Frames(piece.first + first - at, last - first))
            at += piece.count
        if pieces:
            found.append(Run(run.source, tuple(pieces), run.like))
    return found


def compile_video(
    timeline: Timeline,
    names: Mapping[str, str],
    facts: Mapping[str, Facts],
    *,
    draft: bool = False,
    upload: str = "",
    captions: Fraction | None = None,
    part: Frames | None = None,
) -> Plan:
    """The plan for the picture of a settled timeline, or for a part of it in output frames.

    `names` are the files in the job folder by hash, `facts` how their pictures are stored.
    A `draft` is half as wide and high. `upload` are filters that bring pictures to where the
    encoder reads them. `captions` are the seconds that CAPTIONS in the job folder
    is ahead of the part; None: there is no such file.
    """
    scale = Fraction(1, 2) if draft else Fraction(1)
    plan = Plan(
        width=max(even(int(timeline.width * scale)), 2),
        height=max(even(int(timeline.height * scale)), 2),
        resampling=QUICK if draft else EXACT,
        decoding=QUICK_DECODING if draft else (),
    )
    runs = runs_of(timeline)
    whole = Frames(0, sum(piece.count for run in runs for piece in run.pieces))
    part = part or whole
    runs = runs if part == whole else part_of(runs, part)
    for index, run in enumerate(runs):
        _run(plan, timeline, run, names, facts[run.source.sha256], index)
        plan.frames += sum(piece.count for piece in run.pieces)
    joined = "".join(f"[r{i}]" for i in range(len(runs)))
    label = "r0"
    if len(runs) > 1:
        plan.chains.append(f"{joined}concat=n={len(runs)}:v=1:a=0[joined]")
        label = "joined"
    label = _cutaways(plan, timeline, names, facts, part, label)
    if captions is not None:
        titled = f"subtitles=filename={CAPTIONS}:fontsdir={FONTS_DIR}"
        if captions:
            titled = f"setpts=PTS+({captions})/TB,{titled},setpts=PTS-({captions})/TB"
        plan.chains.append(f"[{label}]{titled}[titled]")
        label = "titled"
    for index, overlay in enumerate(timeline.overlays):
        label = _overlay(plan, overlay, names[overlay.source], label, index, scale)
    plan.chains.append(f"[{label}]{upload or 'format=yuv420p'}[v]")
    return plan


def _run(
    plan: Plan,
    timeline: Timeline,
    run: Run,
    names: Mapping[str, str],
    facts: Facts,
    index: int,
) -> None:
    rate = timeline.frame_rate
    first = run.pieces[0].first
    skipped = first if facts.seekable and first > SEEK_FROM_S * rate else 0
    # One second more than needed: the last frame of a variable rate may come late.
    options = ["-t", f"{float((run.end - skipped) / rate) + 1:.6f}"]
    if run.source.kind == "audio":
        number = plan.input(names[run.source.sha256])
        drawn = waves(plan.width, plan.height, rate, _selection(run.pieces, 0))
        plan.chains.append(f"[{number}:a:0]{drawn}[r{index}]")
        return
    if skipped:
        # An accurate seek would drop the picture that still stands at this moment when the rate
        # varies. From the key frame before, `fps` finds the last picture before the start.
        options = ["-noaccurate_seek", "-ss", f"{float(skipped / rate):.6f}", *options]
    source, like = run.source, run.like
    number = plan.input(names[source.sha256], *plan.decoding, *options)
    steps = [
        *(["bwdif=mode=send_frame:deint=interlaced"] if facts.interlaced else []),
        f"fps=fps={rate}:start_time=0:round=near",
        f"tpad=stop_mode=clone:stop_duration={TAIL_S}",
        f"select='{_selection(run.pieces, skipped)}'",
        "setpts=N",
        # Square pixels, as the source is shown; no change for most sources.
        f"scale={source.width}:{source.height}",
        "setsar=1",
        *([TONE_MAP] if facts.hdr else []),
        *_framing(plan, timeline, run, facts.to_bt709, index),
        "setsar=1",
        # After the crop, whose path is that of the picture as it was seen.
        *(["hflip"] if like.mirror_x else []),
        *(["vflip"] if like.mirror_y else []),
        *(look_filters(like.look, names) if like.look else []),
        # One description for all runs: concat refuses to mix, and the encoder writes it down.
        "format=yuv420p",
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
    ]
    # V leaves cover pictures out.
    plan.chains.append(f"[{number}:V:0]{','.join(steps)}[r{index}]")


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


def _framing(plan: Plan, timeline: Timeline, run: Run, to_bt709: str, index: int) -> list[str]:
    """Filters from the source's picture to the canvas; `to_bt709` are options of `scale`."""
    width, height = plan.width, plan.height
    how = f"flags={plan.resampling}:{to_bt709}"
    fit = f"scale={width}:{height}:{how}"
    framing = timeline.framing
    source = run.source
    if run.like.whole:
        return [_whole(source, width, height, how, str(index))]
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
        # `exact`: steps of one pixel, where subsampled colour would otherwise force two.
        crop = f"crop@c{index}={size[0]}:{size[1]}:{start[0]}:{start[1]}:exact=1"
        if not lines.strip():
            return [crop, fit]
        plan.files[f"crop{index}.txt"] = lines
        return [f"sendcmd=f=crop{index}.txt", crop, fit]
    if framing is not None or _same_shape(source, timeline.width, timeline.height):
        return [_whole(source, width, height, how, str(index))]
    return [_inside(width, height, how), f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"]


def _same_shape(source: Source, width: int, height: int) -> bool:
    """True when the picture fills the canvas, but for 2 %."""
    difference = abs(source.width * height - source.height * width)
    return difference * 50 < source.height * width


def _inside(width: int, height: int, how: str) -> str:
    return f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:{how}"


def _whole(source: Source, width: int, height: int, how: str, name: str) -> str:
    """The whole picture, over a blurred copy of itself where it does not fill the canvas."""
    if _same_shape(source, width, height):
        return f"scale={width}:{height}:{how}"
    # Behind: the picture itself, filling the canvas, small while it is blurred (cheap).
    small_w, small_h = even(width // 6), even(height // 6)
    return (
        f"split[front{name}][back{name}];[back{name}]"
        f"scale={small_w}:{small_h}:force_original_aspect_ratio=increase,"
        f"crop={small_w}:{small_h},gblur=sigma=6,eq=brightness=-0.06,scale={width}:{height}"
        f":{how},setsar=1[soft{name}];[front{name}]{_inside(width, height, how)},"
        f"setsar=1[sharp{name}];[soft{name}][sharp{name}]overlay=(W-w)/2:(H-h)/2"
    )


def _cutaways(
    plan: Plan,
    timeline: Timeline,
    names: Mapping[str, str],
    facts: Mapping[str, Facts],
    part: Frames,
    below: str,
) -> str:
    """Lay every cutaway over the frames where its span is shown; the label of the result."""
    rate = timeline.frame_rate
    places = [
        (cutaway, round(start * rate) - part.first, round(end * rate) - part.first)
        for cutaway in timeline.cutaways
        for start, end in shown(timeline, cutaway.over)
    ]
    for index, (cutaway, start, end) in enumerate(places):
        first = max(start, 0)
        frames = Frames(first, min(end, part.count) - first)
        if frames.count > 0:
            later = cutaway.model_copy(update={"start": cutaway.start + (first - start) / rate})
            picture = facts[cutaway.source]
            below = _cutaway(plan, timeline, later, frames, names, picture, below, index)
    return below


def _cutaway(
    plan: Plan,
    timeline: Timeline,
    cutaway: Cutaway,
    frames: Frames,
    names: Mapping[str, str],
    facts: Facts,
    below: str,
    index: int,
) -> str:
    rate, source = timeline.frame_rate, timeline.sources[cutaway.source]
    seconds = f"{float(frames.count / rate):.6f}"
    options: list[str] = []
    if source.kind == "video":
        # A part may begin after the cutaway has ended: then with what still stands of it.
        begin = min(cutaway.start, max(source.duration - LAST_S, Fraction(0)))
        options = [*plan.decoding, "-ss", f"{float(begin):.6f}", "-t", seconds]
    number = plan.input(names[cutaway.source], *options)
    steps = [
        f"fps=fps={rate}:start_time=0:round=near",
        f"tpad=stop_mode=clone:stop_duration={seconds}",
        f"trim=end_frame={frames.count}",
        # Its first frame is due when the span begins.
        f"setpts=N+{frames.first}",
        *([TONE_MAP] if facts.hdr else []),
        f"scale={plan.width}:{plan.height}:force_original_aspect_ratio=increase"
        f":flags={plan.resampling}:{facts.to_bt709}",
        f"crop={plan.width}:{plan.height}",
        "setsar=1",
        "format=yuv420p",
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
    ]
    plan.chains.append(f"[{number}:V:0]{','.join(steps)}[away{index}]")
    last = frames.first + frames.count - 1
    plan.chains.append(
        f"[{below}][away{index}]overlay=eof_action=pass:format=yuv420"
        f":enable='between(n,{frames.first},{last})'[cut{index}]"
    )
    return f"cut{index}"


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
        f"colorchannelmixer=aa={overlay.opacity:.3f},"
        f"scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[mark{index}]"
    )
    # In the picture's own format: with `auto` each whole picture would be converted, and back.
    plan.chains.append(f"[{below}][mark{index}]overlay=x={x}:y={y}:format=yuv420[over{index}]")
    return f"over{index}"


def side_files(folder: Path, plan: Plan) -> None:
    """Write the graph and what it reads into the job folder."""
    (folder / GRAPH).write_text(plan.graph, "utf-8")
    for name, text in plan.files.items():
        (folder / name).write_text(text, "utf-8")
