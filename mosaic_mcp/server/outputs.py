"""The videos that a run made, as a model and a person need them: links, files, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, ResourceLink

from mosaic_mcp.server.answers import OutputLine
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.quoting import visible
from mosaic_mcp.server.recovery import recovery
from mosaic_mcp.server.results import result
from mosaic_mcp.server.views import RunState, run_answer

if TYPE_CHECKING:
    from datetime import datetime

    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.runs import RunOutput

BRIEF = 5
"""Outputs told with a run; list_outputs has them all."""
LINKED = 3
"""Of these so many are linked: hosted links have a thousand characters."""


async def answer_with_outputs(
    engine: Engine,
    client: MosaicClient,
    state: RunState,
    *,
    detailed: bool = False,
    warnings: Sequence[str] = (),
    replayed: bool = False,
) -> CallToolResult:
    """A run's answer, with the first of its finished videos linked."""
    ledger = engine.ledger()
    state = RunState(state.run_id, state.run, state.nodes, ledger.labels(state.run.agent_id))
    lines = [await output_line(client, o, state) for o in state.run.outputs[:BRIEF]]
    if state.run.needs_credits:
        warnings = [*warnings, await recovery(engine, client)]
    answer = run_answer(state, detailed=detailed)
    # What the plan foresaw ("Clips: clip 1 ends at …") and the run found is told once.
    found = {told.partition(" at ")[0] for told in answer.warnings}
    warnings = [told for told in warnings if told.partition(" at ")[0] not in found]
    answer = answer.model_copy(
        update={
            "outputs": tuple(brief(line) for line in lines),
            "warnings": (*warnings, *answer.warnings),
            "replayed": replayed or None,
            "from_outputs": ledger.lineage(state.run_id),
            "log": await log_address(client, state.run_id) if detailed else None,
        }
    )
    if state.terminal:
        ledger.delivered(state.run_id)
    return result(answer, *(link(line) for line in lines[:LINKED]))


async def log_address(client: MosaicClient, run_id: str) -> str | None:
    """Where a run's log is to be read; None on an engine that does not tell."""
    return None if await client.studio() is None else f"mosaic://runs/{run_id}/log"


async def output_line(client: MosaicClient, output: RunOutput, state: RunState) -> OutputLine:
    """Everything about one output; more of it on an engine that shares our disk."""
    from mosaic_mcp.client import expiry

    node = state.names().get(output.original_node_id or "", output.original_node_id)
    line = OutputLine(
        output_id=output.id,
        node=node,
        url=output.video_url,
        url_expires_at=expiry(output.video_url),
        thumbnail=output.thumbnail_url,
        timeline_zip=output.premiere_prproj_url,
    )
    studio = await client.studio()
    if studio is None:
        return line
    info = await studio.render(output.id)
    return line.model_copy(
        update={
            "name": info.name,
            "duration_s": round(info.facts.duration_s, 2),
            "width": info.facts.width,
            "height": info.facts.height,
            "size_bytes": info.facts.size_bytes,
            "quality": "draft" if info.facts.quality == "draft" else None,
            "path": info.path,
            "timeline_zip": info.timeline_path or output.premiere_prproj_url,
            "subtitles": info.texts.get("srt"),
            "missing_words": info.facts.missing_words,
            "image": info.image_path or info.image_url,
            "deleted": info.deleted_at and _deleted(info.deleted_at, state.run_id),
        }
    )


def _deleted(at: datetime, run_id: str) -> str:
    call = f"resume_run(run_id='{run_id}')"
    return f"The files were deleted on {at:%Y-%m-%d} to free space; {call} makes them again."


def brief(line: OutputLine) -> OutputLine:
    """Enough to speak of an output: signed links are long, and list_outputs has them."""
    return line.model_copy(
        update={"url": None, "url_expires_at": None, "thumbnail": None, "timeline_zip": None}
    )


def link(line: OutputLine) -> ResourceLink:
    """The video as a link that hosts can show; never its bytes."""
    about = [f"{line.duration_s} s" if line.duration_s else "", f"file: {line.path or 'remote'}"]
    return ResourceLink(
        name=visible(line.name or line.output_id),
        uri=line.url or "",
        mime_type="video/mp4",
        size=line.size_bytes,
        description=visible(", ".join(part for part in about if part)),
    )
