"""Bytes: uploads in, and files out by signed link (Range, HEAD, ETag, 206, 416)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from mosaic_mcp.errors import Fault, InvalidRequest, NotFound
from mosaic_mcp.studio.gate import UPLOAD_PATH
from mosaic_mcp.studio.library import RenderFile
from mosaic_mcp.studio.receive import UploadForm
from mosaic_mcp.studio.routes.dependencies import StudioDep
from mosaic_mcp.studio.showing import disposition, media_type, safe_name
from mosaic_mcp.studio.signing import VIEW_LINK_S
from mosaic_mcp.studio.studio import Studio

router = APIRouter(tags=["media"], include_in_schema=False)

_NUMBER = re.compile(r"[0-9]{1,30}")
MOST_RANGES = 8
"""Of one request: a player asks for one."""
_SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; media-src 'self'; img-src 'self'; sandbox",
    "cache-control": "private, max-age=3600",
}


@router.post(UPLOAD_PATH, status_code=204)
async def upload(request: Request, studio: StudioDep) -> Response:
    """Take a file under an upload's signed policy; finalize_upload then checks it."""
    form = UploadForm(request.headers.get("content-type", ""), request.stream())
    policy = studio.links.check_upload(await form.fields())
    length = request.headers.get("content-length", "0")
    size = int(length) if length.isdecimal() else 0
    async with studio.intake.begin(policy.asset_id, size) as part:
        name = await form.save(part, policy.max_bytes)
        await studio.intake.received(policy.asset_id, part, name)
    return Response(status_code=204)


@router.api_route("/media/assets/{asset_id}/{file}", methods=["GET", "HEAD"])
async def asset_file(
    request: Request,
    asset_id: str,
    file: Literal["source", "thumbnail.jpg"],
    studio: StudioDep,
    exp: Annotated[str, Query()] = "",
    sig: Annotated[str, Query()] = "",
) -> Response:
    """An asset, or its picture."""
    studio.links.check(request.scope["path"], exp, sig)
    source, key = await studio.assets.file(None, asset_id)
    if file == "thumbnail.jpg" and source.kind != "image":
        key = await studio.thumbnail(source)
    return await _file(request, studio, key, source.name)


@router.api_route("/media/renders/{render_id}/{file}", methods=["GET", "HEAD"])
async def render_file(
    request: Request,
    render_id: str,
    file: RenderFile,
    studio: StudioDep,
    exp: Annotated[str, Query()] = "",
    sig: Annotated[str, Query()] = "",
) -> Response:
    """A file of an output."""
    studio.links.check(request.scope["path"], exp, sig)
    name = await studio.outputs.name(render_id)
    return await _file(request, studio, studio.library.render(render_id, file), name)


async def _file(request: Request, studio: Studio, key: str, name: str) -> Response:
    """The file, or the way to a storage that serves it itself."""
    storage = studio.library.storage
    path = PurePosixPath(key)
    size = await storage.size(key)
    if size is None:
        raise NotFound(
            f"There is no {path.name} of this any more.", remedy="Ask for the run or asset again."
        )
    here = storage.here(key)
    if here is None:
        link = storage.link(key, VIEW_LINK_S, "HEAD" if request.method == "HEAD" else "GET")
        return RedirectResponse(link or "", 307, {"cache-control": "private, no-store"})
    _check_range(request.headers.get("range"), size)
    return FileResponse(
        here,
        media_type=media_type(path.suffix),
        headers=_SAFE_HEADERS,
        filename=safe_name(name, path.suffix),
        content_disposition_type=disposition(path.suffix),
    )


def _check_range(header: str | None, size: int) -> None:
    """Refuse in our form what FileResponse would refuse in plain text."""
    if header is None:
        return
    ranges = [part.strip().partition("-") for part in header.partition("=")[2].split(",")]
    numbers = all(_NUMBER.fullmatch(f"{first}{last}") and dash for first, dash, last in ranges)
    if not header.startswith("bytes=") or not numbers or len(ranges) > MOST_RANGES:
        fault = Fault("Range", "not a byte range, or too many.", "Send bytes=first-last.")
        raise InvalidRequest([fault])
    for first, _, last in ranges:
        start = int(first) if first else max(size - int(last), 0)
        if start >= size:
            raise HTTPException(
                416, "The range lies behind the end.", headers={"content-range": f"bytes */{size}"}
            )
        if first and last and int(last) < start:
            raise InvalidRequest([Fault("Range", "the range ends before it starts.")])
