"""What only the engine knows about a source: whether an id is an upload or a render."""

from __future__ import annotations

from typing import Literal

import anyio.to_thread

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.errors import Fault, InvalidRequest, MosaicError, NotFound
from mosaic_mcp.intent.bringing import bring
from mosaic_mcp.intent.files import readable_file
from mosaic_mcp.intent.sources import Source, parse_source
from mosaic_mcp.intent.transcripts import subtitles_beside
from mosaic_mcp.settings import Settings


async def is_upload(client: MosaicClient, asset_id: str, where: str) -> bool:
    """True when the engine has an uploaded video of that id."""
    try:
        await client.view_url("video", asset_id)
    except NotFound:
        return False
    except InvalidRequest as error:
        fault = Fault(where, f"{asset_id} is an upload, but not a video.", "Give a video.")
        raise InvalidRequest([fault]) from error
    return True


async def is_render(client: MosaicClient, render_id: str) -> bool:
    """True when the engine has an output of that id (elsewhere: among its newest runs)."""
    studio = await client.studio()
    try:
        if studio is not None:
            await studio.render(render_id)
        else:
            await client.find_output(render_id)
    except NotFound:
        return False
    return True


async def settle(client: MosaicClient, source: Source, where: str) -> list[Source]:
    """The sources behind one: a bare id becomes an upload or a render, a run its outputs."""
    if source.kind == "id":
        if await is_upload(client, source.value, where):
            return [Source("video", source.value)]
        if await is_render(client, source.value):
            return [Source("render", source.value)]
        raise _unknown(where, source.value)
    if source.kind != "run":
        return [source]
    try:
        run = await client.get_run(source.value)
    except NotFound as error:
        fault = Fault(where, f"There is no run {source.value}.", "list_runs() shows the runs.")
        raise InvalidRequest([fault]) from error
    if not run.outputs:
        state = "made no outputs" if run.status.terminal else "has no outputs yet"
        raise InvalidRequest(
            [
                Fault(
                    where,
                    f"Run {source.value} is {run.status} and {state}.",
                    f"get_run(run_id='{source.value}') tells how it stands.",
                )
            ]
        )
    return [Source("render", output.id) for output in run.outputs]


async def resolve_video(
    client: MosaicClient, said: str, settings: Settings
) -> tuple[Literal["videos", "renders"], str, str]:
    """One video of the engine, for looking and reading: a file is handed over first.

    With it comes why subtitles that lie beside it are not used, if any.
    """
    source = parse_source(said)
    if source.kind == "file":
        file = readable_file(source.value, settings, "video", "video")
        video_id = await client.add_file(file.path, "video")
        subtitles, told = await anyio.to_thread.run_sync(subtitles_beside, file)
        if subtitles is not None:
            told = await bring(client, video_id, subtitles, video=file.path.name)
        return "videos", video_id, told
    if source.kind in ("url", "youtube", "mimir"):
        raise InvalidRequest(
            [
                Fault(
                    "video",
                    "is not on this engine yet.",
                    "Run an agent on it first, or download it and give its path.",
                )
            ]
        )
    settled = await settle(client, source, "video")
    if len(settled) > 1:
        raise InvalidRequest(
            [
                Fault(
                    "video",
                    f"Run {source.value} made {len(settled)} outputs.",
                    f"Give one of them, as render:{settled[0].value}.",
                )
            ]
        )
    return ("renders" if settled[0].kind == "render" else "videos"), settled[0].value, ""


def _unknown(where: str, asset_id: str) -> MosaicError:
    return InvalidRequest(
        [
            Fault(
                where,
                f"{asset_id} is neither an uploaded video nor an output that can be found here.",
                "Write render:<id> or video:<id> if you know which, or take an id from "
                "list_outputs.",
            )
        ]
    )
