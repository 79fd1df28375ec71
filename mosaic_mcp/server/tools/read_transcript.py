"""`read_transcript`: what is said when, so that the assistant can choose moments itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import TranscriptAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.calls import meanwhile
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import page_of, result
from mosaic_mcp.server.sentences import sentences, single_words
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

ROOM = 7_000
"""Characters for the rows of a page."""

Video = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="Path or upload id of a video, or render:<output id>",
    ),
]
Query = Annotated[str | None, Field(max_length=200, description="Only sentences with these words")]
Part = Annotated[
    str | None, Field(max_length=80, description="Only this part: '1:30-2:45', 'last 2 min'")
]
Detail = Annotated[Literal["sentences", "words"], Field(description="words gives each word's time")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def read_transcript(
        video: Video,
        query: Query = None,
        span: Part = None,
        detail: Detail = "sentences",
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, TranscriptAnswer]:
        """Read what is said in a video, with times in seconds, where the words come from and how
        far to trust them. Pages; a local recogniser may need up to a minute the first time."""
        from mosaic_mcp.errors import StillWorking, Unsupported
        from mosaic_mcp.intent import Span, parse_span, resolve_video

        client = await engine.client()
        studio = await client.studio()
        if studio is None:
            raise Unsupported(
                "The hosted API offers no transcript.",
                remedy="Read your own SRT and give Clips exact `ranges`, or unset MOSAIC_API_KEY "
                "to use the studio on this machine.",
            )
        part = parse_span(span, where="span") if span else Span()
        kind, video_id, left_out = await resolve_video(client, video, engine.settings)
        if part.from_end_ms is not None:
            length_s = (await studio.known(kind, video_id, ())).duration_s
            part = part.resolve(round(length_s * 1000), where="span")
        asked: dict[str, Any] = {
            "cursor": cursor,
            "query": query,
            "start_s": part.start_ms / 1000 if part.start_ms else None,
            "end_s": part.end_ms / 1000 if part.end_ms else None,
        }
        meanwhile(
            StillWorking(
                "The words of this video are still being recognised on this machine.",
                remedy=f"{StillWorking.advice} Or bring an SRT with the video.",
            )
        )
        said = await studio.transcript(kind, video_id, **asked)
        in_rows = sentences if detail == "sentences" else single_words
        rows = in_rows(said)
        if (fitting := page_of(rows, ROOM)) < len(rows):
            # A shorter page of the studio, not a part of this one: its cursor goes on from there.
            words = sum(said.sentences[:fitting]) if detail == "sentences" else fitting
            said = await studio.transcript(kind, video_id, **asked, limit=words)
            rows = in_rows(said)
        more = f"the same call with cursor='{said.next_cursor}'" if said.next_cursor else None
        none = " Nothing that is said there matches." if (query or span) and not rows else ""
        answer = TranscriptAnswer(
            source=said.source,
            language=said.language,
            confidence=round(said.confidence, 2),
            reliable=said.reliable,
            note=f"{left_out} {said.note}{none}".strip() or None,
            speaker_confidence=said.speaker_confidence and round(said.speaker_confidence, 2),
            sentences=rows if detail == "sentences" else (),
            words=rows if detail == "words" else (),
            next_cursor=said.next_cursor,
            next=more,
        )
        return result(answer)

    return build_tool(read_transcript, title="Read a transcript", annotations=READS)
