"""Rows as the contract shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.extensions import NodeProgress, RunWatch
from mosaic_mcp.contract.node_types import NodeType
from mosaic_mcp.contract.runs import (
    AgentRun,
    NodeErrors,
    NodeStatus,
    NodeStatusCounts,
    RunInput,
    RunNode,
    RunNodes,
    RunOutput,
    RunStatus,
    RunSummary,
)
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.studio.library import RenderFile
from mosaic_mcp.studio.liveness import NO_WORKER, alive
from mosaic_mcp.studio.runs.states import ENDED
from mosaic_mcp.studio.signing import Links
from mosaic_mcp.studio.store.tables import assets, events, renders, run_inputs, run_nodes

S = NodeStatus
Row = Mapping[str, Any]
SHOWN = [c for c in run_nodes.c if c.name not in ("params", "needs", "timelines")]
"""A watcher looks several times a second, and the timelines of an hour are large."""


class RunRows:
    """Everything about one run, read in one transaction."""

    def __init__(self, connection: sa.Connection, run: Row, dead_s: float | None = None) -> None:
        """With `dead_s`, what is queued waits for other processes: are there any that live?"""
        run_id = run["id"]
        self.run = run
        self.nodes = _all(
            connection,
            sa.select(*SHOWN).where(run_nodes.c.run_id == run_id).order_by(run_nodes.c.position),
        )
        self.renders = _all(
            connection,
            sa.select(
                renders.c.id,
                renders.c.run_node_id,
                renders.c.position,
                renders.c.status,
                renders.c.completed_at,
                renders.c.waits_for,
                renders.c.deleted_at,
            )
            .where(renders.c.run_id == run_id)
            .order_by(renders.c.completed_at, renders.c.position),
        )
        self.inputs = _all(
            connection,
            sa.select(run_inputs.c.asset_id, run_inputs.c.spec, assets.c.asset_type)
            .select_from(run_inputs.outerjoin(assets, assets.c.id == run_inputs.c.asset_id))
            .where(run_inputs.c.run_id == run_id)
            .order_by(run_inputs.c.position),
        )

        queued = any(row["status"] == S.queued for row in (*self.nodes, *self.renders))
        self.unmanned = queued and dead_s is not None and not alive(connection, dead_s)

    def view(self, links: Links) -> AgentRun:
        """The answer of GET /agent_run/{run_id}."""
        return AgentRun(
            agent_id=self.run["agent_id"],
            started_at=datetime.fromisoformat(self.run["started_at"]),
            status=RunStatus(self.run["status"]),
            needs_credits=any(n["needs_credits"] for n in self.nodes),
            status_message=self._message(),
            errors=tuple(
                NodeErrors(original_node_id=n["node_id"], messages=tuple(n["errors"]))
                for n in self.nodes
                if n["errors"]
            ),
            node_status_counts=counts(self.nodes),
            inputs=self._inputs(links),
            outputs=self._outputs(links),
        )

    def summary(self, links: Links) -> RunSummary:
        """The run in a list."""
        return RunSummary(
            run_id=self.run["id"],
            agent_id=self.run["agent_id"],
            status=RunStatus(self.run["status"]),
            status_message=self._message(),
            started_at=datetime.fromisoformat(self.run["started_at"]),
            updated_at=datetime.fromisoformat(self.run["updated_at"]),
            node_status_counts=counts(self.nodes),
            inputs=self._inputs(links),
            outputs=self._outputs(links),
        )

    def nodes_view(self) -> RunNodes:
        """The answer of GET /agent_run/{run_id}/nodes."""
        return RunNodes(
            run_id=self.run["id"],
            nodes=tuple(
                RunNode(
                    agent_node_id=n["id"],
                    original_node_id=n["node_id"],
                    status=S(n["status"]),
                    status_message=n["status_message"],
                    errors=tuple(n["errors"]),
                    node_type=_node_type(n["node_type_id"]),
                    needs_credits=n["needs_credits"],
                )
                for n in self.nodes
            ),
        )

    def watch(self, seq: int, links: Links, warnings: Mapping[str, Sequence[str]]) -> RunWatch:
        """The answer of the studio's watch; `warnings` by runtime node."""
        return RunWatch(
            seq=seq,
            run=self.view(links),
            nodes=tuple(self._progress(n, warnings.get(n["id"], ())) for n in self.nodes),
            updated_at=datetime.fromisoformat(self.run["updated_at"]),
        )

    def _progress(self, node: Row, warnings: Sequence[str]) -> NodeProgress:
        own = [r for r in self.renders if r["run_node_id"] == node["id"]]
        return NodeProgress(
            agent_node_id=node["id"],
            original_node_id=node["node_id"],
            tile=_node_type(node["node_type_id"]).node_type_name or node["node_type_id"],
            status=S(node["status"]),
            progress=node["progress"],
            step=self._step(node),
            rate=node["rate"],
            makes_outputs=bool(node["renders_outputs"]),
            renders_done=sum(r["status"] in ENDED for r in own),
            renders_total=len(own),
            warnings=tuple(warnings),
        )

    def _step(self, node: Row) -> str:
        if self.unmanned and node["status"] == S.queued:
            return NO_WORKER
        return f"waiting for {waits}" if (waits := _waits(node)) else node["step"]

    def _message(self) -> str | None:
        """How the run ended, and whether its files are there; at work, what it waits for."""
        if self.unmanned:
            return f"{NO_WORKER[0].upper()}{NO_WORKER[1:]}. The run then goes on by itself."
        waiting = (waits for row in (*self.nodes, *self.renders) if (waits := _waits(row)))
        if (waits := next(waiting, None)) is not None:
            return f"Waiting for {waits}. It goes on by itself when there is room."
        made = [r for r in self.renders if r["status"] == S.completed]
        deleted = sum(r["deleted_at"] is not None for r in made)
        if deleted:
            files = f"The files of {deleted} of {len(made)} outputs"
            told = f"{files} were deleted to free space; resume the run to make them again."
            return " ".join(filter(None, (self.run["status_message"], told)))
        return self.run["status_message"]

    def _inputs(self, links: Links) -> tuple[RunInput, ...]:
        return tuple(_input(row, links) for row in self.inputs)

    def _outputs(self, links: Links) -> tuple[RunOutput, ...]:
        template = {n["id"]: n["node_id"] for n in self.nodes}

        def link(render: Row, file: RenderFile) -> str:
            return links.render(render["id"], file, gone=render["deleted_at"] is not None)

        return tuple(
            RunOutput(
                id=r["id"],
                video_url=link(r, "video.mp4"),
                thumbnail_url=link(r, "thumbnail.jpg"),
                premiere_prproj_url=link(r, "timeline.zip"),
                completed_at=datetime.fromisoformat(r["completed_at"]),
                original_node_id=template[r["run_node_id"]],
                files_deleted_at=datetime.fromisoformat(at) if (at := r["deleted_at"]) else None,
            )
            for r in self.renders
            if r["status"] == S.completed
        )


