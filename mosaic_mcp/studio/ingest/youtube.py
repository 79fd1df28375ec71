"""Bringing in a YouTube video with yt-dlp, in a child process with limits (`studio/children.py`).

Only the YouTube video extractor is allowed: yt-dlp's generic one would open any address, also of
a private network. The tests use stored descriptions of videos; the download itself has never been
run against YouTube by us.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, cast

import anyio
from anyio.abc import ByteReceiveStream
from anyio.streams.text import TextReceiveStream

from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.errors import (
    Interrupted,
    MediaError,
    MosaicError,
    NoSpace,
    SourceUnavailable,
    TooLarge,
    Unsupported,
)
from mosaic_mcp.studio import children
from mosaic_mcp.web.download import Room, free_in
from mosaic_mcp.web.names import plain

MAX_DURATION_S = 5 * 3600
MAX_BYTES = 5 * 1024**3
"""As for uploads (docs.mosaic.so/api/asset-management/upload-flow)."""
RUNTIMES = ("deno", "node", "bun", "qjs")
"""JavaScript runtimes that yt-dlp can use for YouTube's players."""
PROGRAM = "mosaic_mcp.studio.ingest.youtube_program"
INSTALL = "uv pip install 'mosaic-mcp[studio,youtube]'"
INSTALL_RUNTIME = "uv pip install 'yt-dlp[default,deno]'"
LOOK_S = 1.0

Progress = Callable[[float], Awaitable[None]]
"""Share of the download, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What yt-dlp, its JavaScript runtime and its FFmpeg may use; memory and file for each."""

    wall_s: float = 3 * 3600
    data_bytes: int = 4 * 1024**3
    file_bytes: int = MAX_BYTES


async def download_youtube(
    url: str,
    folder: Path,
    *,
    ffmpeg: Path | None = None,
    on_progress: Progress | None = None,
    room: Room | None = None,
    limits: Limits = Limits(),
) -> tuple[Path, str]:
    """Fetch a video into `folder`; the file, and the video's title as its name.

    `ffmpeg` joins separate picture and sound; without it only formats that hold both are taken.
    `room` is asked before the download and every second of it. Raises Unsupported without yt-dlp;
    MediaError or TooLarge for what is no single, finished, public video; NoSpace. Cancelling kills
    the child and what it started; what it left is in `folder`.
    """
    video = youtube_id(url)
    if video is None:
        raise MediaError(
            "That is not the address of one YouTube video.",
            remedy="Use https://www.youtube.com/watch?v=….",
        )
    if importlib.util.find_spec("yt_dlp") is None:
        raise Unsupported(
            "YouTube videos need the package yt-dlp, which is not installed.",
            remedy=f"Run: {INSTALL}",
        )
    room = room or free_in(folder)
    address = f"https://www.youtube.com/watch?v={video}"
    process = await children.start(
        _command(address, folder, ffmpeg, limits),
        cwd=folder,
        env={**children.environment(children.NETWORK), "TMPDIR": str(folder)},
        stderr=DEVNULL,
    )
    result: dict[str, Any] = {}
    try:
        with anyio.fail_after(limits.wall_s):
            async for message in _messages(cast(ByteReceiveStream, process.stdout)):
                room(message.pop("size", 0), "the video")
                if "progress" in message and on_progress:
                    await on_progress(message["progress"])
                result |= message
            code = await process.wait()
    except TimeoutError as error:
        raise _too_long() from error
    finally:
        await children.end(process)
    if "error" in result:
        raise failure(result["error"])
    if "file" not in result:
        raise _ended(code)
    title = plain(str(result["title"])) or video
    return folder / result["file"], f"{title}{Path(result['file']).suffix}"


def _command(url: str, folder: Path, ffmpeg: Path | None, limits: Limits) -> list[str]:
    argument = {"url": url, "folder": str(folder), "ffmpeg": str(ffmpeg) if ffmpeg else None}
    options = {
        "data": limits.data_bytes,
        "file": limits.file_bytes,
        "cpu": children.processor_s(limits.wall_s),
    }
    return children.guarded(options, [sys.executable, "-m", PROGRAM, json.dumps(argument)])


