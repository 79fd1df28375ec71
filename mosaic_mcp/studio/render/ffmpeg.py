"""Run FFmpeg as a guarded child: bounded, followed, ended at once when the task is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mosaic_mcp.errors import EngineUnavailable, RenderFailed
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.render import failures

FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,wav,aiff,mp3,flac,aac,gif,png_pipe,jpeg_pipe,"
    "webp_pipe,image2"
)
"""Containers that are read. Playlists (HLS, DASH, concat, SDP) are not: they open other files."""

MAX_PIXELS = 1 << 26
"""Pixels of one picture: more is a decompression bomb (8K has half of it)."""

_GUARD = Path(__file__).with_name("guard.py")
_LOG_BYTES = 16_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run of FFmpeg may use: wall time in seconds, memory and file size in bytes."""

    seconds: float = 6 * 3600
    memory: int = 12 << 30
    file_size: int = 64 << 30


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well: the end of its log, and how many pictures it wrote."""

    log: str
    frames: int


def find_ffmpeg(settings: Settings) -> Path:
    """MOSAIC_FFMPEG, or the binary of the imageio-ffmpeg package."""
    if settings.ffmpeg is not None:
        if not settings.ffmpeg.is_file():
            raise EngineUnavailable(
                "MOSAIC_FFMPEG names a file that does not exist.",
                remedy="Correct the path, or unset it to use the packaged FFmpeg.",
            )
        return settings.ffmpeg
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EngineUnavailable(
            "The imageio-ffmpeg package has no FFmpeg for this platform.",
            remedy="Install FFmpeg 7 or later and set MOSAIC_FFMPEG to it.",
        ) from error


def media_input(name: str, *options: str, formats: str = FORMATS) -> list[str]:
    """Arguments that open a user's file by our own relative name, and nothing else."""
    return [
        *("-format_whitelist", formats, "-protocol_whitelist", "file"),
        *("-max_pixels", str(MAX_PIXELS), *options, "-i", name),
    ]


async def run_ffmpeg(
    ffmpeg: Path,
    args: Sequence[str],
    *,
    cwd: Path,
    what: str = "the video",
    level: str = "warning",
    on_progress: Callable[[float], None] | None = None,
    publish: tuple[Path, Path] | None = None,
    limits: Limits | None = None,
) -> Finished:
    """Run FFmpeg in the folder `cwd` and wait for its end.

    `on_progress` hears the seconds of output written so far. `publish` is (part, final): the file
    that FFmpeg writes and the name it gets when it is whole. When the awaiting task is cancelled,
    FFmpeg is killed at once and neither name is left. Raises what `failures.explain` says.
    """
    limits = limits or Limits()
    argv = [str(ffmpeg), "-hide_banner", "-nostdin", "-nostats", "-y", "-v", level]
    argv += ["-progress", "pipe:1", "-stats_period", "0.25", *args]
    order = {
        "argv": argv,
        "publish": [str(p.absolute()) for p in publish] if publish else None,
        "limits": {"memory": limits.memory, "file_size": limits.file_size},
    }
    process = await _start(json.dumps(order), cwd)
    done = False
    try:
        async with asyncio.timeout(limits.seconds):
            log, frames, status = await asyncio.gather(
                _log_end(_pipe(process.stderr)),
                _follow(_pipe(process.stdout), on_progress),
                process.wait(),
            )
        if status != 0:
            raise failures.explain(status, log, what=what)
        done = True
        return Finished(log, frames)
    except TimeoutError as error:
        raise RenderFailed(
            f"FFmpeg took longer than {limits.seconds:.0f} s to make {what} and was stopped.",
            remedy="Make a shorter video, or render it as a draft.",
        ) from error
    finally:
        await _end(process)
        if publish and not done:
            for path in publish:
                path.unlink(missing_ok=True)


async def _start(order: str, cwd: Path) -> asyncio.subprocess.Process:
    """Start the guard; a cancellation meanwhile ends it, whole group, before it is passed on."""
    new_group = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_GUARD), order),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            **new_group,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the process group, and collect the guard."""
    if process.returncode is None or process.returncode < 0:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _log_end(stream: asyncio.StreamReader) -> str:
    """Read the log to its end, and keep the last of it."""
    kept = b""
    while block := await stream.read(4096):
        kept = (kept + block)[-_LOG_BYTES:]
    return kept.decode("utf-8", "replace")


async def _follow(
    stream: asyncio.StreamReader, on_progress: Callable[[float], None] | None
) -> int:
    """Read `-progress` lines, report the time written; returns the number of pictures."""
    frames = 0
    async for line in stream:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        if key == "frame":
            frames = int(value)
        # "N/A" until the first packet is written.
        elif key == "out_time_us" and on_progress and value.lstrip("-").isdigit():
            on_progress(max(0, int(value)) / 1_000_000)
    return frames


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    assert stream is not None, "started with pipes"  # noqa: S101
    return stream
