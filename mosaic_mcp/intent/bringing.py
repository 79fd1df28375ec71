"""Giving the studio the user's own subtitles for a video."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.files import File
from mosaic_mcp.opening import read

MOST_BYTES = 20_000_001
"""As many bytes as the longest transcript (5 million characters) can have, and one more."""


async def bring(client: MosaicClient, video_id: str, transcript: File) -> None:
    """Let the words of this file count as what is said; the hosted engine takes none."""
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
    await studio.bring_transcript(video_id, BringTranscript(format=kind, text=text))


def _text(path: Path) -> str:
    """The text of a file; longer than any transcript may be is refused by the studio, unread."""
    with read(path) as file:
        return file.read(MOST_BYTES).decode("utf-8-sig")
