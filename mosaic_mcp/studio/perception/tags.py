"""What music files say about themselves: title, artist, genre, tempo. Runs in the helper."""

from __future__ import annotations

import contextlib
from typing import Any

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.opening import opened

WANTED = {"title", "artist", "album", "genre", "mood", "comment", "bpm", "tbpm", "tempo"}
LONGEST = 200


def tags(argument: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Tags (in lower case) of each of the files `paths`; files that are no media are left out."""
    found: dict[str, dict[str, str]] = {}
    for path in argument["paths"]:
        with contextlib.suppress(MediaError), opened(path) as container:
            if container.streams.audio:
                streams = [dict(stream.metadata) for stream in container.streams.audio]
                said = {k: v for part in (*streams, container.metadata) for k, v in part.items()}
                found[path] = {
                    key.lower(): value[:LONGEST]
                    for key, value in said.items()
                    if key.lower() in WANTED
                }
    return found
