"""Giving the studio the user's own subtitles for a video."""

from __future__ import annotations

import anyio.to_thread

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.errors import InvalidRequest, MediaError
from mosaic_mcp.intent.transcripts import Transcript, language_in_name, left_out, text_of


async def bring(
    client: MosaicClient, video_id: str, transcript: Transcript, *, video: str = ""
) -> str:
    """Let the words of this file count as what is said; the hosted engine takes none.

    `video` is the name of the video's own file, where it is known. Answers why the file is left
    out, where it cannot be used and nobody named it.
    """
    studio = await client.studio()
    if studio is None:
        return ""  # the plan has warned
    try:
        text, _ = await anyio.to_thread.run_sync(text_of, transcript)
        kind = "vtt" if transcript.path.suffix.lower() == ".vtt" else "srt"
        language = language_in_name(transcript.path, video)
        brought = BringTranscript(format=kind, text=text, language=language)
        try:
            await studio.bring_transcript(video_id, brought)
        except (InvalidRequest, MediaError) as error:
            raise transcript.refusal(f"is refused: {error.message}", error.remedy) from error
    except InvalidRequest as error:
        if transcript.where:
            raise
        return left_out(error)
    return ""
