"""Every figure of speed that rendering is to reach, as ratios of one run.

    python -m tests.benchmarks.bench_speed [--short] [five] [cuts] [perception] [caption] [first]
        [shared]

Without a name all are taken, from a generated talk of ten minutes in 1080p, which takes most of an
hour on two cores; --short takes them from a minute or two and is done in a quarter of that. On a
machine that does other things at the same time only the figures of CPU mean anything.

    five     rough cut, 9:16, captions, watermark, loudness: fused, by hand, tile by tile, at the
             source's pixels, as a draft (bench_fused.py)
    cuts     silences cut out: copied, encoded, by MoviePy; every copy is checked (bench_cuts.py)
    perception  shots, faces, speech, loudness and a thumbnail, against an encode
             (bench_perception.py)
    caption  one caption of a finished video is changed: how long until it is rendered again
    first    eight clips by a real studio: when the first one is there, when all are
    shared   16:9, 1:1 and 9:16 of one minute, by what the source is: apart, and decoded once
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pytest

from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render import sharing
from mosaic_mcp.studio.timeline.model import Timeline
from tests.benchmarks import bench_cuts, bench_fused, bench_perception
from tests.benchmarks.bench_fused import Cost, cost, edit, fused, make_media
from tests.benchmarks.talk import GROUP, SAMPLE, ffmpeg, make_talk, part_s
from tests.support.others import FixedOthers
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio

MOST_OF_FIRST_RENDER = 0.1
MOST_OF_RUN = 0.25
LONG, SHORT = 600, 60
CLIPS = 8
SRT = SAMPLE.with_suffix(".srt")


def five(seconds: int) -> list[str]:
    """The edit of five tiles."""
    return bench_fused.report(bench_fused.compare(seconds)).splitlines()


def cuts(seconds: int) -> list[str]:
    """The edit that only cuts."""
    return bench_cuts.report(bench_cuts.compare(seconds)).splitlines()


def perception(seconds: int) -> list[str]:
    """Looking and listening."""
    return bench_perception.report(bench_perception.compare(seconds)).splitlines()


def caption(seconds: int) -> list[str]:
    """A caption in the middle is changed after the first render."""
    first, again = before_and_after(seconds)
    share = f"{again.wall / first.wall:.3f} wall, {again.cpu / first.cpu:.3f} CPU"
    return [
        f"  first  {first.wall:7.1f} s wall{first.cpu:8.1f} s CPU",
        f"  again  {again.wall:7.1f} s wall{again.cpu:8.1f} s CPU",
        f"  again / first   {share}   (at most {MOST_OF_FIRST_RENDER} of ten minutes)",
    ]


def before_and_after(seconds: int) -> tuple[Cost, Cost]:
    """What the first render costs, and the one after a caption is changed."""
    with tempfile.TemporaryDirectory() as name:
        folder, timeline = Path(name), edit(seconds)
        keep = folder / "kept"
        make_media(folder, seconds)
        first = cost(lambda: fused(folder, timeline, "first", keep=keep))
        again = cost(lambda: fused(folder, changed(timeline), "again", keep=keep))
    return first, again


def changed(timeline: Timeline) -> Timeline:
    """One word is another."""
    captions = timeline.captions
    assert captions is not None
    words = list(captions.words)
    middle = len(words) // 2
    words[middle] = words[middle].model_copy(update={"text": "another"})
    return timeline.model_copy(
        update={"captions": captions.model_copy(update={"words": tuple(words)})}
    )


def first(seconds: int) -> list[str]:
    """Clips, 9:16 and captions of a talk through the REST API."""
    decided, took = clips_after(seconds)
    return [
        f"  decided after   {', '.join(f'{each:.1f}' for each in decided)} s, tile by tile",
        f"  clips after     {', '.join(f'{each:.1f}' for each in took)} s",
        f"  first / all     {took[0] / took[-1]:.3f}   (at most {MOST_OF_RUN} of ten minutes)",
    ]


def clips_after(seconds: int) -> tuple[list[float], list[float]]:
    """Seconds until each tile had decided and each clip was there, by the studio's records."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_talk(folder, seconds)
        srt = folder / "in.srt"
        srt.write_text(repeated(SRT.read_text("utf-8"), seconds), "utf-8")
        with running_studio(folder / "home") as running, running.client() as http:
            studio = Studio(http, folder / "home")
            cut = {"num_clips": CLIPS, "target_duration": max(3, min(45, seconds // 10))}
            nodes = {
                "in": "Video Input",
                "clips": ("Clips", cut),
                "tall": "Reframe",
                "words": "Captions",
            }
            agent, _ = studio.agent(nodes, "in>clips clips>tall tall>words")
            video = studio.add(folder / "in.mp4", srt)
            run = studio.run(agent, {"video_ids": [video]}, quality="standard")
            ended = studio.end(run)
            rows = studio.rows(
                f"select completed_at from renders where run_id = '{run}' order by completed_at"
            )
            begun = studio.rows(f"select started_at from runs where id = '{run}'")[0]["started_at"]
            decided = [moment(n["finished_at"]) - moment(begun) for n in studio.nodes(run)[:-1]]
    assert ended["status"] == "completed", ended
    assert len(rows) == CLIPS
    return decided, [(moment(row["completed_at"]) - moment(begun)) for row in rows]


SHAPES = {"wide": (1920, 1080), "square": (1080, 1080), "tall": (1080, 1920)}
SOURCES = {
    "720p": ("scale=1280:720", "libx264", "-preset", "veryfast", "-crf", 22),
    "1080p": ("null", "libx264", "-preset", "veryfast", "-crf", 20),
    "4K": ("scale=3840:2160", "libx264", "-preset", "veryfast", "-crf", 22),
    "4K HDR": (
        "scale=3840:2160,format=yuv420p10le,setparams=color_trc=arib-std-b67"
        ":color_primaries=bt2020:colorspace=bt2020nc",
        *("libx265", "-preset", "ultrafast", "-crf", 24, "-x265-params", "log-level=error"),
        *("-color_trc", "arib-std-b67", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"),
    ),
}
"""Filters and encoder of each kind of source, made from the talk."""
SHARED_S = 60
"""Seconds of each: four kinds are made and rendered twice."""


def shared(seconds: int) -> list[str]:
    """16:9, 1:1 and 9:16 of one video, captioned: each by itself, or decoded once."""
    seconds = min(seconds, SHARED_S)
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing, "WORTH_PIXELS", 0)  # which these figures are to decide
        folder = Path(name)
        make_media(folder, seconds)
        (folder / "in.mp4").rename(folder / "talk.mp4")
        for kind, (filters, *encoder) in SOURCES.items():
            length = seconds if kind != "4K HDR" else seconds // 3
            coded = ("-vf", filters, "-c:v", *encoder, "-g", GROUP, "-c:a", "copy")
            ffmpeg(folder, "-t", length, "-i", "talk.mp4", *coded, "in.mp4")
            lines += _shared(folder, length, kind)
    return lines


def _shared(folder: Path, seconds: int, kind: str) -> list[str]:
    timelines = {name: shaped(folder, seconds, *size) for name, size in SHAPES.items()}
    files = {"in": folder / "in.mp4", "logo": folder / "logo.png"}
    firsts: list[float] = []

    def all_of_them(together: bool) -> None:
        """As the studio does: one after the other, those that wait known to the one at work."""
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=folder) as keep:
            for number, (name, timeline) in enumerate(timelines.items()):
                left = list(timelines)[number + 1 :] if together else []
                others = FixedOthers({each: (timelines[each], files) for each in left})
                fused(folder, timeline, name, keep=Path(keep), others=others)
                if number == 0:
                    firsts.append(time.perf_counter() - begun)

    apart, one = cost(lambda: all_of_them(False)), cost(lambda: all_of_them(True))
    told = [
        f"{each.wall:7.1f} s wall{each.cpu:8.1f} s CPU, the first{first:7.1f} s"
        for each, first in zip((apart, one), firsts, strict=True)
    ]
    return [
        f"  {kind:8}apart {told[0]}",
        f"  {kind:8}shared{told[1]}",
        f"  {kind:8}shared / apart {one.wall / apart.wall:.3f} wall, {one.cpu / apart.cpu:.3f} CPU",
    ]


def shaped(folder: Path, seconds: int, width: int, height: int) -> Timeline:
    """The edit on another canvas, of the source as it is."""
    timeline = edit(seconds)
    source = asyncio.run(probe(folder / "in.mp4", name="in.mp4"))
    source = source.model_copy(update={"sha256": "in"})
    sources = {**timeline.sources, "in": source}
    return timeline.model_copy(update={"width": width, "height": height, "sources": sources})


def moment(text: str) -> float:
    """Seconds since 1970 of a record."""
    return datetime.fromisoformat(text).timestamp()


def repeated(srt: str, seconds: int) -> str:
    """The sample's subtitles again and again, as its video is."""
    import pysubs2

    one = pysubs2.SSAFile.from_string(srt, "srt")
    length = part_s(seconds) * 1000
    many = pysubs2.SSAFile()
    for start in range(0, seconds * 1000, length):
        for event in one:
            if event.end <= length:
                copy = event.copy()
                copy.shift(ms=start)
                many.append(copy)
    return many.to_string("srt")


MODES = {
    "five": five,
    "cuts": cuts,
    "perception": perception,
    "caption": caption,
    "first": first,
    "shared": shared,
}


@pytest.mark.benchmark
def test_a_changed_caption_takes_a_tenth_of_the_first_render():
    first, again = before_and_after(LONG)
    assert again.wall <= MOST_OF_FIRST_RENDER * first.wall


@pytest.mark.benchmark
def test_the_first_clip_is_there_in_a_quarter_of_the_time():
    _, took = clips_after(LONG)
    assert took[0] <= MOST_OF_RUN * took[-1]


def main() -> None:
    """Print the figures of the modes asked for."""
    asked = sys.argv[1:]
    seconds = SHORT if "--short" in asked else LONG
    names = [name for name in asked if name != "--short"] or list(MODES)
    for name in names:
        # A caption's share is that of its part: two parts in all would say nothing.
        length = 2 * seconds if name in ("caption", "first") and seconds == SHORT else seconds
        print(f"{name} ({length} s of 1080p)", flush=True)
        print("\n".join(MODES[name](length)), flush=True)


if __name__ == "__main__":
    main()
