"""Bringing in what lies elsewhere: a file at an address, a video on YouTube.

Files of this machine and uploads are taken by `studio/intake.py`, which also checks and keeps what
is fetched here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.studio.ingest.youtube import download_youtube
from mosaic_mcp.web.addresses import anywhere, public
from mosaic_mcp.web.download import Room, download

__all__ = ["fetch"]

Report = Callable[[float, str], Awaitable[None]]
"""`(share done, what is going on)`."""


async def fetch(
    kind: str,
    ref: str,
    folder: Path,
    report: Report,
    *,
    ffmpeg: Path | None = None,
    private: bool = False,
    room: Room | None = None,
) -> tuple[Path, str]:
    """Fetch the input `ref` of this kind ("url" or "youtube") into `folder`: file and name.

    A YouTube link among plain addresses is treated as one. `private` allows addresses of this
    machine and its network. Raises MediaError, TooLarge,
    NoSpace or Unsupported with what to do.
    """
    if kind == "youtube" or youtube_id(ref):

        async def share(done: float) -> None:
            await report(done, f"downloading from YouTube · {done:.0%}")

        return await download_youtube(ref, folder, ffmpeg=ffmpeg, on_progress=share, room=room)

    async def count(have: int, whole: int | None) -> None:
        of = f" of {whole / 1e6:.1f}" if whole else ""
        await report(have / whole if whole else 0.0, f"downloading · {have / 1e6:.1f}{of} MB")

    allowed = anywhere if private else public
    return await download(ref, folder, on_progress=count, allowed=allowed, room=room)
