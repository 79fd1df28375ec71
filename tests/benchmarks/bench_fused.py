"""How fast the fused render is, as ratios from one run.

    python -m tests.benchmarks.bench_fused [seconds of source, 60 by default] [ways, all by default]
    pytest -m benchmark tests/benchmarks/bench_fused.py

The edit: rough cut, 9:16 reframe along a path, captions, watermark, loudness. It is made from the
same source in these ways, in turns, so that other work on the machine meets all of them alike:

    fused   render() in 1080x1920: what the studio does
    hand    one FFmpeg command, as an expert writes it for this edit
    tiles   a render per tile at mezzanine quality, as a chain of file tools does
    source  render() in 608x1080: all the pixels that a source in 1080p has for 9:16
    draft   render() as fused, as a draft

Compared are the wall time and the CPU time (with all children) of the best turn of each. Source and
draft make fewer pixels than fused and tiles, which is the point of asking for them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from mosaic_mcp.studio.render.encoders import Quality
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.framing import crop_commands, crop_size
from mosaic_mcp.studio.render.kept import PartStore
from mosaic_mcp.studio.render.pieces import frames_of, settled
from mosaic_mcp.studio.render.rendering import RenderReport, render
from mosaic_mcp.studio.render.sharing import Others
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    Clip,
    CropKey,
    Framing,
    Overlay,
    Sound,
    Source,
    Timeline,
)
from tests.benchmarks.talk import FFMPEG, among, ffmpeg, make_talk

MOST_OF_HAND = 1.1
LEAST_OF_TILES = 4.5
LEAST_OF_TILES_AT_SOURCE = 12
LEAST_OF_DRAFT = 3
LONG_S = 300
"""Seconds of source from which one turn is enough: beginnings and ends weigh little."""
RATE = Fraction(30)
LOUDNORM = "loudnorm=I=-14:TP=-1"


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, and seconds of CPU with all children."""

    wall: float
    cpu: float


def cost(work: Callable[[], object]) -> Cost:
    """What a piece of work takes."""
    before, start = os.times(), time.perf_counter()
    work()
    after = os.times()
    return Cost(time.perf_counter() - start, sum(after[:4]) - sum(before[:4]))


def make_media(folder: Path, seconds: int) -> None:
    """The talk, and a logo."""
    make_talk(folder, seconds)
    Image.new("RGBA", (300, 120), (255, 255, 255, 200)).save(folder / "logo.png")