def _all(connection: sa.Connection, query: sa.Executable) -> Sequence[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _waits(row: Row) -> str | None:
    """What a queued node or render waits for."""
    return row["waits_for"] if row["status"] == S.queued else None


def _node_type(node_type_id: str) -> NodeType:
    tile = tile_type(node_type_id)
    return tile.node_type() if tile else NodeType(node_type_id=node_type_id)


def _input(row: Row, links: Links) -> RunInput:
    spec = row["spec"]
    if spec["kind"] == "render":
        return RunInput(
            video_url=links.render(spec["ref"], "video.mp4"),
            thumbnail_url=links.render(spec["ref"], "thumbnail.jpg"),
        )
    if row["asset_id"] is None:  # an address that is not fetched yet
        return RunInput(video_url=spec["ref"])
    return RunInput(
        video_url=links.asset(row["asset_id"]),
        thumbnail_url=links.asset(row["asset_id"], "thumbnail.jpg"),
    )


def counts(nodes: Sequence[Row]) -> NodeStatusCounts:
    """Buckets: completed|partial_complete, running|queued, failed|blocked (mosaic_contract §11)."""
    by = Counter(S(n["status"]) for n in nodes)
    return NodeStatusCounts(
        completed=by[S.completed] + by[S.partial_complete],
        in_progress=by[S.running] + by[S.queued],
        failed=by[S.failed] + by[S.blocked],
    )


def last_seq(connection: sa.Connection, run_id: str) -> int:
    """The number of the run's newest event."""
    query = sa.select(sa.func.max(events.c.seq)).where(events.c.run_id == run_id)
    return connection.execute(query).scalar() or 0
