"""The port of the studio: on loopback unless told, and the same one each time where possible."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from mosaic_mcp.errors import Conflict

HOST = "127.0.0.1"


def bind(remembered: Path | None, port: int | None, host: str = HOST) -> socket.socket:
    """A listening socket: `port`, or the port of last time (in `remembered`), or a free one."""
    if port is not None or host != HOST or remembered is None:
        try:
            return _listen(port or 0, host)
        except OSError as error:
            raise Conflict(
                f"Port {port or ''} of {host} cannot be used: {error.strerror or error}.",
                remedy="Choose another --port or --host.",
            ) from error
    try:
        return _listen(int(remembered.read_text()))
    except (OSError, ValueError, OverflowError):
        listener = _listen(0)
    remembered.write_text(f"{listener.getsockname()[1]}\n")
    return listener


def _listen(port: int, host: str = HOST) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without, every answer
    # waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
