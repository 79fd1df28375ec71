"""`list_outputs`: the finished videos of a run, and a way to keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import OutputLine, OutputsAnswer
from mosaic_mcp.server.arguments import Cursor, RunId
from mosaic_mcp.server.calls import meanwhile
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.nearest import known_run
from mosaic_mcp.server.outputs import link, output_line
from mosaic_mcp.server.results import page_of, result
from mosaic_mcp.server.tooling import STARTS, ClosedTool, build_tool
from mosaic_mcp.server.views import RunState

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient

PAGE = 8
"""Outputs a page at most."""
ROOM = 3_500
"""Characters for a page's rows: signed links are long, and stand once more in the blocks."""

LOCAL = "Links work while the local studio runs; the files stay."
SAVING = "the same call again: it waits for the same files and saves none twice"

SaveTo = Annotated[str | None, Field(max_length=1024, description="Folder to put the videos into")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def list_outputs(
        run_id: RunId, save_to: SaveTo = None, cursor: Cursor = None
    ) -> Annotated[CallToolResult, OutputsAnswer]:
        """List the finished videos of a run: links (valid 7 days; calling again signs afresh),
        files on this machine, sizes, durations, subtitles and Premiere/Resolve timelines."""
        client = await engine.client()
        async with known_run(client, run_id):
            run = await client.get_run(run_id)
        nodes = await client.get_run_nodes(run_id)
        state = RunState(run_id, run, nodes.nodes, engine.ledger().labels(run.agent_id))
        start = _offset(cursor)
        page = run.outputs[start : start + PAGE]
        lines = [await output_line(client, output, state) for output in page]
        lines = lines[: _fitting(lines, save_to)]
        local = engine.settings.owner is None and any(line.path for line in lines)
        more = start + len(lines) < len(run.outputs)
        next_cursor = str(start + len(lines)) if more else None
        answer = OutputsAnswer(
            run_id=run_id,
            status=str(run.status),
            outputs=tuple(lines),
            note=LOCAL if local else None,
            next_cursor=next_cursor,
            next=_next(run_id, save_to, next_cursor, lines),
        )
        links = [link(line) for line in lines]
        if save_to is not None:
            saving = {"note": f"Still saving to {save_to}; it goes on.", "next": SAVING}
            meanwhile(result(answer.model_copy(update=saving), *links))
            saved = await _saved(engine, client, run_id, lines, save_to)
            notes = [answer.note or "", _so_far(saved, start, len(run.outputs))]
            told = {"outputs": tuple(saved), "note": " ".join(filter(None, notes)) or None}
            answer = answer.model_copy(update=told)
        return result(answer, *links)

    return build_tool(list_outputs, title="List outputs", annotations=STARTS)


def _fitting(lines: list[OutputLine], save_to: str | None) -> int:
    """How many of the outputs fit into a page, also once they are saved.

    None may be left out of the answer then: the next page begins behind all that were saved.
    """
    if save_to is None:
        return page_of(lines, ROOM)
    saved = [
        line.model_copy(update={"saved_to": f"{save_to}/{_file_name(line)}"}) for line in lines
    ]
    return page_of(saved, ROOM - len(save_to))


def _next(run_id: str, save_to: str | None, cursor: str | None, lines: list[OutputLine]) -> str:
    if cursor is not None:
        saving = "" if save_to is None else f"save_to={save_to!r}, "
        return f"list_outputs(run_id='{run_id}', {saving}cursor='{cursor}')"
    if not lines:
        return f"get_run(run_id='{run_id}')"
    return f"view_output(output_id='{lines[0].output_id}')"


def _so_far(saved: list[OutputLine], start: int, total: int) -> str:
    """How many videos this call saved, where more pages follow."""
    if start + len(saved) >= total:
        return ""
    count = sum(line.saved_to is not None for line in saved)
    return f"{count}{' more' if start else ''} of {total} saved so far; next saves more."


def _offset(cursor: str | None) -> int:
    from mosaic_mcp.errors import Fault, InvalidRequest

    if cursor is None:
        return 0
    if not cursor.isdecimal():
        raise InvalidRequest([Fault("cursor", "is not one of ours", "Leave it out to start.")])
    return int(cursor)


async def _saved(
    engine: Engine, client: MosaicClient, run_id: str, lines: list[OutputLine], save_to: str
) -> list[OutputLine]:
    """The same lines, each with the files that were written to `save_to`."""
    from mosaic_mcp.client import save_file, save_output, save_texts, save_timeline
    from mosaic_mcp.intent import writable_folder

    folder = writable_folder(save_to, engine.settings)
    saved: list[OutputLine] = []
    for line in lines:
        if line.deleted is not None:
            saved.append(line)
            continue
        name = _file_name(line)
        path = (
            await save_file(line.path, folder, name)
            if line.path
            else await save_output(client, run_id, line.output_id, folder, name)
        )
        texts = await save_texts(client, line.output_id, path)
        update = {"saved_to": str(path), "subtitles": texts.get("srt", line.subtitles)}
        if line.timeline_zip:
            update["timeline_zip"] = str(await save_timeline(client, line.timeline_zip, path))
        saved.append(line.model_copy(update=update))
    return saved


def _file_name(line: OutputLine) -> str:
    return f"{line.name or line.output_id}.mp4"