def edit(seconds: int) -> Timeline:
    """The whole edit as a timeline: 2.4 of every 3 seconds kept."""
    source = Source(
        sha256="in",
        name="in.mp4",
        duration=Fraction(seconds),
        width=1920,
        height=1080,
        frame_rate=RATE,
        audio_channels=2,
        audio_rate=48000,
    )
    logo = Source(sha256="logo", name="logo.png", kind="image", width=300, height=120)
    clips = tuple(
        Clip(source="in", start=Fraction(s), end=s + Fraction(12, 5))
        for s in range(0, seconds - 2, 3)
    )
    keys = tuple(
        CropKey(time=Fraction(s), x=0.35 + 0.3 * (s // 2 % 2), y=0.5) for s in range(0, seconds, 2)
    )
    words = tuple(
        CaptionWord(
            source="in", text=f"word{n}", start=Fraction(2 * n, 5), end=Fraction(2 * n + 1, 5)
        )
        for n in range(seconds * 5 // 2)
    )
    return settled(
        from_source(source, tile="in").model_copy(
            update={
                "width": 1080,
                "height": 1920,
                "sources": {"in": source, "logo": logo},
                "clips": clips,
                "framing": Framing(paths={"in": keys}),
                "captions": Captions(words=words),
                "overlays": (Overlay(source="logo"),),
                "sound": Sound(loudness_lufs=-14),
            }
        )
    )


def fused(
    folder: Path,
    timeline: Timeline,
    name: str = "fused",
    quality: Quality = "standard",
    keep: Path | None = None,
    others: Others | None = None,
) -> RenderReport:
    """What the studio does; nothing of an earlier render is there unless `keep` has it."""

    files = {"in": folder / "in.mp4", "logo": folder / "logo.png"}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        job = Path(made) / "job"
        job.mkdir()
        return asyncio.run(
            render(
                timeline,
                files,
                folder / f"{name}.mp4",
                job=job,
                ffmpeg=FFMPEG,
                quality=quality,
                store=PartStore(keep or Path(made) / "parts"),
                others=others,
            )
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """The filters of the edit, as an expert writes them."""

    cut: str
    cut_sound: str
    frame: str
    captions: str
    mark: str

    @classmethod
    def of(cls, folder: Path, timeline: Timeline) -> Parts:
        """The filters, with the files that they read put into the folder."""
        (folder / "captions.ass").write_text(sheet_of(timeline).text, "utf-8")
        source = timeline.sources["in"]
        pieces = [frames_of(clip, RATE) for clip in timeline.clips]
        times = [(p.first + n) / RATE for p in pieces for n in range(p.count)]
        size = crop_size(source, 1080, 1920)
        framing = timeline.framing
        keys = framing.paths["in"] if framing else ()
        (x, y), commands = crop_commands(times, RATE, keys, source, size, "crop")
        (folder / "crop.txt").write_text(commands, "utf-8")
        cut = among("n", [(p.first, p.first + p.count - 1) for p in pieces])
        heard = among("t", [(float(c.start), float(c.end)) for c in timeline.clips])
        return cls(
            cut=f"select='{cut}',setpts=N/30/TB",
            cut_sound=f"aselect='{heard}',asetpts=N/SR/TB",
            frame=f"sendcmd=f=crop.txt,crop={size[0]}:{size[1]}:{x}:{y},"
            "scale=1080:1920:flags=bicubic,setsar=1",
            captions=f"subtitles=captions.ass:fontsdir={FONTS}",
            mark="scale=324:-1,format=rgba,colorchannelmixer=aa=0.8[m];[v0][m]"
            "overlay=W-w-20:H-h-20,format=yuv420p",
        )


def by_hand(folder: Path, parts: Parts) -> None:
    """The same edit in one command; loudness in one pass, all that one command can do."""
    graph = (
        f"[0:v]{parts.cut},{parts.frame},{parts.captions}[v0];[1:v]{parts.mark}[v];"
        f"[0:a]{parts.cut_sound},{LOUDNORM}[a]"
    )
    ffmpeg(
        folder,
        *("-i", "in.mp4", "-i", "logo.png", "-filter_complex", graph, "-map", "[v]", "-map", "[a]"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", 20),
        *("-c:a", "aac", "-ar", 48000, "-b:a", "192k", "-movflags", "+faststart", "hand.mp4"),
    )


def by_tiles(folder: Path, parts: Parts) -> None:
    """A render per tile, each keeping more than is seen so that five encodes do not add up."""
    keep = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 16)
    copy = ("-c:a", "copy")
    cut = f"[0:v]{parts.cut}[v];[0:a]{parts.cut_sound}[a]"
    both = ("-map", "[v]", "-map", "[a]", "-c:a", "aac", "-b:a", "192k")
    ffmpeg(folder, "-i", "in.mp4", "-filter_complex", cut, *both, *keep, "t1.mp4")
    ffmpeg(folder, "-i", "t1.mp4", "-vf", parts.frame, *keep, *copy, "t2.mp4")
    ffmpeg(folder, "-i", "t2.mp4", "-vf", parts.captions, *keep, *copy, "t3.mp4")
    mark = f"[0:v]null[v0];[1:v]{parts.mark}[v]"
    one = ("-i", "t3.mp4", "-i", "logo.png", "-filter_complex", mark, "-map", "[v]", "-map", "0:a")
    ffmpeg(folder, *one, *keep, *copy, "t4.mp4")
    last = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 20, "-c:a", "aac", "-b:a", "192k")
    ffmpeg(folder, "-i", "t4.mp4", "-af", LOUDNORM, "-ar", 48000, *last, "tiles.mp4")


def at_source(timeline: Timeline) -> Timeline:
    """The edit with no more pixels than its source has."""
    return timeline.model_copy(update={"width": 608, "height": 1080})


def compare(seconds: int, named: Sequence[str] = ()) -> dict[str, Cost]:
    """The best turn of each way: of all ways, or of those named, a turn for each mention."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_media(folder, seconds)
        timeline = edit(seconds)
        parts = Parts.of(folder, timeline)
        ways: dict[str, Callable[[], object]] = {
            "fused": lambda: fused(folder, timeline),
            "hand": lambda: by_hand(folder, parts),
            "tiles": lambda: by_tiles(folder, parts),
            "source": lambda: fused(folder, at_source(timeline), "source"),
            "draft": lambda: fused(folder, timeline, "draft", "draft"),
        }
        turns: dict[str, list[Cost]] = {}
        for way in named or [*ways] * (1 if seconds >= LONG_S else 2):
            spent = cost(ways[way])
            turns.setdefault(way, []).append(spent)
            # At once: ten minutes of source take hours.
            now, size = time.strftime("%H:%M"), (folder / f"{way}.mp4").stat().st_size / 1e6
            print(f"  {now} {way:6}{spent.wall:8.1f} s wall{spent.cpu:9.1f} s CPU{size:9.1f} MB")
    return {
        way: Cost(min(c.wall for c in spent), min(c.cpu for c in spent))
        for way, spent in turns.items()
    }


def report(costs: dict[str, Cost]) -> str:
    """The figures as lines of text."""
    lines = [f"  {way:6}{c.wall:7.1f} s wall{c.cpu:8.1f} s CPU" for way, c in costs.items()]
    for over, under, wanted in (
        ("fused", "hand", f"at most {MOST_OF_HAND}"),
        ("tiles", "fused", f"at least {LEAST_OF_TILES}"),
        ("tiles", "source", f"at least {LEAST_OF_TILES_AT_SOURCE}"),
        ("fused", "draft", f"at least {LEAST_OF_DRAFT}"),
    ):
        if over not in costs or under not in costs:
            continue
        one, other = costs[over], costs[under]
        ratios = f"{one.wall / other.wall:6.2f} wall{one.cpu / other.cpu:7.2f} CPU"
        lines.append(f"  {over} / {under:8}{ratios}   ({wanted})")
    return "\n".join(lines)


@pytest.mark.benchmark
def test_the_fused_render_keeps_up_with_a_command_by_hand_and_beats_a_render_per_tile():
    costs = compare(60)
    print(report(costs))
    assert costs["fused"].wall <= MOST_OF_HAND * costs["hand"].wall
    assert costs["tiles"].wall >= LEAST_OF_TILES * costs["fused"].wall
    assert costs["tiles"].wall >= LEAST_OF_TILES_AT_SOURCE * costs["source"].wall
    assert costs["fused"].wall >= LEAST_OF_DRAFT * costs["draft"].wall


if __name__ == "__main__":
    print(report(compare(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2:])))
