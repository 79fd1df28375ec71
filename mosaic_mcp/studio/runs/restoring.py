"""Making outputs again whose files were deleted to free space: same ids, from their timelines."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mosaic_mcp.studio.runs.render_changes import TILE_SHARE
from mosaic_mcp.studio.runs.states import DONE, S
from mosaic_mcp.studio.store.tables import renders, run_nodes


def has_deleted(connection: sa.Connection, run_id: str) -> bool:
    """True when files of the run's outputs were deleted."""
    query = sa.select(sa.exists().where(renders.c.run_id == run_id, _deleted()))
    return bool(connection.execute(query).scalar())


def make_again(connection: sa.Connection, run_id: str, generation: int) -> int:
    """Queue those outputs in a new generation of their run; the number of nodes that wait for them.

    Where the node had ended only its renders are made. Where it is decided anew, in a resume of a
    failed run, it plans them again.
    """
    ours = (renders.c.run_id == run_id, _deleted())
    node = sa.select(renders.c.run_node_id).where(*ours)
    ended = (run_nodes.c.id.in_(node), run_nodes.c.status.in_(DONE))
    nodes = list(connection.execute(sa.select(run_nodes.c.id).where(*ended)).scalars())
    connection.execute(
        run_nodes.update()
        .where(run_nodes.c.id.in_(nodes))
        .values(
            status=S.running,
            generation=generation,
            progress=TILE_SHARE,
            errors=[],
            status_message=None,
            finished_at=None,
        )
    )
    again: dict[str, Any] = {
        "generation": generation,
        "attempt": 0,
        "progress": 0.0,
        "facts": None,
        "completed_at": None,
        "deleted_at": None,
    }
    of_ended = renders.c.run_node_id.in_(nodes)
    connection.execute(renders.update().where(*ours, of_ended).values(status=S.queued, **again))
    connection.execute(renders.update().where(*ours).values(status=S.cancelled, **again))
    return len(nodes)


def _deleted() -> sa.ColumnElement[bool]:
    return sa.and_(renders.c.status == S.completed, renders.c.deleted_at.is_not(None))
