"""Looking at and listening to a video while the next ones of its run are still brought in.

What is found out is kept by the content; the tiles that ask for it later find it. Of the last video
nothing is found out ahead: it would keep tiles waiting that need none of it. Nor is anything where
work is to be paid for first (`charging.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.store.tables import run_nodes
from mosaic_mcp.studio.tiles.asking import ASKED, CHOOSE, Asked
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.timeline.model import Timeline


@dataclass(frozen=True, slots=True)
class Behind:
    """A tile that an input flows to, and of which we know what it will ask."""

    tile: str
    params: Any
    whole: bool
    """Nothing chose from the video before."""

    def asks(self, timeline: Timeline) -> set[Asked]:
        """What it will ask of a video that comes in."""
        asked = ASKED[self.tile](self.params, timeline)
        return asked if self.whole else asked - {"faces"}


def behind(connection: sa.Connection, run_id: str, node_id: str) -> list[Behind]:
    """The tiles behind a node of a run of which we know what they will ask."""
    query = (
        sa.select(
            run_nodes.c.node_id, run_nodes.c.node_type_id, run_nodes.c.params, run_nodes.c.needs
        )
        .where(run_nodes.c.run_id == run_id)
        .order_by(run_nodes.c.position)
    )
    whole = {node_id: True}
    found: list[Behind] = []
    for row in connection.execute(query).mappings():
        ways = [whole[need] for need in row["needs"] if need in whole]
        tile = tile_type(row["node_type_id"])
        if not ways or tile is None:
            continue
        if tile.name in ASKED and tile.params:
            params = tile.params.model_validate(row["params"])
            found.append(Behind(tile.name, params, any(ways)))
        whole[row["node_id"]] = any(ways) and tile.name not in CHOOSE
    return found


async def perceive(timeline: Timeline, tiles: Sequence[Behind], perception: Perception) -> None:
    """Find out what the tiles will ask. What fails, fails again for the tile, which says so."""
    asked = set[Asked]().union(*(tile.asks(timeline) for tile in tiles))
    for sha256 in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha256]
        shown = intervals_of(sha256, [timeline])
        ways: dict[Asked, Callable[[], Awaitable[object]]] = {
            "speech": lambda source=source: perception.speech(source),
            "words": lambda source=source: perception.words(source),
            "faces": lambda source=source, shown=shown: perception.faces(source, shown),
        }
        for one in asked:
            with suppress(MosaicError):
                await ways[one]()
