"""Agents of an owner, and the built-in ones that every owner sees but nobody changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDeleted,
    AgentDetail,
    AgentHead,
    AgentList,
    CreateAgent,
    DuplicateAgent,
    UpdateAgent,
)
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.errors import Forbidden, NotFound
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.paging import Cursor
from mosaic_mcp.studio.store.tables import agents

_BUILTIN = {detail.agent.id: detail for detail in BUILTIN_AGENTS}
_HEAD = (agents.c.id, agents.c.name, agents.c.description, agents.c.visibility)
_TIMES = (agents.c.created_at, agents.c.updated_at)


class Agents:
    """Reads and changes agents; an id of another owner is as unknown as one that never was."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, owner: str, request: CreateAgent) -> AgentChanged:
        """Make an agent without tiles."""
        agent_id = await self._add(
            owner,
            AgentDetail(
                agent=AgentHead(
                    id="",
                    name=request.name,
                    description=request.description,
                    visibility=request.visibility or "private",
                )
            ),
        )
        return AgentChanged(agent_id=agent_id)

    async def get(self, owner: str, agent_id: str) -> AgentDetail:
        """The agent with its graph."""
        if agent_id in _BUILTIN:
            return _BUILTIN[agent_id]
        return await self._store.read(lambda c: _detail(c, owner, agent_id))

    async def list(self, owner: str, limit: int, cursor: str | None) -> AgentList:
        """The owner's agents and the built-in ones, newest first."""
        after = Cursor.parse(cursor)
        own = sa.select(*_HEAD, *_TIMES).where(
            agents.c.owner == owner, agents.c.deleted_at.is_(None)
        )
        if after is not None:
            own = own.where(after.follows(agents.c.created_at, agents.c.id))
        own = own.order_by(agents.c.created_at.desc(), agents.c.id.desc()).limit(limit + 1)
        rows = await self._store.read(lambda c: c.execute(own).mappings().all())
        heads = [AgentHead.model_validate(dict(row)) for row in rows]
        heads += [d.agent for d in _BUILTIN.values() if after is None or _place(d.agent) < after]
        heads.sort(key=_place, reverse=True)
        page = tuple(heads[:limit])
        more = len(heads) > limit
        return AgentList(agents=page, next_cursor=str(_place(page[-1])) if more else None)

    async def update(self, owner: str, agent_id: str, request: UpdateAgent) -> AgentChanged:
        """Apply all of `request` or none of it."""
        _refuse_builtin(agent_id)

        def change(connection: sa.Connection) -> AgentChanged:
            detail, created = apply_operations(
                _detail(connection, owner, agent_id), request.operations, _new_id
            )
            words = request.model_dump(
                include={"name", "description", "visibility"}, exclude_none=True
            )
            connection.execute(
                agents.update()
                .where(agents.c.id == agent_id)
                .values(graph=_graph(detail), updated_at=_now(), **words)
            )
            return AgentChanged(
                agent_id=agent_id,
                operations_applied=len(request.operations),
                created_nodes=tuple(created),
            )

        return await self._store.write(change)

    async def delete(self, owner: str, agent_id: str) -> AgentDeleted:
        """Hide the agent; its runs stay."""
        _refuse_builtin(agent_id)

        def change(connection: sa.Connection) -> None:
            _detail(connection, owner, agent_id)
            connection.execute(
                agents.update().where(agents.c.id == agent_id).values(deleted_at=_now())
            )

        await self._store.write(change)
        return AgentDeleted(agent_id=agent_id)

    async def duplicate(self, owner: str, agent_id: str, request: DuplicateAgent) -> AgentDetail:
        """Copy an agent under new ids."""
        source = await self.get(owner, agent_id)
        ids = {node.agent_node_id: _new_id() for node in source.agent_nodes}
        copy_id = await self._add(
            owner,
            AgentDetail(
                agent=AgentHead(
                    id="",
                    name=request.name or f"Copy of {source.agent.name or 'agent'}"[:120],
                    description=request.description or source.agent.description,
                    visibility=request.visibility or _copied_visibility(source.agent),
                ),
                agent_nodes=tuple(
                    node.model_copy(update={"agent_node_id": ids[node.agent_node_id]})
                    for node in source.agent_nodes
                ),
                connections=tuple(
                    edge.model_copy(
                        update={
                            "source_agent_node_id": ids[edge.source_agent_node_id],
                            "target_agent_node_id": ids[edge.target_agent_node_id],
                        }
                    )
                    for edge in source.connections
                ),
            ),
        )
        return await self.get(owner, copy_id)

    async def node(self, owner: str, node_id: str) -> AgentNode:
        """A tile of any agent of the owner."""
        own = sa.select(agents.c.graph).where(
            agents.c.owner == owner,
            agents.c.deleted_at.is_(None),
            sa.cast(agents.c.graph, sa.Text).contains(node_id, autoescape=True),
        )
        graphs = await self._store.read(lambda c: c.execute(own).scalars().all())
        nodes = [AgentNode.model_validate(node) for graph in graphs for node in graph["nodes"]]
        nodes += [node for detail in _BUILTIN.values() for node in detail.agent_nodes]
        for node in nodes:
            if node.agent_node_id == node_id:
                return node
        raise NotFound(
            f"There is no agent node {node_id!r}.",
            remedy="GET /agent/{agent_id} lists the nodes of an agent.",
        )

    async def _add(self, owner: str, detail: AgentDetail) -> str:
        agent_id, now = _new_id(), _now()
        row = {
            "id": agent_id,
            "owner": owner,
            "name": detail.agent.name,
            "description": detail.agent.description,
            "visibility": detail.agent.visibility,
            "graph": _graph(detail),
            "created_at": now,
            "updated_at": now,
        }
        await self._store.write(lambda c: c.execute(agents.insert().values(row)))
        return agent_id


def _detail(connection: sa.Connection, owner: str, agent_id: str) -> AgentDetail:
    row = (
        connection.execute(
            sa.select(*_HEAD, *_TIMES, agents.c.graph).where(
                agents.c.id == agent_id, agents.c.owner == owner, agents.c.deleted_at.is_(None)
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(
            f"There is no agent {agent_id!r}.", remedy="GET /agents lists the agents that you have."
        )
    head: dict[str, Any] = dict(row)
    graph: Mapping[str, Any] = head.pop("graph")
    return AgentDetail.model_validate(
        {"agent": head, "agent_nodes": graph["nodes"], "connections": graph["connections"]}
    )


def _graph(detail: AgentDetail) -> dict[str, Any]:
    return {
        "nodes": [node.model_dump(mode="json") for node in detail.agent_nodes],
        "connections": [edge.model_dump(mode="json") for edge in detail.connections],
    }


def _refuse_builtin(agent_id: str) -> None:
    if agent_id in _BUILTIN:
        raise Forbidden(
            f'"{_BUILTIN[agent_id].agent.name}" is built in and cannot be changed.',
            remedy="Duplicate it (POST /agent/{agent_id}/duplicate) and change the copy.",
        )


def _copied_visibility(head: AgentHead) -> str:
    """A copy of a built-in agent is its owner's own business."""
    return "private" if head.id in _BUILTIN else head.visibility or "private"


def _place(head: AgentHead) -> Cursor:
    created = head.created_at or datetime.fromtimestamp(0, UTC)
    return Cursor(created.isoformat(), head.id)


def _new_id() -> str:
    return str(uuid4())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
