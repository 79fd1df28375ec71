"""`play_output`: a finished video in pieces, for the viewer's player.

A page in a host's sandbox can load nothing from the studio: hosts forbid all origins by default,
and loopback addresses even where they were declared. `data:` URLs are allowed, so the video
travels the same way as everything else.
"""

from __future__ import annotations

import base64
from typing import Annotated

from mcp_types import CallToolResult, TextContent
from pydantic import Field

from mosaic_mcp.server.arguments import OutputId, RunId
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import Answer
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

PIECE = 3 * 2**18
"""Bytes a piece: a multiple of three, so that the pieces' base64 can be joined; 1 MiB of it."""
LARGEST = 64 * 2**20
"""Bytes of a video that the viewer holds in memory."""

Offset = Annotated[int, Field(ge=0, le=LARGEST, description="Byte to begin at")]


class Piece(Answer):
    """A part of a video, base64."""

    output_id: str
    offset: int
    total: int
    media_type: str
    data: str


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def play_output(
        run_id: RunId, output_id: OutputId, offset: Offset = 0
    ) -> Annotated[CallToolResult, Piece]:
        """For the run viewer only: a part of a video's bytes. view_output shows a model its
        frames; list_outputs gives the file."""
        from mosaic_mcp.client import fetch_part
        from mosaic_mcp.errors import NotFound, TooLarge

        client = await engine.client()
        run = await client.get_run(run_id)
        url = next((o.video_url for o in run.outputs if o.id == output_id), None)
        if url is None:
            raise NotFound(
                f"Run {run_id} has no output {output_id!r}.",
                remedy=f"list_outputs(run_id='{run_id}') gives the ids.",
            )
        part = await fetch_part(client.reach(url), offset, PIECE, within=client.within)
        if part.total > LARGEST:
            raise TooLarge(
                f"The video has {part.total / 1e6:.0f} MB; "
                f"up to {LARGEST / 1e6:.0f} MB can be played here.",
                remedy="Open it instead.",
            )
        piece = Piece(
            output_id=output_id,
            offset=offset,
            total=part.total,
            media_type="video/mp4",
            data=base64.b64encode(part.content).decode(),
        )
        text = f"{len(part.content)} of {part.total} bytes from {offset}."
        return CallToolResult(
            content=[TextContent(type="text", text=text)],
            structured_content=piece.model_dump(mode="json"),
        )

    return build_tool(play_output, title="Play an output", annotations=READS)