async def _messages(stream: ByteReceiveStream) -> AsyncGenerator[dict[str, Any]]:
    """The child's lines of JSON; an empty message where there was none for a second."""
    lines = TextReceiveStream(stream)
    text = ""
    while True:
        chunk = None
        with anyio.move_on_after(LOOK_S):
            try:
                chunk = await lines.receive()
            except anyio.EndOfStream:
                return
        if chunk is None:
            yield {}
            continue
        *whole, text = (text + chunk).split("\n")
        for line in whole:
            yield json.loads(line)


def _too_long() -> MediaError:
    return MediaError(
        "The download from YouTube took too long and was stopped.",
        remedy="Download it yourself and give the file.",
    )


def _ended(code: int) -> MosaicError:
    """Why the program ended without a word."""
    if code in (-signal.SIGTERM, -9, 128 + 9):
        return Interrupted("The download from YouTube was killed.", remedy=Interrupted.advice)
    if code == 128 + getattr(signal, "SIGXCPU", 0):
        return _too_long()
    return MediaError(
        "The YouTube download ended without a word.", remedy="Try again; then give the file."
    )


def check_info(info: Mapping[str, Any]) -> None:
    """Refuse what yt-dlp describes unless it is one finished video within the limits."""
    if info.get("_type", "video") != "video" or info.get("entries") is not None:
        raise MediaError("That is a playlist or channel.", remedy="Give the link of one video.")
    live = info.get("live_status") or ("is_live" if info.get("is_live") else "not_live")
    if live == "is_upcoming":
        raise MediaError("That stream has not begun yet.", remedy="Run it again when it is over.")
    if live in ("is_live", "post_live"):
        raise MediaError(
            "That is a live stream that is still running or being processed.",
            remedy="Run it again when YouTube offers it as a video.",
        )
    duration = info.get("duration")
    if not duration:
        raise MediaError("YouTube does not say how long that video is.", remedy="Give the file.")
    if duration > MAX_DURATION_S:
        raise TooLarge(
            f"That video lasts {duration / 3600:.1f} hours; the limit is 5.",
            remedy="Give a shorter video, or a file with the part you need.",
        )
    size = info.get("filesize") or info.get("filesize_approx") or 0
    if size > MAX_BYTES:
        raise too_large()


def too_large() -> TooLarge:
    """The refusal of more than MAX_BYTES."""
    return TooLarge("That video is larger than 5 GB.", remedy="Give a smaller file.")


SENTENCES = (
    ("private video", "That video is private.", "Its owner can give you the file."),
    ("members-only", "That video is for the channel's members.", "Give the file."),
    ("join this channel", "That video is for the channel's members.", "Give the file."),
    ("sign in to confirm your age", "That video has an age limit.", "Give the file."),
    (
        "confirm you’re not a bot",
        "YouTube asks this machine to prove that it is not a robot.",
        "Try again later or from another network, or give the file.",
    ),
    ("available in your country", "That video is not shown in this country.", "Give the file."),
    ("video unavailable", "That video is not available.", "Check the link."),
    ("removed by", "That video was removed.", "Give another."),
)
"""Parts of yt-dlp's messages (lower case), what they mean, what to do."""
NETWORK = ("unable to download", "getaddrinfo", "timed out", "name resolution", "network is")


def failure(error: Mapping[str, str]) -> MosaicError:
    """The child's error as a sentence: our own, or one for what yt-dlp said."""
    message = error["message"]
    if error["code"] == TooLarge.code:
        return TooLarge(message, remedy=error.get("remedy", ""))
    if error["code"] == MediaError.code:
        return MediaError(message, remedy=error.get("remedy", ""))
    said = message.lower().replace("'", "’")
    if "no space left" in said or "quota exceeded" in said:
        return NoSpace()
    if "file too large" in said:  # EFBIG: the limit on what it may write
        return too_large()
    for part, sentence, remedy in SENTENCES:
        if part in said:
            return MediaError(sentence, remedy=remedy)
    if any(part in said for part in NETWORK):
        return SourceUnavailable(
            "YouTube cannot be reached from this machine.",
            remedy="Check the connection, or give the file.",
        )
    if not any(map(shutil.which, RUNTIMES)):
        return MediaError(
            "yt-dlp could not read that video, and YouTube's player needs a JavaScript runtime, "
            "which is not installed.",
            remedy=f"Run: {INSTALL_RUNTIME} (or install Deno or Node.js), then resume the run.",
        )
    return MediaError(
        f"yt-dlp could not fetch that video: {plain(message)}",
        remedy="A newer yt-dlp may: uv pip install -U yt-dlp. Or give the file.",
    )
