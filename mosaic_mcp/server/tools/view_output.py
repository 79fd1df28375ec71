"""`view_output`: pictures of a finished video, so that the assistant sees its own edit."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from mcp_types import CallToolResult, ImageContent, TextContent
from pydantic import Field

from mosaic_mcp.server.arguments import OutputId
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.nearest import known_output
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.extensions import MediaFacts

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
        async with known_output(client, output_id):
            data, kind, told = await _picture(client, output_id, at, frames)
        picture = ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=kind)
        return CallToolResult(content=[picture, TextContent(type="text", text=told)])

    return build_tool(view_output, title="View an output", annotations=READS)


async def _picture(
    client: MosaicClient, output_id: str, at: float | None, frames: int
) -> tuple[bytes, str, str]:
    """The picture, its media type, and what is seen on it when."""
    studio = await client.studio()
    if studio is None:
        data, kind = await client.thumbnail(output_id)
        return (
            data,
            kind,
            f"Thumbnail of {output_id}. This engine has no frames: list_outputs(run_id=…, "
            "save_to=…) saves the video.",
        )
    if at is not None:
        _check_moment(at, (await studio.render(output_id)).facts)
        data, kind = await studio.frame("renders", output_id, at)
        return data, kind, f"Frame of {output_id} at {at:g} s."
    length = (await studio.render(output_id)).facts.duration_s
    data, kind, times = await studio.sheet("renders", output_id, frames)
    told = ", ".join(f"{time:g}" for time in times)
    return data, kind, f"{output_id}, {length:.1f} s long: frames at {told} s, row by row."


def _check_moment(at: float, facts: MediaFacts) -> None:
    """Raise InvalidRequest, with the last moment that has a frame, for one behind the end."""
    from mosaic_mcp.errors import Fault, InvalidRequest

    if at < facts.duration_s:
        return
    rate = Fraction(facts.frame_rate)
    last = facts.duration_s - (float(1 / rate) if rate else 0.1)
    what = f"{at:g} s is behind the end: the video lasts {facts.duration_s:.3f} s."
    raise InvalidRequest([Fault("at", what, f"The last frame is at={max(last, 0.0):.3f}.")])
