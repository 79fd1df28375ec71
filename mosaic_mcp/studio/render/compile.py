"""A timeline as FFmpeg commands: one fused filter graph per chunk, one encode.

    input per run → rate, crop, pick, scale → concat → captions → overlays → encoder

A chunk is a stretch of the output that one FFmpeg process renders; short videos have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.render.expressions import number
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.ffmpeg import media_input
from mosaic_mcp.studio.render.picture import run_chain
from mosaic_mcp.studio.render.quality import Quality, canvas, video_arguments
from mosaic_mcp.studio.render.runs import Run
from mosaic_mcp.studio.timeline.model import Overlay, Timeline

MAX_INPUTS = 6
"""Runs of a chunk: every open input is a decoder of 30 to 90 MB."""

CAPTIONS_FILE = "captions.ass"
FONTS_FOLDER = "fonts"
_SEEK_FROM = Fraction(2)
"""Seconds: nearer to the start than this, decoding from the beginning is as quick."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the output: its runs, and the number of its first frame."""

    runs: tuple[Run, ...]
    first: int

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return sum(run.frames for run in self.runs)


@dataclass(frozen=True, slots=True)
class Command:
    """One FFmpeg process: its arguments, and the graph that they read from `graph_file`."""

    arguments: tuple[str, ...]
    graph_file: str
    graph: str
    frames: int
    output: str


def check(timeline: Timeline) -> None:
    """Refuse what cannot be rendered, with a sentence per cause."""
    if not timeline.clips:
        raise MediaError(
            f"Nothing is left of {timeline.name}: every part was cut.",
            remedy="Loosen the tiles that cut, or give a longer video.",
        )
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if source.kind == "image":
            raise Unsupported(
                f"{source.name} is a picture, and pictures cannot stand in the sequence yet.",
                remedy="Use it as a watermark, or give a video.",
            )
        if not source.width or not source.height:
            raise MediaError(f"{source.name} has no picture.", remedy="Give a video.")


def chunks(found: Sequence[Run]) -> list[Chunk]:
    """The output's stretches: at most `MAX_INPUTS` runs each."""
    made: list[Chunk] = []
    first = 0
    for at in range(0, len(found), MAX_INPUTS):
        chunk = Chunk(tuple(found[at : at + MAX_INPUTS]), first)
        made.append(chunk)
        first += chunk.frames
    return made


def compile_chunk(
    chunk: Chunk,
    timeline: Timeline,
    facts: Mapping[str, Facts],
    names: Mapping[str, str],
    *,
    quality: Quality,
    captions: bool,
    output: str,
    threads: int = 0,
) -> Command:
    """The command that renders a chunk's picture into the file `output`.

    `facts` and `names` are by content hash: how sources are stored, and their names in the job's
    folder. `threads` 0 lets FFmpeg use every core.
    """
    rate = timeline.frame_rate
    size = canvas(timeline.width, timeline.height, quality)
    inputs: list[str] = []
    parts: list[str] = []
    for i, run in enumerate(chunk.runs):
        stored = facts[run.source]
        far = stored.seekable and run.first / rate > _SEEK_FROM
        seek = run.first if far else 0
        inputs += _run_input(names[run.source], seek, run.last + 1, rate, threads)
        chain = run_chain(run, timeline, stored, seek=seek, size=size, label=f"r{i}")
        parts.append(f"[{i}:V:0]{chain}[run{i}]")
    tail = _joined(len(chunk.runs), rate)
    if captions:
        # Captions are in output time; the chunk is not.
        tail += f",setpts=N+{chunk.first},ass=filename={CAPTIONS_FILE}:fontsdir={FONTS_FOLDER}"
        tail += ",setpts=N"
    last = "base"
    parts.append(f"{tail}[{last}]")
    for i, overlay in enumerate(timeline.overlays):
        inputs += media_input(names[overlay.source])
        parts += _overlaid(overlay, i, len(chunk.runs) + i, last, size, timeline.width)
        last = f"over{i}"
    parts.append(f"[{last}]format=yuv420p[video]")
    graph_file = f"{output}.graph"
    arguments = (
        *inputs,
        *("-/filter_complex", graph_file, "-map", "[video]", "-an", "-sn", "-dn"),
        *("-frames:v", str(chunk.frames), *video_arguments(quality, rate)),
        *(("-threads", str(threads)) if threads else ()),
        output,
    )
    return Command(arguments, graph_file, ";\n".join(parts), chunk.frames, output)


def _run_input(name: str, seek: int, end: int, rate: Fraction, threads: int) -> list[str]:
    """Open a source from the key frame before frame `seek` until a second after frame `end`.

    Not an accurate seek: that drops the picture that still stands at the start when the frame
    rate varies. The graph's `fps` filter takes the last picture before the start instead.
    """
    options: list[str] = ["-threads", str(threads)] if threads else []
    if seek:
        options += ["-noaccurate_seek", "-ss", number(seek / rate)]
    options += ["-t", number((end - seek) / rate + 1)]
    return media_input(name, *options)


def _joined(count: int, rate: Fraction) -> str:
    """All runs one after the other, frames numbered through."""
    labels = "".join(f"[run{i}]" for i in range(count))
    concat = f"concat=n={count}:v=1:a=0" if count > 1 else "null"
    return f"{labels}{concat},settb=expr={rate.denominator}/{rate.numerator},setpts=N"


def _overlaid(
    overlay: Overlay, index: int, stream: int, below: str, size: tuple[int, int], width: int
) -> list[str]:
    """The filters that put a still picture above the video."""
    drawn = max(2, round(overlay.width * size[0]))
    # Margins are pixels of the canvas; a draft is smaller.
    x, y = (round(margin * size[0] / width) for margin in (overlay.margin_x, overlay.margin_y))
    left = f"{x}" if overlay.corner.endswith("left") else f"W-w-{x}"
    top = f"{y}" if overlay.corner.startswith("top") else f"H-h-{y}"
    opacity = min(max(overlay.opacity, 0.0), 1.0)
    return [
        f"[{stream}:v:0]trim=end_frame=1,format=rgba,scale={drawn}:-1:flags=bicubic,"
        f"colorchannelmixer=aa={opacity:.4f}[logo{index}]",
        f"[{below}][logo{index}]overlay=x={left}:y={top}:eof_action=repeat[over{index}]",
    ]
