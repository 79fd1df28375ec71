"""The resources: what a person may attach to a chat, or a client may read, without a tool call.

    mosaic://guide                  how to edit with this server
    mosaic://agents/{id}            an agent, by id or name: inputs, nodes, parameters
    mosaic://runs/{id}              a run as it stands
    mosaic://runs/{id}/timeline     what a run made, as cuts
    mosaic://runs/{id}/log          what its steps said, and their FFmpeg commands
    mosaic://tiles/{name}           a tile: parameters, ranges, how well this engine does it

They answer the same facts as the tools, as JSON. What is not there is -32602, everything else
that goes wrong -32603, each with what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types.methods import CacheableMethod

from mosaic_mcp.errors import InvalidRequest, MosaicError, NotFound
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.failures import in_tools
from mosaic_mcp.server.icons import DOCUMENT
from mosaic_mcp.server.quoting import document, visible

GUIDE = Path(__file__).with_name("guide.md")
MOST_TEXT = 1_000
"""Characters of an error."""

_FIXED = CacheHint(ttl_ms=300_000, scope="public")
_FOR_ITS_CLIENT = CacheHint(ttl_ms=300_000, scope="private")
CACHE_HINTS: dict[CacheableMethod, CacheHint] = {
    "server/discover": _FIXED,
    "tools/list": _FOR_ITS_CLIENT,
    "prompts/list": _FIXED,
    "resources/list": _FIXED,
    "resources/templates/list": _FIXED,
    "resources/read": CacheHint(ttl_ms=0, scope="private"),
}
"""What may be kept: lists are the same for everybody until the server is replaced, but the viewer's
tools are listed for clients with Apps alone. A run or an agent may change at any moment and belongs
to one user."""


def add_resources(server: MCPServer[Any], engine: Engine) -> None:
    """Give the server its resources, bound to an engine."""

    @server.resource(
        "mosaic://guide",
        title="How to edit with this server",
        description="The way from a video to a finished edit, and what to check on it.",
        mime_type="text/markdown",
        icons=[DOCUMENT],
    )
    def guide() -> str:
        return GUIDE.read_text("utf-8")

    @server.resource(
        "mosaic://agents/{id}",
        title="An agent",
        description="By id or name: its video inputs, its nodes in order, every parameter.",
        mime_type="application/json",
        icons=[DOCUMENT],
    )
    async def agent(id: str) -> str:
        with told():
            from mosaic_mcp.server import documents

            return document(await documents.agent(engine, id))

    @server.resource(
        "mosaic://runs/{id}",
        title="A run",
        description="Its status, steps, errors by node, and first finished videos.",
        mime_type="application/json",
        icons=[DOCUMENT],
    )
    async def run(id: str, ctx: Context[Any, Any]) -> str:
        with told():
            from mosaic_mcp.server import documents

            return document(await documents.run(engine, id, ctx))

    @server.resource(
        "mosaic://runs/{id}/timeline",
        title="A run's edit as cuts",
        description="Per finished video: what it shows of which source, from when to when.",
        mime_type="application/json",
        icons=[DOCUMENT],
    )
    async def timeline(id: str) -> str:
        with told():
            from mosaic_mcp.server import documents

            return document(await documents.timeline(engine, id))

    @server.resource(
        "mosaic://runs/{id}/log",
        title="A run's log",
        description="Per attempt at a step: what it said, how it ended, its FFmpeg commands.",
        mime_type="application/json",
        icons=[DOCUMENT],
    )
    async def log(id: str) -> str:
        with told():
            from mosaic_mcp.server import run_logs

            return document(await run_logs.log(engine, id))

    @server.resource(
        "mosaic://tiles/{name}",
        title="A tile",
        description="By name: its parameters with ranges and defaults, and how well this engine "
        "does it.",
        mime_type="application/json",
        icons=[DOCUMENT],
    )
    async def tile(name: str) -> str:
        with told():
            from mosaic_mcp.server import documents

            return document(await documents.tile(engine, name))


def unknown(uri: str) -> ResourceNotFoundError:
    """The error for an address that no resource has, with the nearest."""
    known = ["mosaic://guide", *(f"mosaic://{k}/" for k in ("agents", "runs", "tiles"))]
    near = difflib.get_close_matches(uri[:40], known, n=1, cutoff=0.7)
    guess = f" Did you mean {near[0]}…?" if near else ""
    return ResourceNotFoundError(
        f"There is no resource {uri[:200]!r}.{guess} Resources: mosaic://guide, "
        "mosaic://agents/{id}, mosaic://runs/{id}, mosaic://runs/{id}/timeline, "
        "mosaic://runs/{id}/log, mosaic://tiles/{name}."
    )


@contextmanager
def told() -> Generator[None]:
    """Errors of ours as errors of the protocol, with message and remedy."""
    try:
        yield
    except MosaicError as error:
        text = visible(" ".join(in_tools(str(error)).split()))[:MOST_TEXT]
        missing = isinstance(error, NotFound | InvalidRequest)
        raise (ResourceNotFoundError if missing else ResourceError)(text) from error
