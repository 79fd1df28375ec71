"""From a timeline to a finished file: picture and sound side by side, then one file by rename."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.render import loudness
from mosaic_mcp.studio.render.encoders import X264, Encoder, Quality, x264
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.render.kept import PartStore
from mosaic_mcp.studio.render.picture import Picture, rendered
from mosaic_mcp.studio.render.pieces import settled
from mosaic_mcp.studio.render.sharing import Others
from mosaic_mcp.studio.render.smart import copied_from, smart_cut
from mosaic_mcp.studio.render.soundtrack import soundtrack
from mosaic_mcp.studio.render.workbench import OnShare, Workbench, set_up
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.timeline.model import Timeline

PICTURE_SHARE = 0.95
"""Part of the progress that the picture stands for; the sound is done beside it."""
PART = "out.part.mp4"
MUX = (
    *("-i", loudness.ENCODED, "-map", "0:v", "-map", "1:a", "-c", "copy"),
    *("-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", PART),
)
"""The sound beside a picture in one file, nothing encoded again."""


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was done: the commands, how much came out, and what was substituted."""

    commands: tuple[tuple[str, ...], ...]
    """FFmpeg's, one for each part of the picture as it is made alone: the run's log has those that
    ran, which may have made parts of other pictures along, or none where a part was there."""
    graphs: tuple[str, ...]
    """The filter graphs that they read."""
    frames: int
    duration: Fraction
    notes: tuple[str, ...] = ()
    """What is not as it was asked, each as a sentence."""
    copied: int = 0
    """Frames that are the source's own: cut out without being encoded, and without a command."""
    why_encoded: str = ""
    """Why nothing could be copied where only cuts were asked."""
    kept: int = 0
    """Parts of the picture that were there already."""
    along: int = 0
    """Parts of other pictures that were made in the same commands."""
    apart: str = ""
    """Why parts that were begun together with others were made alone after all."""
    encoder: str = "libx264"
    """FFmpeg's name of what encoded the picture, or the edges of a cut one."""


async def render(
    timeline: Timeline,
    files: Mapping[str, Path],
    out: Path,
    *,
    job: Path,
    ffmpeg: Path,
    quality: Quality = "standard",
    on_progress: OnShare | None = None,
    store: PartStore | None = None,
    encoder: Encoder | None = None,
    others: Others | None = None,
) -> RenderReport:
    """Render `timeline` to the MP4 `out`; `files` are its sources by hash.

    `job` is a private empty folder on the disk of `out`. Cancelling kills FFmpeg at once; `out`
    exists only when it is whole. `on_progress` gets the share done, 0..1. Parts of a long picture
    and its sound are kept in the `store` and taken from it; those of `others` that show the same
    frames are made along and kept too. `encoder` encodes the picture instead of x264. Raises
    RenderFailed.
    """
    tell = on_progress or _quiet
    if not timeline.clips:
        raise Unsupported(
            f"{timeline.name} is empty: nothing was left to show.",
            remedy="Cut less: look at the tiles before.",
        )
    work = await set_up(
        settled(timeline),
        files,
        job=job,
        ffmpeg=ffmpeg,
        quality=quality,
        encoder=encoder or x264(quality),
    )
    notes = [work.sheet.note] if work.sheet and work.sheet.note else []
    picture = Picture(())

    async def make_sound() -> None:
        notes.extend(await soundtrack(work, store))

    async with side_by_side() as group:
        group.start_soon(make_sound)
        picture = await _picture(work, lambda share: tell(PICTURE_SHARE * share), store, others)
    out.parent.mkdir(parents=True, exist_ok=True)
    await run_ffmpeg(ffmpeg, [*picture.inputs, *MUX], cwd=job, publish=(job / PART, out))
    tell(1.0)
    return RenderReport(
        commands=tuple(("ffmpeg", *command) for command in picture.commands),
        graphs=picture.graphs,
        frames=work.frames,
        duration=Fraction(work.frames) / timeline.frame_rate,
        notes=tuple(notes),
        copied=picture.copied,
        why_encoded=picture.why_encoded,
        kept=picture.kept,
        along=picture.along,
        apart=picture.apart,
        encoder="libx264" if picture.copied else work.encoder.name,
    )


async def _picture(
    work: Workbench, tell: OnShare, store: PartStore | None, others: Others | None
) -> Picture:
    """Cut the picture where that is all that is asked, else render it."""
    source = copied_from(work.timeline, work.facts, draft=work.draft)
    if source is None:
        return await rendered(work, tell, store, others)
    name = work.names[source.sha256]
    cut = await smart_cut(
        work.timeline, source, name, X264[work.quality], job=work.job, on_share=tell
    )
    if cut.copied:
        return Picture(("-i", cut.picture), copied=cut.copied)
    picture = await rendered(work, tell, store, others)
    return replace(picture, why_encoded=cut.why)


def _quiet(_share: float) -> None:
    """For callers who do not follow the progress."""
