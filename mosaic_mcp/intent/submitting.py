"""`submit`: hand over the files of a plan, then start its run once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import anyio

from mosaic_mcp.client import Ledger, MosaicClient, Submitted, submit_once
from mosaic_mcp.contract.moments import Length, check_lengths
from mosaic_mcp.contract.rules import parse_run
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.bringing import bring
from mosaic_mcp.intent.files import File
from mosaic_mcp.intent.inputs import Video
from mosaic_mcp.intent.request import Plan
from mosaic_mcp.intent.uploads import Upload, replaced


async def submit(
    plan: Plan,
    client: MosaicClient,
    ledger: Ledger,
    *,
    quality: str | None = None,
    idempotency_key: str | None = None,
    from_outputs: Sequence[str] = (),
) -> Submitted:
    """Start the planned run, or find the one that the same request started before."""
    ids: dict[str, str] = {}
    lengths: dict[str, int] = {}
    warnings: list[str] = []
    for stand_in, upload in plan.uploads.items():
        ids[stand_in], length_ms = await _hand_over(client, upload)
        if length_ms is not None:
            lengths[stand_in] = length_ms
        if upload.transcript is not None:
            name = _file_name(upload)
            warnings.append(await bring(client, ids[stand_in], upload.transcript, video=name))
    for video_id, transcript in plan.transcripts.items():
        warnings.append(await bring(client, video_id, transcript))
    request = parse_run(replaced(plan.body(_measured(plan.videos, lengths)), ids))
    known = {ids[s]: Length(_file_name(plan.uploads[s]), ms) for s, ms in lengths.items()}
    if faults := list(check_lengths(request, plan.runnable, known)):
        raise InvalidRequest([replace(f, where=plan.in_words(f.where)) for f in faults])
    submitted = await submit_once(
        client,
        ledger,
        plan.agent.agent.id,
        request,
        key=idempotency_key,
        quality=quality,
        from_outputs=from_outputs,
    )
    return replace(submitted, warnings=tuple(filter(None, warnings)))


def _file_name(upload: Upload) -> str:
    """The name of a file, or that at the end of an address."""
    if upload.file is not None:
        return upload.file.path.name
    return PurePosixPath(unquote(urlsplit(upload.url or "").path)).name


def _measured(
    videos: Mapping[str, Sequence[Video]], lengths: Mapping[str, int]
) -> dict[str, list[Video]]:
    """The videos with "last 30 s" turned into a start, now that the files' lengths are known."""
    return {
        node: [replace(v, span=v.span.resolve(lengths.get(v.source.value))) for v in given]
        for node, given in videos.items()
    }


async def _hand_over(client: MosaicClient, upload: Upload) -> tuple[str, int | None]:
    """The engine's id of the file, and its length in milliseconds where the engine tells."""
    if upload.file is None:
        # Parameters and transcripts need an id, so a file at an address becomes an asset first.
        return await client.add_url(upload.url or "", upload.asset_type), None
    await _unchanged(upload.file)
    studio = await client.studio()
    if studio is None or not studio.info.local_files:
        return await client.add_file(upload.file.path, upload.asset_type), None
    asset = await studio.add_local_file(upload.file.path, upload.asset_type)
    length = round(asset.facts.duration_s * 1000) if asset.facts else None
    return asset.asset_id, length


async def _unchanged(file: File) -> None:
    """Refuse a file that was changed since it was planned (and perhaps confirmed)."""
    try:
        facts = await anyio.Path(file.path).stat()
        same = (facts.st_size, facts.st_mtime_ns) == (file.size_bytes, file.mtime_ns)
    except OSError:
        same = False
    if not same:
        fault = Fault("videos", f'"{file.path}" changed while it was read.', "Call again.")
        raise InvalidRequest([fault])
