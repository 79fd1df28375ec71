"""Uploading a file: "POST multipart to upload_url with every upload_fields entry first and `file`
last" (upload-flow). The file is streamed, never held in memory."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import httpx

from mosaic_mcp.contract.uploads import UploadTicket
from mosaic_mcp.errors import EngineUnavailable, MediaError, TooLarge


async def upload_file(ticket: UploadTicket, path: Path) -> None:
    """Send `path` to where the ticket says; the key is not sent along."""
    size = await anyio.to_thread.run_sync(_size, path)
    if size > ticket.max_file_size_bytes:
        raise TooLarge(
            f"{path.name} has {size / 1e9:.1f} GB; "
            f"the engine takes {ticket.max_file_size_bytes / 1e9:.1f} GB.",
            remedy="Send a part of it (clip), or a smaller copy.",
        )
    await anyio.to_thread.run_sync(_post, ticket, path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise MediaError(
            f"{path.name} cannot be read: {error.strerror}.", remedy="Check the path."
        ) from error


def _post(ticket: UploadTicket, path: Path) -> None:
    try:
        # httpx streams an open file in a multipart body only with its synchronous client.
        with path.open("rb") as file, httpx.Client(timeout=httpx.Timeout(60, read=600)) as http:
            response = http.post(
                ticket.upload_url,
                data=ticket.upload_fields,
                files={"file": (path.name, file, "application/octet-stream")},
            )
    except httpx.TransportError as error:
        raise EngineUnavailable(
            f"The upload of {path.name} broke off.", remedy="Call again; nothing was started."
        ) from error
    if not response.is_success:
        raise EngineUnavailable(
            f"The upload of {path.name} was refused with status {response.status_code}.",
            remedy="Call again: the permission to upload lasts one hour.",
        )
