"""What work costs, and that it is paid for before it begins.

    A credit is a minute of video. A tile costs the minutes that come into it, a finished video
    the minutes that it lasts. Video Input and Destination cost nothing, nor do tiles that are
    bypassed, work that fails or is cancelled, and a video that equals one of the owner's finished
    ones. Each part of a run is paid for once, whatever its attempts and resumes. Amounts are
    rounded up to a thousandth of a credit.

This is the one place of that rule; docs/credits.md tells it to users. Only the studio's own quota
is counted so (`studio/quota.py`): what the hosted engine takes is Mosaic's.

What cannot be paid is not begun: the node stops as `blocked` with `needs_credits`, what is behind
it is blocked, and what does not need it goes on. The run then ends as `failed` or
`partial_complete`, keeps its flag, and can be resumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.tiles.catalogue import TileType
from mosaic_mcp.studio.quota import UNITS, Quota, credits_of
from mosaic_mcp.studio.runs.node_changes import finish_node
from mosaic_mcp.studio.runs.render_changes import finish_render
from mosaic_mcp.studio.runs.states import Fence, S, held, lock_run
from mosaic_mcp.studio.store.credits import has_twin, reserve
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, run_nodes
from mosaic_mcp.studio.timeline.model import Timeline

FREE_KINDS = ("input", "destination", "trigger")


class Unpaid(Exception):
    """The work may not begin: credits do not suffice, which is recorded, or it is not ours."""


def units_of(seconds: Fraction) -> int:
    """What so many seconds of video cost, in thousandths of a credit, rounded up."""
    return math.ceil(seconds * UNITS / 60)


def node_units(tile: TileType, inputs: Sequence[Timeline]) -> int:
    """What a tile's work on these costs."""
    if tile.kind in FREE_KINDS:
        return 0
    return units_of(sum((timeline.duration for timeline in inputs), Fraction(0)))


@dataclass(frozen=True, slots=True)
class Charging:
    """Lets work begin once it is paid for; without a quota, always."""

    store: Store
    quota: Quota | None = None

    async def node(
        self, fence: Fence, node: Mapping[str, Any], tile: TileType, inputs: Sequence[Timeline]
    ) -> None:
        """Set aside what a node's work costs; Unpaid when it has to wait for credits."""
        starting = self._starting(node["owner"])
        units = node_units(tile, inputs)
        if starting is None or not units:
            return
        if not await self.store.write(lambda c: claim_node(c, fence, units, starting)):
            raise Unpaid

    async def render(self, fence: Fence, timeline: Timeline, owner: str) -> None:
        """Set aside what a finished video costs; Unpaid when it has to wait for credits."""
        starting = self._starting(owner)
        if starting is None:
            return
        units = units_of(timeline.duration)
        if not await self.store.write(lambda c: claim_render(c, fence, units, starting)):
            raise Unpaid

    def _starting(self, owner: str) -> int | None:
        return None if self.quota is None else self.quota.starting(owner)


def claim_node(connection: sa.Connection, fence: Fence, units: int, starting: int) -> bool:
    """Set aside a node's units, or end it as blocked; False then, and when it is not ours."""
    lock_run(connection, run_nodes, fence.id)
    query = sa.select(run_nodes.c.owner, run_nodes.c.run_id).where(held(run_nodes, fence))
    row = connection.execute(query).one_or_none()
    if row is None:
        return False
    left = reserve(connection, row.owner, f"node:{fence.id}", row.run_id, units, starting)
    if left is None:
        return True
    _wait(connection, fence.id)
    finish_node(connection, fence, S.blocked, [f"This step {_lacks(units, left)}"])
    return False


def claim_render(connection: sa.Connection, fence: Fence, units: int, starting: int) -> bool:
    """Set aside a render's units, or end it as blocked; False then, and when it is not ours."""
    lock_run(connection, renders, fence.id)
    row = connection.execute(sa.select(renders).where(held(renders, fence))).one_or_none()
    if row is None:
        return False
    if has_twin(connection, row.owner, row.id, row.recipe_hash):
        return True
    left = reserve(connection, row.owner, f"render:{fence.id}", row.run_id, units, starting)
    if left is None:
        return True
    _wait(connection, row.run_node_id)
    finish_render(connection, fence, error=f"{row.name} {_lacks(units, left)}", status=S.blocked)
    return False


def _wait(connection: sa.Connection, node_row_id: str) -> None:
    connection.execute(
        run_nodes.update().where(run_nodes.c.id == node_row_id).values(needs_credits=True)
    )


def _lacks(units: int, left: int) -> str:
    return f"needs {credits_of(units)} credits, and {credits_of(left)} are left."
