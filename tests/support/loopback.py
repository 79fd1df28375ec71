"""An MCP server over real streamable HTTP on loopback, served from a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from socket import SOMAXCONN, create_server
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer


@contextmanager
def on_loopback(server: MCPServer[Any], **options: Any) -> Generator[str]:
    """The address of the served endpoint; `options` are those of `streamable_http_app`."""
    # Connections queue up from here on, so nobody has to wait for the server's start.
    listener = create_server(("127.0.0.1", 0), backlog=SOMAXCONN)
    config = uvicorn.Config(
        server.streamable_http_app(**options), log_config=None, log_level="critical", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        thread.join()
        listener.close()
