"""FFmpeg as a child process: guarded, limited, followed, and told apart by why it failed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.abc

from mosaic_mcp.errors import (
    EngineUnavailable,
    Interrupted,
    MosaicError,
    NoSpace,
    RenderFailed,
)
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio import children
from mosaic_mcp.studio.reach import FORMATS, MAX_PIXELS, PROTOCOLS
from mosaic_mcp.studio.render.commands import Command, watched

KEEP_LOG = 8_000
"""Characters of FFmpeg's messages that are kept for the error."""

OnProgress = Callable[[float], None]
"""Called with the seconds of output made so far."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one FFmpeg run may use."""

    wall_s: float = 6 * 3600
    memory_bytes: int = 8 * 1024**3
    file_bytes: int = 40 * 1024**3


@dataclass(slots=True)
class _Log:
    lines: list[str] = field(default_factory=list[str])

    def add(self, text: str) -> None:
        self.lines.append(text)
        while sum(map(len, self.lines)) > KEEP_LOG and len(self.lines) > 1:
            del self.lines[0]

    @property
    def text(self) -> str:
        return "".join(self.lines)[-KEEP_LOG:]


@dataclass(slots=True)
class _Made:
    frames: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well: the end of its messages, and how many pictures it wrote."""

    log: str
    frames: int


def find_ffmpeg(settings: Settings) -> Path:
    """MOSAIC_FFMPEG, or the binary of the imageio-ffmpeg package.

    Raises EngineUnavailable when there is none that can be run.
    """
    if settings.ffmpeg is not None:
        found = shutil.which(settings.ffmpeg)
        if found is None:
            raise EngineUnavailable(
                f"MOSAIC_FFMPEG names {settings.ffmpeg}, which cannot be run.",
                remedy="Correct it, or unset it to use the packaged FFmpeg.",
            )
        return Path(found)
    import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs]

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EngineUnavailable(
            "The package imageio-ffmpeg brings no FFmpeg for this system.",
            remedy="Install FFmpeg and set MOSAIC_FFMPEG to its path.",
        ) from error


def guarded_input(name: str, *options: str) -> list[str]:
    """Arguments that open one of our own files in the job folder, and nothing else."""
    return [
        "-protocol_whitelist",
        PROTOCOLS,
        "-format_whitelist",
        FORMATS,
        "-max_pixels",
        str(MAX_PIXELS),
        *options,
        "-i",
        name,
    ]


async def run_ffmpeg(
    ffmpeg: Path,
    arguments: Sequence[str],
    *,
    cwd: Path,
    publish: tuple[Path, Path] | None = None,
    on_progress: OnProgress | None = None,
    limits: Limits | None = None,
) -> Finished:
    """Run FFmpeg in `cwd`, to its end.

    With `publish` a finished `part` file is renamed to `final` by the guard, so that a final name
    always stands for a whole file. Cancelling the call kills FFmpeg at once. Raises RenderFailed,
    or Interrupted when somebody else killed it.
    """
    limits = limits or Limits()
    options: dict[str, object] = {
        "memory": limits.memory_bytes,
        "file": limits.file_bytes,
        "cpu": children.processor_s(limits.wall_s),
    }
    if publish:
        options |= {"part": str(publish[0]), "final": str(publish[1])}
    arguments = ("-hide_banner", "-nostats", "-nostdin", "-y", *arguments)
    program = [str(ffmpeg), "-progress", "pipe:1", "-stats_period", "0.25", *arguments]
    command = children.guarded(options, program)
    async with watched(arguments, cwd) as told:
        return await _run(command, cwd, told, on_progress, limits)


async def _run(
    command: Sequence[str], cwd: Path, told: Command, on_progress: OnProgress | None, limits: Limits
) -> Finished:
    log = _Log()
    process = await children.start(command, cwd=cwd, env=children.environment())
    made = _Made()
    try:
        with anyio.fail_after(limits.wall_s):
            async with anyio.create_task_group() as group:
                group.start_soon(_follow, process, made, on_progress)
                group.start_soon(_collect, process, log)
                group.start_soon(children.end_with_guard, process)
            told.code = code = await process.wait()
    except TimeoutError as error:
        raise RenderFailed(
            f"FFmpeg did not finish within {limits.wall_s:.0f} s and was stopped.",
            remedy="Use a shorter clip, or quality='draft'.",
            log=log.text,
        ) from error
    finally:
        await children.end(process)
        told.log, told.frames, told.media_s = log.text, made.frames, made.seconds
    if code != 0:
        raise explain(code, log.text)
    return Finished(log.text, made.frames)


async def _follow(process: anyio.abc.Process, made: _Made, on_progress: OnProgress | None) -> None:
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    rest = ""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
        for line in lines:
            # out_time_ms is in microseconds too, an old mistake that stayed.
            if line.startswith("out_time_us=") and line[12:].strip().isdigit():
                made.seconds = int(line[12:]) / 1e6
                if on_progress:
                    on_progress(made.seconds)
            elif line.startswith("frame="):
                made.frames = int(line[6:])


async def _collect(process: anyio.abc.Process, log: _Log) -> None:
    assert process.stderr is not None  # noqa: S101 - opened with a pipe
    async for chunk in process.stderr:
        log.add(chunk.decode("utf-8", "replace"))


def explain(code: int, log: str) -> MosaicError:
    """Why FFmpeg failed, in a sentence, with what to do."""
    low = log.lower()
    if "received signal 24" in low or code == 128 + 24:  # SIGXCPU, which FFmpeg obeys
        return RenderFailed(
            "FFmpeg used more processor time than it may.",
            remedy="Use a shorter clip, or quality='draft'.",
            log=log,
        )
    if code in (128 + 9, -9) or "exiting normally, received signal" in low:  # it, or its guard
        return Interrupted("FFmpeg was killed.", remedy=Interrupted.advice)
    if "no space left on device" in low or "disk quota exceeded" in low:
        return NoSpace()
    if "file size limit exceeded" in low or code == 128 + 25:
        return RenderFailed(
            "The output grew past its limit.", remedy="Use a shorter clip.", log=log
        )
    if "cannot allocate memory" in low or code == 187:
        return RenderFailed(
            "FFmpeg ran out of memory.", remedy="Use quality='draft' or a smaller source.", log=log
        )
    if "moov atom not found" in low or "invalid data found" in low:
        return RenderFailed(
            "The source is damaged and cannot be decoded to its end.",
            remedy="Copy or export the file again.",
            log=log,
        )
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "no message")
    return RenderFailed(
        f"FFmpeg ended with code {code}: {last.strip()[:200]}",
        remedy="Resume the run to try again; the run's log has the whole command.",
        log=log,
    )
