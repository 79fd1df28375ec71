"""The studio's port."""

import asyncio
import socket
from pathlib import Path

from mosaic_mcp.studio.listening import bind


async def test_answers_are_sent_at_once_not_held_back_for_an_acknowledgement(tmp_path: Path):
    listener = bind(tmp_path / "port", None)
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken = writer.get_extra_info("socket")
        accepted.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(greet, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()
