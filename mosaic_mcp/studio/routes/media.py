"""Bytes: uploads in, and files out by signed link (Range, HEAD, ETag, 206, 416)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from mosaic_mcp.errors import Fault, InvalidRequest, NotFound
from mosaic_mcp.studio.gate import UPLOAD_PATH
from mosaic_mcp.studio.receive import UploadForm
from mosaic_mcp.studio.routes.dependencies import StudioDep

router = APIRouter(tags=["media"], include_in_schema=False)

_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".zip": "application/zip",
    ".srt": "application/x-subrip",
}
"""Types by our own table: the system's differs from machine to machine."""
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
    async with studio.intake.begin(policy.asset_id) as part:
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
    source, path = await studio.assets.file(None, asset_id)
    if file == "thumbnail.jpg" and source.kind != "image":
        path = await studio.thumbnail(source, path)
    return _file(request, path, source.name)


@router.api_route("/media/renders/{render_id}/{file}", methods=["GET", "HEAD"])
async def render_file(
    request: Request,
    render_id: str,
    file: Literal["video.mp4", "thumbnail.jpg", "timeline.zip", "captions.srt"],
    studio: StudioDep,
    exp: Annotated[str, Query()] = "",
    sig: Annotated[str, Query()] = "",
) -> Response:
    """A file of an output."""
    studio.links.check(request.scope["path"], exp, sig)
    name = await studio.outputs.name(render_id)
    return _file(request, studio.library.render(render_id) / file, name)


def _file(request: Request, path: Path, name: str) -> Response:
    if not path.is_file():
        raise NotFound(
            f"There is no {path.name} of this any more.", remedy="Ask for the run or asset again."
        )
    _check_range(request.headers.get("range"), path.stat().st_size)
    media_type = _TYPES.get(path.suffix, "application/octet-stream")
    shown = media_type.startswith(("video/", "audio/", "image/"))
    return FileResponse(
        path,
        media_type=media_type,
        headers=_SAFE_HEADERS,
        filename=_safe_name(name, path.suffix),
        content_disposition_type="inline" if shown else "attachment",
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


def _safe_name(name: str, suffix: str) -> str:
    """`name` as a file name on every system, with the suffix of the content."""
    stem = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    stem = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", stem).strip(" ._")[:120]
    return f"{stem or 'file'}{suffix}"
