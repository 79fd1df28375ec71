"""A stand-in for a connected engine: answers from what a test puts into it, and keeps what it is
told. The real engine is tested over HTTP; this one makes its answers easy to choose."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mosaic_mcp.contract.agents import AgentChanged, AgentDeleted, AgentDetail, AgentList
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.extensions import Asset, Known, MediaFacts, TileInfo, Torn
from mosaic_mcp.contract.node_types import NodeTypes
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from mosaic_mcp.errors import Fault, NotFound
from tests.support.agents import agent as make_agent


class Studio:
    """What the studio adds."""

    def __init__(self, engine: "Engine", *, local_files: bool) -> None:
        self.info = SimpleNamespace(local_files=local_files)
        self._engine = engine
        self.brought: dict[str, Any] = {}

    async def tiles(self) -> Any:
        return SimpleNamespace(tiles=self._engine.tiles)

    async def check(self, agent_id: str, body: dict[str, Any]) -> list[Fault]:
        return []

    async def render(self, render_id: str) -> Any:
        if render_id not in self._engine.renders:
            raise NotFound(f"There is no output {render_id}.")
        facts = MediaFacts(duration_s=self._engine.renders[render_id])
        return SimpleNamespace(name=f"output {render_id[:4]}", facts=facts)

    async def known(self, kind: str | None, ref: str, moments_ms: Any) -> Known:
        """Every moment of a video is inside the same word, where one is put into the engine."""
        if kind == "renders" and ref not in self._engine.renders:
            raise NotFound(f"There is no output {ref}.")
        length = self._engine.renders.get(ref, self._engine.duration_s)
        word = self._engine.word
        torn = tuple(Torn(at_ms=at, text=word) for at in moments_ms if word)
        name = Path(ref).name if kind is None else f"output {ref[:4]}"
        return Known(name=name, duration_s=length, torn=torn)

    async def add_local_file(self, path: Path, asset_type: Any) -> Asset:
        asset_id = await self._engine.add_file(path, asset_type)
        facts = MediaFacts(duration_s=self._engine.duration_s)
        return Asset(
            asset_type=asset_type, asset_id=asset_id, name=path.name, sha256="", facts=facts
        )

    async def bring_transcript(self, video_id: str, transcript: Any) -> None:
        self.brought[video_id] = transcript


class Engine:
    """A MosaicClient as far as intent uses one."""

    def __init__(
        self,
        *agents: AgentDetail,
        hosted: bool = False,
        local_files: bool = True,
        uploads: tuple[str, ...] = (),
        renders: dict[str, float] | None = None,
        runs: dict[str, Any] | None = None,
        offered: list[str] | None = None,
        tiles: tuple[TileInfo, ...] = (),
    ) -> None:
        self.agents = {a.agent.id: a for a in agents or BUILTIN_AGENTS}
        self.uploads = uploads
        self.renders = renders or {}
        self.runs = runs or {}
        self.offered = offered
        self.tiles = tiles
        self.duration_s = 100.0
        self.word = ""
        self.added: list[tuple[Path, str]] = []
        self.fetched: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.refuse_updates: Exception | None = None
        self._studio = None if hosted else Studio(self, local_files=local_files)

    async def studio(self) -> Studio | None:
        return self._studio

    async def list_agents(self, *, limit: int = 25, cursor: str | None = None) -> AgentList:
        """One agent per page, so that whoever forgets the next page is found out."""
        heads = [a.agent for a in self.agents.values()]
        start = int(cursor or 0)
        more = str(start + 1) if start + 1 < len(heads) else None
        return AgentList(agents=tuple(heads[start : start + 1]), next_cursor=more)

    async def get_agent(self, agent_id: str) -> AgentDetail:
        if agent_id not in self.agents:
            raise NotFound(f"There is no agent {agent_id}.")
        return self.agents[agent_id]

    async def view_url(self, asset_type: str, asset_id: str) -> Any:
        if asset_id not in self.uploads:
            raise NotFound("unknown")

    async def find_output(self, output_id: str) -> Any:
        if output_id not in self.renders:
            raise NotFound("unknown")

    async def get_run(self, run_id: str) -> Any:
        if run_id not in self.runs:
            raise NotFound("unknown")
        return self.runs[run_id]

    async def node_types(self) -> NodeTypes:
        self.calls.append("node_types")
        tiles = [t for t in TILE_TYPES if self.offered is None or t.name in self.offered]
        types = [t.node_type() for t in tiles]
        if self.offered is not None:  # the hosted engine has ids of its own
            types = [
                t.model_copy(update={"node_type_id": f"hosted-{t.node_type_name}"}) for t in types
            ]
        return NodeTypes(node_types=tuple(types))

    async def create_agent(self, request: Any) -> AgentChanged:
        agent_id = f"0a9e0000-0000-4000-8000-{len(self.agents):012}"
        self.agents[agent_id] = make_agent({}, agent_id=agent_id, name=request.name or "")
        self.calls.append("create_agent")
        return AgentChanged(agent_id=agent_id)

    async def update_agent(self, agent_id: str, request: Any) -> AgentChanged:
        self.calls.append("update_agent")
        if self.refuse_updates is not None:
            raise self.refuse_updates
        ids = count(1)
        detail, created = apply_operations(
            self.agents[agent_id], request.operations, lambda: f"node-{next(ids)}"
        )
        self.agents[agent_id] = detail
        return AgentChanged(agent_id=agent_id, created_nodes=tuple(created))

    async def delete_agent(self, agent_id: str) -> AgentDeleted:
        del self.agents[agent_id]
        return AgentDeleted(agent_id=agent_id)

    async def add_file(self, path: Path, asset_type: str) -> str:
        self.added.append((path, asset_type))
        return f"asset-{len(self.added)}"

    async def add_url(self, url: str, asset_type: str) -> str:
        self.fetched.append((url, asset_type))
        return f"fetched-{len(self.fetched)}"
