"""`view_output`: pictures of a finished video, so that the assistant sees its own edit."""

from __future__ import annotations

import base64
from typing import Annotated

from mcp_types import CallToolResult, ImageContent, TextContent
from pydantic import Field

from mosaic_mcp.server.arguments import OutputId
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

At = Annotated[
    float | None, Field(ge=0, le=18_000, description="Seconds: one frame instead of a sheet")
]
Frames = Annotated[int, Field(ge=1, le=24, description="Frames of the contact sheet, 1-24")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def view_output(output_id: OutputId, at: At = None, frames: Frames = 9) -> CallToolResult:
        """Look at a finished video: a contact sheet of evenly spaced frames with their times, or
        the one frame at a time. Use it to check captions, framing and cuts."""
        client = await engine.client()
        studio = await client.studio()
        if studio is None:
            data, kind = await client.thumbnail(output_id)
            told = f"Thumbnail of {output_id}. This engine has no frames; save the video for more."
        elif at is not None:
            data, kind = await studio.frame("renders", output_id, at)
            told = f"Frame of {output_id} at {at:g} s."
        else:
            data, kind = await studio.sheet("renders", output_id, frames)
            told = f"{output_id}: {frames} evenly spaced frames, each labelled with its time."
        picture = ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=kind)
        return CallToolResult(content=[picture, TextContent(type="text", text=told)])

    return build_tool(view_output, title="View an output", annotations=READS)
