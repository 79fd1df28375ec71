"""`read_transcript`: what is said when, so that the assistant can choose moments itself."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import SentenceLine, TranscriptAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import result
from mosaic_mcp.server.sentences import sentences
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

Video = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="Path or upload id of a video, or render:<output id>",
    ),
]
Query = Annotated[str | None, Field(max_length=200, description="Only sentences with these words")]
Part = Annotated[str | None, Field(max_length=80, description="Only this part: '1:30-2:45'")]
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
        from mosaic_mcp.errors import Unsupported
        from mosaic_mcp.intent import parse_span, resolve_video

        client = await engine.client()
        studio = await client.studio()
        if studio is None:
            raise Unsupported(
                "The hosted API offers no transcript.",
                remedy="Bring an SRT with the video, or unset MOSAIC_API_KEY to use the studio.",
            )
        kind, video_id = await resolve_video(client, video, engine.settings)
        part = parse_span(span, where="span").resolve(None) if span else None
        page = await studio.transcript(
            kind,
            video_id,
            cursor=cursor,
            query=query,
            start_s=part.start_ms / 1000 if part and part.start_ms else None,
            end_s=part.end_ms / 1000 if part and part.end_ms else None,
        )
        more = f"read_transcript(video='{video}', cursor='{page.next_cursor}')"
        narrowed = query or span
        none = " Nothing that is said there matches." if narrowed and not page.words else ""
        answer = TranscriptAnswer(
            source=page.source,
            language=page.language,
            confidence=round(page.confidence, 2),
            reliable=page.reliable,
            note=f"{page.note}{none}".strip() or None,
            sentences=tuple(sentences(page.words)) if detail == "sentences" else (),
            words=tuple(
                SentenceLine(start_s=round(w.start_s, 2), end_s=round(w.end_s, 2), text=w.text)
                for w in page.words
                if detail == "words"
            ),
            next_cursor=page.next_cursor,
            next=more if page.next_cursor else None,
        )
        return result(answer)

    return build_tool(read_transcript, title="Read a transcript", annotations=READS)
