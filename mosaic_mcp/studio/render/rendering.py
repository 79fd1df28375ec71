"""From a timeline to a finished file: side files, sound, one FFmpeg run, published by rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import anyio.to_thread

from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.render import loudness, sound
from mosaic_mcp.studio.render.captions import ass_file
from mosaic_mcp.studio.render.compile import (
    CAPTIONS,
    FONTS_DIR,
    GRAPH,
    Plan,
    compile_video,
    settled,
    side_files,
)
from mosaic_mcp.studio.render.facts import read_facts
from mosaic_mcp.studio.render.ffmpeg import OnProgress, run_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.side_by_side import side_by_side
from mosaic_mcp.studio.timeline.model import Timeline

Quality = Literal["draft", "standard", "best"]

ENCODING: dict[Quality, tuple[str, ...]] = {
    "draft": ("-preset", "ultrafast", "-crf", "26"),
    "standard": ("-preset", "veryfast", "-crf", "20"),
    "best": ("-preset", "medium", "-crf", "18"),
}
DRAFT_SCALE = Fraction(1, 2)
PICTURE_SHARE = 0.95
"""Part of the progress that the picture stands for; the sound is done beside it."""
PICTURE = "picture.mp4"

PART = "out.part.mp4"
MUX = (
    *("-i", PICTURE, "-i", loudness.ENCODED, "-map", "0:v", "-map", "1:a", "-c", "copy"),
    *("-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", PART),
)
"""Picture and sound in one file, nothing encoded again."""

OnShare = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was done: the exact command, how much came out, and what was substituted."""

    command: tuple[str, ...]
    graph: str
    frames: int
    duration: Fraction
    note: str = ""


async def render(
    timeline: Timeline,
    files: Mapping[str, Path],
    out: Path,
    *,
    job: Path,
    ffmpeg: Path,
    quality: Quality = "standard",
    on_progress: OnShare | None = None,
) -> RenderReport:
    """Render `timeline` to the MP4 `out`; `files` are its sources by hash.

    `job` is a private empty folder on the disk of `out`. Cancelling kills FFmpeg at once; `out`
    exists only when it is whole. `on_progress` gets the share done, 0..1. Raises RenderFailed.
    """
    tell = on_progress or _quiet
    if not timeline.clips:
        raise Unsupported(
            f"{timeline.name} is empty: nothing was left to show.",
            remedy="Cut less: look at the tiles before.",
        )
    timeline = settled(timeline)
    names = await anyio.to_thread.run_sync(_bring_files, timeline, files, job)
    facts = {
        sha: await read_facts(ffmpeg, names[sha], cwd=job)
        for sha in dict.fromkeys(clip.source for clip in timeline.clips)
    }
    note = await anyio.to_thread.run_sync(_bring_captions, timeline, job)
    scale = DRAFT_SCALE if quality == "draft" else Fraction(1)
    plan = await anyio.to_thread.run_sync(
        lambda: compile_video(
            timeline, names, facts, scale=scale, captions=timeline.captions is not None
        )
    )
    side_files(job, plan)
    total = float(Fraction(plan.frames) / timeline.frame_rate)
    notes = [note] if note else []

    async def make_sound() -> None:
        samples = await sound.programme(timeline, facts, names, ffmpeg=ffmpeg, job=job)
        notes.extend(await loudness.finish(timeline.sound, samples, ffmpeg=ffmpeg, job=job))

    def progress(seconds: float) -> None:
        tell(PICTURE_SHARE * min(seconds / total, 1.0))

    arguments = _picture_arguments(plan, timeline, quality)
    async with side_by_side() as group:
        group.start_soon(make_sound)
        await _make_picture(plan, timeline, arguments, ffmpeg, job, progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    await run_ffmpeg(ffmpeg, MUX, cwd=job, publish=(job / PART, out))
    tell(1.0)
    return RenderReport(
        command=("ffmpeg", *arguments),
        graph=plan.graph,
        frames=plan.frames,
        duration=Fraction(plan.frames) / timeline.frame_rate,
        note=" ".join(notes),
    )


def _quiet(_share: float) -> None:
    """For callers who do not follow the progress."""


async def _make_picture(
    plan: Plan,
    timeline: Timeline,
    arguments: Sequence[str],
    ffmpeg: Path,
    job: Path,
    progress: OnProgress,
) -> None:
    """Render the picture; FFmpeg does not mind when a source ends too early, but we do."""
    ended = await run_ffmpeg(ffmpeg, arguments, cwd=job, on_progress=progress)
    if ended.frames < plan.frames:
        missing = float((plan.frames - ended.frames) / timeline.frame_rate)
        shown = dict.fromkeys(timeline.sources[clip.source].name for clip in timeline.clips)
        raise MediaError(
            f"The picture of {' or '.join(shown)} ends {missing:.1f} s before its stated length: "
            "the file is damaged or cut short.",
            remedy="Upload a complete file, or cut the end away.",
        )


def _picture_arguments(plan: Plan, timeline: Timeline, quality: Quality) -> list[str]:
    rate = timeline.frame_rate
    seconds = 2
    return [
        *plan.inputs,
        *("-/filter_complex", GRAPH, "-map", "[v]", "-c:v", "libx264", *ENCODING[quality]),
        # A key frame every two seconds: players seek well, and cuts can be copied later.
        *("-g", str(round(rate * seconds)), "-r", str(rate), "-fps_mode", "cfr"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-frames:v", str(plan.frames)),
        PICTURE,
    ]


def _bring_files(timeline: Timeline, files: Mapping[str, Path], job: Path) -> dict[str, str]:
    """Link the sources into the job folder under our own names."""
    used = {c.source for c in timeline.clips} | {o.source for o in timeline.overlays}
    names: dict[str, str] = {}
    for number, sha in enumerate(sorted(used)):
        path = files.get(sha)
        if path is None or not path.is_file():
            raise MediaError(
                f"The file of {timeline.sources[sha].name} is gone.", remedy="Upload it again."
            )
        # No suffix: FFmpeg judges by content, not by what the user called it.
        names[sha] = f"source{number}"
        place(path, job / names[sha])
    return names


def _bring_captions(timeline: Timeline, job: Path) -> str:
    """Write the captions and the fonts that they may use; a note on substitutions."""
    if timeline.captions is None:
        return ""
    sheet = ass_file(timeline)
    (job / CAPTIONS).write_text(sheet.text, "utf-8")
    fonts = job / FONTS_DIR
    fonts.mkdir()
    for font in FONTS.glob("*.ttf"):
        place(font, fonts / font.name)
    return sheet.note


def place(source: Path, target: Path) -> None:
    """The file under another name: a hard link where the disk allows it, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
