"""Uploading a file: "POST multipart to upload_url with every upload_fields entry first and `file`
last" (docs.mosaic.so/api/asset-management/upload-flow). The file is streamed, never held in memory.

What was uploaded is remembered by its content: the same call again sends no file twice, and asks
for the same run, because it names the same asset.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx

from mosaic_mcp import opening
from mosaic_mcp.client.transport import on_this_machine, read_body
from mosaic_mcp.contract.uploads import AssetType, UploadTicket
from mosaic_mcp.errors import (
    EngineUnavailable,
    MediaError,
    MosaicError,
    NoSpace,
    NotFound,
    OutcomeUnknown,
    TooLarge,
)

if TYPE_CHECKING:
    from mosaic_mcp.client.api import MosaicClient

Progress = Callable[[int, int], None]
"""`(bytes sent, bytes in all)`, after each piece."""

PIECE = 256 * 1024
"""Bytes read and sent at a time."""
_TIMEOUT = httpx.Timeout(60.0, read=600.0)
"""The store may look at the whole file before it answers."""


async def upload_once(
    client: MosaicClient,
    path: Path,
    asset_type: AssetType,
    *,
    on_progress: Progress | None = None,
) -> str:
    """The asset of a local file: uploaded now, or found among those that were uploaded before."""
    if client.ledger is None:
        return await upload(client, path, asset_type, on_progress=on_progress)
    digest = await anyio.to_thread.run_sync(_sha256, path)
    known = client.ledger.upload(client.engine, asset_type, digest)
    if known is not None and await _usable(client, asset_type, known):
        return known
    asset_id = await upload(client, path, asset_type, on_progress=on_progress)
    client.ledger.uploaded(client.engine, asset_type, digest, asset_id)
    return asset_id


async def upload(
    client: MosaicClient,
    path: Path,
    asset_type: AssetType,
    *,
    on_progress: Progress | None = None,
) -> str:
    """Ticket, file, finalize: the id of the new asset."""
    file = await anyio.to_thread.run_sync(_opened, path)
    ticket = await client.upload_ticket(asset_type)
    if file.size > ticket.max_file_size_bytes:
        raise TooLarge(
            f"{path.name} has {_mb(file.size)} MB; the engine takes "
            f"{_mb(ticket.max_file_size_bytes)} MB.",
            remedy="Give a shorter part of it, or a smaller copy.",
        )
    await _send(ticket, file, on_progress)
    try:
        await client.finalize_upload(asset_type, ticket.asset_id)
    except OutcomeUnknown:
        if not await _usable(client, asset_type, ticket.asset_id):
            raise
    return ticket.asset_id


async def _usable(client: MosaicClient, asset_type: AssetType, asset_id: str) -> bool:
    """True while the engine still has the asset."""
    try:
        await client.view_url(asset_type, asset_id)
    except NotFound:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is when its upload begins; it has to stay so until the end."""

    path: Path
    size: int
    mtime_ns: int

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The content, exactly `size` bytes of it; MediaError when the file changes meanwhile."""
        left = self.size
        with await anyio.to_thread.run_sync(opening.read, self.path) as file:
            while left and (piece := await anyio.to_thread.run_sync(file.read, min(PIECE, left))):
                left -= len(piece)
                yield piece
        if left or await anyio.to_thread.run_sync(_opened, self.path) != self:
            raise MediaError(
                f"{self.path.name} was changed while it was sent.",
                remedy="Call again when the file is complete.",
            )


def _opened(path: Path) -> _File:
    try:
        with opening.read(path) as file:
            facts = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(path, error) from error
    return _File(path, facts.st_size, facts.st_mtime_ns)


def _sha256(path: Path) -> str:
    try:
        with opening.read(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> MediaError:
    return MediaError(
        f"{path.name} cannot be read: {error.strerror}.", remedy="Check the path and its rights."
    )


async def _send(ticket: UploadTicket, file: _File, on_progress: Progress | None) -> None:
    """POST the form to where the ticket says; our key does not go there."""
    content_type, head, tail = _envelope(ticket, file.path.name)

    async def body() -> AsyncGenerator[bytes]:
        yield head
        sent = 0
        async for piece in file.pieces():
            yield piece
            sent += len(piece)
            if on_progress is not None:
                on_progress(sent, file.size)
        yield tail

    headers = {
        "content-type": content_type,
        # Stores refuse forms of unknown length.
        "content-length": str(len(head) + file.size + len(tail)),
    }
    local = on_this_machine(ticket.upload_url)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=not local) as http:
            form = http.build_request("POST", ticket.upload_url, content=body(), headers=headers)
            answer = await http.send(form, stream=True)
            said = await read_body(answer)
    except httpx.TransportError as error:
        raise EngineUnavailable(
            f"The upload of {file.path.name} broke off.",
            remedy="Call again; nothing was started.",
        ) from error
    if not answer.is_success:
        raise _refusal(answer.status_code, said, file)


def _envelope(ticket: UploadTicket, name: str) -> tuple[str, bytes, bytes]:
    """Content type, and what stands before and after the file's bytes, as httpx writes it."""
    form = httpx.Request(
        "POST",
        ticket.upload_url,
        data=ticket.upload_fields,
        files={"file": (name, b"", "application/octet-stream")},
    )
    content_type = form.headers["content-type"]
    tail = f"\r\n--{content_type.partition('boundary=')[2]}--\r\n".encode()
    return content_type, form.read().removesuffix(tail), tail


def _refusal(status: int, said: bytes, file: _File) -> MosaicError:
    """What the store's status means; its body is XML at one store and JSON at another."""
    if status == 413 or b"EntityTooLarge" in said:
        return TooLarge(
            f"{file.path.name} is too large for this engine.",
            remedy="Give a shorter part of it, or a smaller copy.",
        )
    if status == HTTPStatus.INSUFFICIENT_STORAGE:
        return NoSpace(
            f"The engine's disk has no room for {file.path.name}.",
            remedy="Free some space there, then call again; nothing was started.",
        )
    return EngineUnavailable(
        f"The upload of {file.path.name} was refused with status {status}.",
        remedy="Call again: the permission to upload lasts one hour.",
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
