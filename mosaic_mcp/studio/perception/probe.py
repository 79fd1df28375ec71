"""From a path to a `Source`, or to a sentence that says why not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import anyio.to_thread

from mosaic_mcp.contract.extensions import MediaFacts
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.calling import call_about
from mosaic_mcp.studio.timeline.model import Source, Timecode


async def probe(path: Path, *, name: str) -> Source:
    """The file's facts and the hash of its bytes; `name` is what the user calls it.

    Raises MediaError for what is missing, empty, no media, cut off, or too large to decode.
    """
    await anyio.to_thread.run_sync(_check_file, path, name)
    facts = await call_about(name, "probe", path=str(path))
    return Source(
        sha256=facts["sha256"],
        name=name,
        kind=facts["kind"],
        duration=Fraction(facts["duration"]),
        width=facts.get("width", 0),
        height=facts.get("height", 0),
        frame_rate=Fraction(facts.get("frame_rate", "0")),
        variable_frame_rate=facts.get("variable_frame_rate", False),
        rotation=facts.get("rotation", 0),
        audio_channels=facts["audio_channels"],
        audio_rate=facts["audio_rate"],
        unheard=facts.get("unheard", ()),
        timecode=Timecode(**told) if (told := facts.get("timecode")) else None,
    )


def media_facts(source: Source, size_bytes: int) -> MediaFacts:
    """A source in the words of the API."""
    return MediaFacts(
        duration_s=float(source.duration),
        width=source.width,
        height=source.height,
        frame_rate=str(source.frame_rate),
        size_bytes=size_bytes,
        variable_frame_rate=source.variable_frame_rate,
        rotation=source.rotation,
    )


def _check_file(path: Path, name: str) -> None:
    if not path.exists():
        raise MediaError(f"{name} does not exist.", remedy="Check the path.")
    if not path.is_file():
        raise MediaError(f"{name} is not a file.", remedy="Give the path of a video file.")
    if path.stat().st_size == 0:
        raise MediaError(f"{name} is empty (0 bytes).", remedy="Copy or download it again.")
