"""Render a timeline: picture chunks and sound side by side, then one mux that publishes."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.fonts import FONTS
from mosaic_mcp.studio.render import captions, compile, loudness, sound
from mosaic_mcp.studio.render.compile import Command
from mosaic_mcp.studio.render.facts import Facts, read_facts
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.render.quality import Quality
from mosaic_mcp.studio.render.runs import runs, settled
from mosaic_mcp.studio.timeline.model import Timeline

Progress = Callable[[float], None]

_SOUND_SHARE = 0.1
"""Of the whole work, for the progress; the encoder takes nearly all the rest."""


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was rendered, and how."""

    commands: tuple[tuple[str, ...], ...]
    """FFmpeg's arguments for the picture and the mux, with names inside the job's folder."""
    graphs: tuple[str, ...]
    """The filter graph of each chunk."""
    seconds: Fraction
    frames: int
    notes: tuple[str, ...] = ()
    """What differs from what was asked: a substituted font, a loudness not reached."""


async def render(
    timeline: Timeline,
    files: Mapping[str, Path],
    out: Path,
    *,
    job: Path,
    ffmpeg: Path,
    fonts: Path = FONTS,
    quality: Quality = "standard",
    on_progress: Progress | None = None,
) -> RenderReport:
    """Render `timeline` to the MP4 `out`, working in the private folder `job`.

    `files` are the sources by content hash. The file has its final name only when it is whole;
    a cancelled or failed render leaves nothing under that name. Progress runs from 0 to 1.
    """
    compile.check(timeline)
    timeline = settled(timeline)
    compile.check(timeline)
    meter = _Meter(on_progress)
    names = await asyncio.to_thread(_take_in, timeline, files, job)
    facts = await _facts(timeline, names, ffmpeg, job)
    notes: list[str] = []
    if timeline.captions:
        notes += await asyncio.to_thread(captions.write, timeline, fonts, job)
    commands = [
        compile.compile_chunk(
            chunk,
            timeline,
            facts,
            names,
            quality=quality,
            captions=timeline.captions is not None,
            output=f"picture{i}.mp4",
        )
        for i, chunk in enumerate(compile.chunks(runs(timeline)))
    ]
    meter.frames = sum(c.frames for c in commands)
    work: list[Awaitable[None]] = [_sound(timeline, facts, names, ffmpeg, job, meter, notes)]
    work.append(_pictures(commands, timeline, ffmpeg, job, meter))
    await _together(work)
    mux = await _mux([c.output for c in commands], out, ffmpeg, job)
    meter.end()
    return RenderReport(
        commands=(*(c.arguments for c in commands), mux),
        graphs=tuple(c.graph for c in commands),
        seconds=timeline.duration,
        frames=meter.frames,
        notes=tuple(notes),
    )


@dataclass(slots=True)
class _Meter:
    """Progress of everything together: never falls, and is 1 only at the end."""

    report: Progress | None
    frames: int = 0
    sound: float = 0.0
    pictures: dict[str, float] = field(default_factory=dict[str, float])
    shown: float = 0.0

    def tell(self) -> None:
        share = sum(self.pictures.values()) / max(1, self.frames)
        now = 0.99 * (share * (1 - _SOUND_SHARE) + self.sound * _SOUND_SHARE)
        if self.report and now > self.shown:
            self.shown = now
            self.report(now)

    def end(self) -> None:
        if self.report:
            self.report(1.0)


def _take_in(timeline: Timeline, files: Mapping[str, Path], job: Path) -> dict[str, str]:
    """Put the needed sources into the job's folder under names of our own."""
    used = [c.source for c in timeline.clips] + [o.source for o in timeline.overlays]
    names: dict[str, str] = {}
    for i, sha in enumerate(dict.fromkeys(used)):
        path = files.get(sha)
        if path is None or not path.is_file():
            raise MediaError(
                f"The file of {timeline.sources[sha].name} is gone.", remedy="Upload it again."
            )
        # No suffix: FFmpeg shall judge by content, not by what the user called it.
        names[sha] = f"source{i}"
        _link(path.absolute(), job / names[sha])
    return names


def _link(path: Path, name: Path) -> None:
    try:
        name.symlink_to(path)
    except OSError:
        # Windows without the right to make symbolic links.
        try:
            os.link(path, name)
        except OSError:
            shutil.copyfile(path, name)


async def _facts(
    timeline: Timeline, names: Mapping[str, str], ffmpeg: Path, job: Path
) -> dict[str, Facts]:
    shown = list(dict.fromkeys(c.source for c in timeline.clips))
    read = await asyncio.gather(*(read_facts(ffmpeg, names[sha], cwd=job) for sha in shown))
    return dict(zip(shown, read, strict=True))


async def _sound(
    timeline: Timeline,
    facts: Mapping[str, Facts],
    names: Mapping[str, str],
    ffmpeg: Path,
    job: Path,
    meter: _Meter,
    notes: list[str],
) -> None:
    samples = await sound.programme(timeline, facts, names, ffmpeg=ffmpeg, job=job)
    meter.sound = 0.5
    meter.tell()
    notes += await loudness.finish(timeline.sound, samples, ffmpeg=ffmpeg, job=job)
    meter.sound = 1.0
    meter.tell()


async def _pictures(
    commands: Sequence[Command], timeline: Timeline, ffmpeg: Path, job: Path, meter: _Meter
) -> None:
    for command in commands:
        await _picture(command, timeline, ffmpeg, job, meter)


async def _picture(
    command: Command, timeline: Timeline, ffmpeg: Path, job: Path, meter: _Meter
) -> None:
    (job / command.graph_file).write_text(command.graph, "utf-8")

    def tell(seconds: float) -> None:
        meter.pictures[command.output] = min(
            seconds * float(timeline.frame_rate), float(command.frames)
        )
        meter.tell()

    ended = await run_ffmpeg(ffmpeg, command.arguments, cwd=job, on_progress=tell)
    if ended.frames != command.frames:
        missing = (command.frames - ended.frames) / timeline.frame_rate
        shown = " or ".join(dict.fromkeys(timeline.sources[c.source].name for c in timeline.clips))
        raise MediaError(
            f"The picture of {shown} ends {float(missing):.1f} s before its stated length: the "
            "file is damaged or cut short.",
            remedy="Upload a complete file, or cut the end away.",
        )


async def _mux(
    pictures: Sequence[str], out: Path, ffmpeg: Path, job: Path
) -> tuple[str, ...]:
    """Join the chunks, add the sound, and publish the file."""
    part = out.with_suffix(".part.mp4")
    if len(pictures) == 1:
        source = ["-i", pictures[0]]
    else:
        (job / "pictures.txt").write_text("".join(f"file {name}\n" for name in pictures), "utf-8")
        source = ["-f", "concat", "-i", "pictures.txt"]
    args = (
        *source,
        *("-i", loudness.ENCODED, "-map", "0:v", "-map", "1:a", "-c", "copy"),
        *("-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4"),
        f"file:{part.absolute()}",
    )
    await run_ffmpeg(ffmpeg, args, cwd=job, publish=(part, out))
    return (*args[:-1], part.name)


async def _together(work: Sequence[Awaitable[None]]) -> None:
    """Wait for all; the first failure cancels the others and is the one that is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(_run(one))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _run(work: Awaitable[None]) -> None:
    await work
