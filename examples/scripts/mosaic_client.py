"""What the scripts here share: a session with the MCP server, and following a run to its end."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp_types import ImageContent, TextContent

ENDED = {"completed", "partial_complete", "failed", "cancelled"}


class Refused(Exception):
    """A tool or a run said no; the message says why, and what to do."""


class Mosaic:
    """The tools, as functions of a session."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool's structured answer. Raises Refused."""
        result = await self._client.call_tool(tool, arguments, progress_callback=self._progress)
        if result.is_error:
            texts = [b.text for b in result.content if isinstance(b, TextContent)]
            raise Refused("\n".join(texts))
        return result.structured_content or {}

    async def picture(self, tool: str, **arguments: Any) -> bytes:
        """The picture that a tool answers with. Raises Refused."""
        result = await self._client.call_tool(tool, arguments)
        for block in result.content:
            if isinstance(block, ImageContent):
                return base64.b64decode(block.data)
        raise Refused("\n".join(b.text for b in result.content if isinstance(b, TextContent)))

    async def finish(self, run: dict[str, Any]) -> dict[str, Any]:
        """Wait for a run with bounded calls, as its answers say. Raises Refused when it failed."""
        while run["status"] not in ENDED:
            run = await self.call("get_run", run_id=run["run_id"], since=run["since"], wait_s=30)
        if run["status"] != "completed":
            errors = [f"{e['node']}: {' '.join(e['messages'])}" for e in run.get("errors", [])]
            raise Refused("\n".join([run["summary"], *errors, f"Next: {run['next']}"]))
        return run

    async def save(self, run: dict[str, Any], folder: Path) -> list[Path]:
        """Put the videos of a finished run into a folder; the first page of them."""
        listed = await self.call(
            "list_outputs", run_id=run["run_id"], save_to=str(folder.absolute())
        )
        return [Path(output["saved_to"]) for output in listed["outputs"]]

    @staticmethod
    async def _progress(done: float, _total: float | None, message: str | None) -> None:
        print(f"  {done:3.0f} %  {message}", file=sys.stderr)


@asynccontextmanager
async def mosaic() -> AsyncGenerator[Mosaic]:
    """A session with a server of its own; the studio behind it is shared and goes on.

    Ends the script with the message of a Refused.
    """
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=dict(os.environ)
    )
    refused: BaseException | None = None
    try:
        async with Client(server) as client:
            yield Mosaic(client)
    except* Refused as group:  # the client's task groups wrap what passes them
        refused = group
    if refused is not None:
        while isinstance(refused, BaseExceptionGroup):
            refused = refused.exceptions[0]
        sys.exit(str(refused))


def video_argument(video: Path, transcript: Path | None) -> dict[str, str]:
    """A video as `run_agent` takes it, with its subtitles where there are any."""
    argument = {"source": str(video.absolute())}
    if transcript is not None:
        argument["transcript"] = str(transcript.absolute())
    return argument
