"""What a rendered file was made from: same recipe, same content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import anyio

from mosaic_mcp.studio.timeline.model import Timeline

VERSION = 1
"""Raised when the renderer makes another picture of the same timeline."""


async def tool_version(ffmpeg: Path) -> str:
    """The first line that FFmpeg says of itself."""
    done = await anyio.run_process([str(ffmpeg), "-version"], stdin=DEVNULL, stderr=DEVNULL)
    return done.stdout.decode("utf-8", "replace").partition("\n")[0].strip()


def recipe_hash(timeline: Timeline, quality: str, tools: str) -> str:
    """A hash of everything that decides the picture and the sound; names do not."""
    decided = timeline.model_dump(mode="json", exclude={"name"})
    for source in decided["sources"].values():
        source.pop("name")
    text = json.dumps([VERSION, tools, quality, decided], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


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
