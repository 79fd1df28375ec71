"""What a rendered file was made from: same recipe, same content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mosaic_mcp.studio.timeline.model import Timeline

VERSION = 1
"""Raised when the renderer makes another picture of the same timeline."""


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
