"""From a timeline to a finished file: side files, sound, one FFmpeg run, published by rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import anyio.to_thread

from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.render.captions import ass_file
from mosaic_mcp.studio.render.compile import (
    CAPTIONS,
    FONTS_DIR,
    GRAPH,
    Plan,
    compile_video,
    side_files,
)
from mosaic_mcp.studio.render.ffmpeg import guarded_input, run_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.sound import make_sound
from mosaic_mcp.studio.timeline.model import Timeline

Quality = Literal["draft", "standard", "best"]

ENCODING: dict[Quality, tuple[str, ...]] = {
    "draft": ("-preset", "ultrafast", "-crf", "26"),
    "standard": ("-preset", "veryfast", "-crf", "20"),
    "best": ("-preset", "medium", "-crf", "18"),
}
DRAFT_SCALE = Fraction(1, 2)
SOUND_SHARE = 0.1
"""Part of the progress that the sound stands for."""

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
    names = await anyio.to_thread.run_sync(_bring_files, timeline, files, job)
    note = await anyio.to_thread.run_sync(_bring_captions, timeline, job)
    scale = DRAFT_SCALE if quality == "draft" else Fraction(1)
    plan = compile_video(timeline, names, scale=scale, captions=timeline.captions is not None)
    side_files(job, plan)
    sound = await make_sound(timeline, names, job=job, ffmpeg=ffmpeg)
    tell(SOUND_SHARE)
    arguments = _arguments(plan, timeline, sound, quality)
    total = float(Fraction(plan.frames) / timeline.frame_rate)

    def progress(seconds: float) -> None:
        tell(SOUND_SHARE + (1 - SOUND_SHARE) * min(seconds / total, 1.0))

    out.parent.mkdir(parents=True, exist_ok=True)
    await run_ffmpeg(
        ffmpeg, arguments, cwd=job, publish=(job / "out.part.mp4", out), on_progress=progress
    )
    return RenderReport(
        command=("ffmpeg", *arguments),
        graph=plan.graph,
        frames=plan.frames,
        duration=Fraction(plan.frames) / timeline.frame_rate,
        note=note,
    )


def _quiet(_share: float) -> None:
    """For callers who do not follow the progress."""


def _arguments(plan: Plan, timeline: Timeline, sound: str, quality: Quality) -> list[str]:
    number = plan.sources
    seconds = 2
    return [
        *plan.inputs,
        *guarded_input(sound),
        *("-/filter_complex", GRAPH, "-map", "[v]", "-map", f"{number}:a:0"),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-c:v", "libx264", *ENCODING[quality]),
        # A key frame every two seconds: players seek well, and cuts can be copied later.
        *("-g", str(round(timeline.frame_rate * seconds))),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-frames:v", str(plan.frames)),
        *("-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart", "out.part.mp4"),
    ]


def _bring_files(timeline: Timeline, files: Mapping[str, Path], job: Path) -> dict[str, str]:
    """Link the sources into the job folder under our own names."""
    used = {c.source for c in timeline.clips} | {o.source for o in timeline.overlays}
    names: dict[str, str] = {}
    for number, sha in enumerate(sorted(used)):
        path = files[sha]
        names[sha] = f"source{number}{path.suffix.lower()}"
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
