"""A run in a real database, moved by hand: what a worker would report, without the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus, RunCancelled, RunRequest, RunResumed
from mosaic_mcp.studio.runs import control, node_changes, render_changes, states
from mosaic_mcp.studio.runs.creating import create_run
from mosaic_mcp.studio.runs.states import Fence, Job
from mosaic_mcp.studio.runs.views import last_seq
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import events, renders, run_nodes, runs
from tests.support.agents import agent
from tests.support.tiles import source, timeline

T = TypeVar("T")
OWNER = "anna"
TIMELINE = timeline(source()).model_dump(mode="json")


class MovedRun:
    """One run; nodes are called by their ids in the agent."""

    def __init__(self, store: Store, nodes: dict[str, Any], edges: str | None = None) -> None:
        self.store = store
        self.agent = agent(nodes, edges)
        self.id = self.create()

    def create(self, key: str | None = None, video: str = "v") -> str:
        """The id of a run of the agent."""
        return self._do(
            lambda c: create_run(
                c,
                OWNER,
                self.agent,
                RunRequest(video_ids=(video,)),
                quality="draft",
                idempotency_key=key,
            )
        )

    def _do(self, work: Callable[[sa.Connection], T]) -> T:
        with self.store.engine.begin() as connection:
            return work(connection)

    def row(self, node: str) -> Any:
        query = sa.select(run_nodes).where(
            run_nodes.c.run_id == self.id, run_nodes.c.node_id == node
        )
        return self._do(lambda c: c.execute(query).one())

    @property
    def run(self) -> Any:
        return self._do(lambda c: c.execute(sa.select(runs).where(runs.c.id == self.id)).one())

    def statuses(self) -> dict[str, str]:
        query = sa.select(run_nodes).where(run_nodes.c.run_id == self.id)
        rows = self._do(lambda c: c.execute(query.order_by(run_nodes.c.position)).all())
        return {row.node_id: row.status for row in rows}

    def renders(self, node: str) -> list[Any]:
        query = sa.select(renders).where(renders.c.run_node_id == self.row(node).id)
        return list(self._do(lambda c: c.execute(query.order_by(renders.c.position)).all()))

    def last_seq(self) -> int:
        return self._do(lambda c: last_seq(c, self.id))

    def events(self) -> list[str]:
        query = sa.select(events.c.type).where(events.c.run_id == self.id)
        return list(self._do(lambda c: c.execute(query.order_by(events.c.seq)).scalars()))

    def jobs(self) -> list[Job]:
        return self._do(lambda c: states.jobs(c, self.id))

    def start(self, node: str, *, alone: bool = True) -> Fence | None:
        row = self.row(node)
        return self._do(lambda c: node_changes.start_node(c, row.id, row.generation, alone=alone))

    def release(self, fence: Fence) -> None:
        self._do(lambda c: node_changes.release_node(c, fence))

    def decide(self, fence: Fence, count: int = 1) -> bool:
        return self._do(lambda c: node_changes.decide_node(c, fence, [TIMELINE] * count))

    def finish(self, fence: Fence, error: str | None = None) -> None:
        status = NodeStatus.failed if error else NodeStatus.completed
        errors = [error] if error else []
        self._do(lambda c: node_changes.finish_node(c, fence, status, errors))

    def do(self, *nodes: str) -> None:
        """Begin, decide and end nodes that render nothing."""
        for node in nodes:
            fence = self.start(node)
            assert fence is not None
            self.decide(fence)
            self.finish(fence)

    def do_destination(self, node: str, status: str) -> None:
        """Begin and end a Destination, as what it found before it says."""
        fence = self.start(node)
        assert fence is not None
        self._do(lambda c: node_changes.finish_node(c, fence, NodeStatus(status)))

    def plan(self, fence: Fence, *recipes: str) -> None:
        wanted = [{"name": r, "timeline": TIMELINE, "recipe_hash": r} for r in recipes]
        self._do(lambda c: render_changes.plan_renders(c, fence, wanted))

    def decide_and_plan(self, node: str, *recipes: str) -> Fence:
        fence = self.start(node)
        assert fence is not None
        self.decide(fence, len(recipes))
        self.plan(fence, *recipes)
        return fence

    def start_render(self, row: Any) -> Fence | None:
        return self._do(lambda c: render_changes.start_render(c, row.id, row.generation))

    def progress_render(self, fence: Fence, share: float) -> None:
        self._do(lambda c: render_changes.progress_render(c, fence, share, 1.5))

    def release_render(self, fence: Fence, step: str) -> None:
        self._do(lambda c: render_changes.release_render(c, fence, step))

    def finish_render(self, fence: Fence, error: str | None = None) -> None:
        facts = None if error else {"duration_s": 1.0}
        self._do(lambda c: render_changes.finish_render(c, fence, facts=facts, error=error))

    def do_renders(self, node: str, *errors: str | None) -> None:
        """Begin and end the renders of a node, each with or without an error."""
        for row, error in zip(self.renders(node), errors, strict=True):
            fence = self.start_render(row)
            assert fence is not None
            self.finish_render(fence, error)

    def cancel(self, owner: str = OWNER) -> tuple[RunCancelled, list[Job]]:
        return self._do(lambda c: control.cancel_run(c, owner, self.id))

    def resume(self) -> RunResumed:
        return self._do(lambda c: control.resume_run(c, OWNER, self.id))

    def give_up(self, job: Job) -> None:
        self._do(lambda c: control.give_up(c, job))
