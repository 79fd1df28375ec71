"""A render that is ready to begin: its timeline, and a folder with everything that it reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio.to_thread

from mosaic_mcp.errors import MediaError, MosaicError
from mosaic_mcp.studio.render.colour import table_file
from mosaic_mcp.studio.render.commands import SideFile, keep_files
from mosaic_mcp.studio.render.encoders import Encoder, Quality
from mosaic_mcp.studio.render.facts import Facts, read_facts
from mosaic_mcp.studio.render.ffmpeg import guarded_input, run_ffmpeg
from mosaic_mcp.studio.render.pieces import frames_in
from mosaic_mcp.studio.render.sheet import Sheet, sheet_of
from mosaic_mcp.studio.timeline.model import Timeline

OnShare = Callable[[float], None]
INDEXED_FROM_S = 20
"""Seconds: of a shorter file nothing is far from its start."""
NAMED = 20
"""Digits of a source's hash in its name: enough, and commands can still be read."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """A settled timeline, and its sources in the job's folder."""

    timeline: Timeline
    names: Mapping[str, str]
    """The sources' names in the folder, by hash."""
    facts: Mapping[str, Facts]
    """How the sources that are played are stored, by hash."""
    sheet: Sheet | None
    """Captions and graphics of the whole picture."""
    quality: Quality
    encoder: Encoder
    ffmpeg: Path
    job: Path

    @property
    def frames(self) -> int:
        """Frames of the output."""
        return frames_in(self.timeline)

    @property
    def draft(self) -> bool:
        """Quick to make, and only to be looked at."""
        return self.quality == "draft"

    @property
    def media(self) -> dict[str, str]:
        """The hash of each file that its sources are in, by name: a table is in two."""
        return {
            name: sha
            for sha, own in self.names.items()
            for name in ((own, table_file(own)) if self._is_table(sha) else (own,))
        }

    def _is_table(self, sha256: str) -> bool:
        return self.timeline.sources[sha256].kind == "table"

    def sources_in(self, folder: Path) -> dict[str, SideFile]:
        """The links to sources that are in a folder, by name."""
        return {
            name: {"sha256": sha} for name, sha in self.media.items() if (folder / name).exists()
        }


async def set_up(
    timeline: Timeline,
    files: Mapping[str, Path],
    *,
    job: Path,
    ffmpeg: Path,
    quality: Quality,
    encoder: Encoder,
    known: Mapping[str, Facts] | None = None,
) -> Workbench:
    """Bring the `files`, by hash, of a settled timeline into the job's folder.

    What is `known` of sources is not read again.
    """
    names = dict(await anyio.to_thread.run_sync(_bring_files, timeline, files, job))
    played = (*timeline.clips, *timeline.cutaways, *timeline.tracks)
    facts = dict(known or {})
    for sha in dict.fromkeys(part.source for part in played):
        if sha not in facts:
            facts[sha] = await read_facts(ffmpeg, names[sha], cwd=job)
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if source.kind == "video" and not facts[sha].seekable and source.duration > INDEXED_FROM_S:
            names[sha], facts[sha] = await _indexed(names[sha], facts[sha], ffmpeg, job)
    sheet = await anyio.to_thread.run_sync(sheet_of, timeline)
    work = Workbench(timeline, names, facts, sheet, quality, encoder, ffmpeg, job)
    await keep_files(job, work.sources_in(job))
    return work


async def _indexed(name: str, facts: Facts, ffmpeg: Path, job: Path) -> tuple[str, Facts]:
    """A copy of a file that cannot be sought (a transport stream, AVI) with an index, nothing
    encoded: else each part would be decoded from the file's start. Where that cannot be, itself."""
    indexed = f"{name}-indexed"
    if not (job / indexed).exists():
        streams = ("-map", "0:V:0", "-map", "0:a?", "-c", "copy")
        try:
            command = [*guarded_input(name), *streams, "-f", "matroska", indexed]
            await run_ffmpeg(ffmpeg, command, cwd=job)
        except MosaicError:
            (job / indexed).unlink(missing_ok=True)
            return name, facts
    return indexed, replace(facts, seekable=True)


def _bring_files(timeline: Timeline, files: Mapping[str, Path], job: Path) -> dict[str, str]:
    """Link the sources into the job folder under our own names, the same for any timeline."""
    names: dict[str, str] = {}
    for sha in sorted(timeline.media):
        path = files.get(sha)
        if path is None or not path.is_file():
            raise MediaError(
                f"The file of {timeline.sources[sha].name} is gone.", remedy="Upload it again."
            )
        # No suffix: FFmpeg judges by content, not by what the user called it.
        names[sha] = f"source-{sha[:NAMED]}"
        own = [names[sha]]
        if timeline.sources[sha].kind == "table":
            own.append(table_file(names[sha]))
        for name in own:
            if not (job / name).exists():  # another timeline of this job may have it, too
                place(path, job / name)
    return names


def lend(source: Path, target: Path) -> None:
    """As `place`, for no longer than `source` stays: where no hard link is, a symbolic one."""
    try:
        os.link(source, target)
    except OSError:
        try:
            target.symlink_to(os.path.relpath(source, target.parent))
        except OSError:  # Windows lets few have one
            place(source, target)


def place(source: Path, target: Path) -> None:
    """The file under another name: a hard link where the disk allows it, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError:
            target.unlink(missing_ok=True)  # half a file is nobody's
            raise
