"""Giving the studio the user's own subtitles for a video."""

from __future__ import annotations

from pathlib import Path, PurePath

import anyio.to_thread

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.contract.languages import language_tag
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.files import File
from mosaic_mcp.opening import read

MOST_BYTES = 20_000_001
"""As many bytes as the longest transcript (5 million characters) can have, and one more."""
_MARKS = {"cc", "default", "forced", "full", "sdh"}
"""What else players read in a name."""


async def bring(client: MosaicClient, video_id: str, transcript: File, *, video: str = "") -> None:
    """Let the words of this file count as what is said; the hosted engine takes none.

    `video` is the name of the video's own file, where it is known.
    """
    studio = await client.studio()
    if studio is None:
        return  # the plan has warned
    try:
        text = await anyio.to_thread.run_sync(_text, transcript.path)
    except (OSError, UnicodeDecodeError):
        fault = Fault(
            "videos", f'"{transcript.path}" is not readable as UTF-8 text.', "Save it as UTF-8."
        )
        raise InvalidRequest([fault]) from None
    kind = "vtt" if transcript.path.suffix.lower() == ".vtt" else "srt"
    language = language_in_name(transcript.path, video)
    brought = BringTranscript(format=kind, text=text, language=language)
    await studio.bring_transcript(video_id, brought)


def language_in_name(path: Path, video: str = "") -> str:
    """The language that players read in a name, talk.de.srt, talk.en-US.sdh.vtt; else empty.

    They read it behind the name of the video: `standup.mon.srt` is not in Mongolian beside
    `standup.mon.mp4`.
    """
    stem, own = path.stem, PurePath(video).stem
    behind = stem[len(own) :] if own and stem.lower().startswith(own.lower()) else stem
    parts = [p for p in behind.split(".")[1:] if p.lower() not in _MARKS]
    if [p.lower() for p in parts[-1:]] == ["hi"] and len(parts) > 1 and language_tag(parts[-2]):
        parts.pop()  # for the hearing impaired, not Hindi
    return language_tag(parts[-1]) if parts else ""


def _text(path: Path) -> str:
    """The text of a file; longer than any transcript may be is refused by the studio, unread."""
    with read(path) as file:
        return file.read(MOST_BYTES).decode("utf-8-sig")
