"""What a rendered file was made from: same recipe, same content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, cast

import anyio

from mosaic_mcp.studio.children import environment
from mosaic_mcp.studio.timeline.model import Timeline

VERSION = 4
"""Raised when the renderer makes another picture of the same timeline."""
_TOLD = frozenset({"name", "tile", "origin", "timecode"})
"""Of a timeline: for people and exports only."""


async def tool_version(ffmpeg: Path) -> str:
    """The first line that FFmpeg says of itself."""
    done = await anyio.run_process(
        [str(ffmpeg), "-version"], stdin=DEVNULL, stderr=DEVNULL, env=environment()
    )
    return done.stdout.decode("utf-8", "replace").partition("\n")[0].strip()


def recipe_hash(timeline: Timeline, quality: str, tools: str) -> str:
    """A hash of everything that decides the picture and the sound; names and origins do not."""
    decided = _decisive(timeline.model_dump(mode="json"))
    text = json.dumps([VERSION, tools, quality, decided], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _decisive(part: Any) -> Any:
    """A dumped timeline without what is called how, where it is from and which node made it."""
    if isinstance(part, dict):
        items = cast("dict[str, Any]", part).items()
        return {key: _decisive(value) for key, value in items if key not in _TOLD}
    if isinstance(part, list):
        return [_decisive(value) for value in cast("list[Any]", part)]
    return part


def recipe(timeline: Timeline, quality: str, tools: str, report: dict[str, Any]) -> str:
    """recipe.json: enough to make the file again, and to see how it was made."""
    return json.dumps(
        {
            "recipe": recipe_hash(timeline, quality, tools),
            "version": VERSION,
            "tools": tools,
            "quality": quality,
            "timeline": timeline.model_dump(mode="json"),
            **report,
        },
        indent=1,
    )
