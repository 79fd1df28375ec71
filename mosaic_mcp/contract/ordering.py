"""Putting tiles that stand one after the other into the advised order, and saying what moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mosaic_mcp.contract.graph_rules import FLOWS, ORDER
from mosaic_mcp.contract.tiles.catalogue import TileType

ENDS = "Videos come in at the Video Input and leave at the Destination."


@dataclass(frozen=True, slots=True)
class Move:
    """A tile that stood before others which should come first. Positions of the given list."""

    tile: int
    behind: tuple[int, ...]
    why: str


def before(first: TileType, then: TileType) -> str | None:
    """Why `first` should stand before `then`; None where their order is free."""
    if FLOWS[first.kind].place < FLOWS[then.kind].place:
        return ENDS
    found = next((a for a in ORDER if first.name in a.first and then.name in a.then), None)
    return found and found.why.format(then=then.name)


def advised(tiles: Sequence[TileType]) -> tuple[list[int], list[Move]]:
    """The positions in the advised order, and what had to move for it.

    Stable: of the tiles that may come next it takes the first of the list, so that nothing moves
    but for a rule.
    """
    left = list(range(len(tiles)))
    order: list[int] = []
    while left:
        free = (i for i in left if not any(before(tiles[j], tiles[i]) for j in left))
        order.append(next(free))
        left.remove(order[-1])
    return order, _moves(tiles)


def _moves(tiles: Sequence[TileType]) -> list[Move]:
    moves: list[Move] = []
    for index, tile in enumerate(tiles):
        reasons: dict[str, list[int]] = {}
        for later in range(index + 1, len(tiles)):
            if why := before(tiles[later], tile):
                reasons.setdefault(why, []).append(later)
        moves += [Move(index, tuple(behind), why) for why, behind in reasons.items()]
    return moves
