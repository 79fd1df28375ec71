"""The child that runs yt-dlp: one video, its progress and outcome as lines of JSON on stdout.

    python -m mosaic_mcp.studio.ingest.youtube_program '{"url": …, "folder": …, "ffmpeg": …}'

It runs under guard, which ends it with whoever asked.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.ingest.youtube import MAX_BYTES, RUNTIMES, check_info, too_large

JOINED = "bv+ba/b"
WHOLE = "b"
SORTED = ("res:1080", "vcodec:h264", "acodec:aac")
"""The largest up to 1080p (the shorter side, so that upright videos count too), then the codec."""
_messages_to = 1


def options(folder: Path, ffmpeg: str | None) -> dict[str, Any]:
    """yt-dlp's options: one video of YouTube, nothing of the user's configuration or cookies."""
    chosen: dict[str, Any] = {
        "allowed_extractors": ["youtube"],
        "noplaylist": True,
        "format": JOINED if ffmpeg else WHOLE,
        "format_sort": [*SORTED],
        "outtmpl": str(folder / "video.%(ext)s"),
        "max_filesize": MAX_BYTES,
        "js_runtimes": {("quickjs" if name == "qjs" else name): {} for name in RUNTIMES},
        "cachedir": False,
        "quiet": True,
        "noprogress": True,
        "no_warnings": True,
        "retries": 5,
        "socket_timeout": 30,
        "progress_hooks": [_progress],
    }
    if ffmpeg:
        chosen |= {"ffmpeg_location": ffmpeg, "merge_output_format": "mp4/mkv"}
    return chosen


def fetch(url: str, folder: Path, ffmpeg: str | None) -> dict[str, Any]:
    """Download the video; its file's name and title."""
    from yt_dlp import YoutubeDL  # pyright: ignore[reportMissingTypeStubs]

    with YoutubeDL(options(folder, ffmpeg)) as program:  # pyright: ignore
        info: Any = program.extract_info(url, download=False)  # pyright: ignore
        check_info(info)
        _say({"size": room_for(info)})
        program.process_ie_result(info, download=True)  # pyright: ignore
    file = max(folder.glob("video.*"), key=lambda path: path.stat().st_size, default=None)
    if file is None:  # the one thing that yt-dlp leaves out without an error
        raise too_large()
    return {"file": file.name, "title": info.get("title") or ""}


def room_for(info: Mapping[str, Any]) -> int:
    """Bytes that the download takes on the disk, as far as YouTube says how much it is.

    Joined formats lie there twice for a while: alone, and in the file that they become.
    """
    parts: list[Mapping[str, Any]] = info.get("requested_formats") or [info]
    known = sum(part.get("filesize") or part.get("filesize_approx") or 0 for part in parts)
    return int(known) * min(len(parts), 2)


def _progress(state: dict[str, Any]) -> None:
    whole = state.get("total_bytes") or state.get("total_bytes_estimate")
    if state.get("status") == "downloading" and whole:
        _say({"progress": min(state.get("downloaded_bytes", 0) / whole, 1.0)})


def _say(message: dict[str, Any]) -> None:
    os.write(_messages_to, (json.dumps(message) + "\n").encode())


def main() -> None:
    """Run; every failure is a message, so that the parent can explain it."""
    argument = json.loads(sys.argv[1])
    try:
        _say(fetch(argument["url"], Path(argument["folder"]), argument["ffmpeg"]))
    except MosaicError as error:
        _say({"error": {"code": error.code, "message": error.message, "remedy": error.remedy}})
    except MemoryError:
        _say({"error": {"code": "yt-dlp", "message": "it needed more memory than it may use"}})
    except Exception as error:
        _say({"error": {"code": "yt-dlp", "message": str(error)}})


if __name__ == "__main__":
    # yt-dlp and what it starts may print; only our messages go to the parent.
    _messages_to = os.dup(1)
    os.dup2(2, 1)
    main()
