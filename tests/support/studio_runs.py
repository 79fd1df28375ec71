"""Runs of a real studio over its REST API, for tests: build, start, follow."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.studio.runs.render_changes import TILE_SHARE
from tests.support.waiting import WAIT_S

ENDED = {"completed", "partial_complete", "failed", "cancelled"}


@dataclass
class Studio:
    """A studio's REST API and its data folder."""

    http: httpx.Client
    home: Path

    def post(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = self.http.post(path, json=body, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def add(self, path: Path, srt: Path | None = None, kind: str = "video") -> str:
        asset = self.post("/studio/v1/files", {"path": str(path), "asset_type": kind})
        if srt is not None:
            body = {"format": "srt", "text": srt.read_text()}
            where = f"/studio/v1/videos/{asset['asset_id']}/transcript"
            assert self.http.put(where, json=body).is_success
        return asset["asset_id"]

    def agent(self, nodes: dict[str, Any], edges: str) -> tuple[str, dict[str, str]]:
        """An agent of name -> tile (or tile and parameters) and "a>b b>c"; its id, its nodes."""
        agent_id = self.post("/agent/create", {"name": "test"})["agent_id"]
        operations: list[dict[str, Any]] = []
        for name, given in nodes.items():
            tile_name, params = (given, {}) if isinstance(given, str) else given
            tile = tile_type(tile_name)
            assert tile is not None
            operations.append(
                {
                    "op": "create_node",
                    "node_type_id": tile.node_type_id,
                    "temp_ref_id": name,
                    "params_used": params,
                }
            )
        for edge in edges.split():
            source, target = edge.split(">")
            operations.append(
                {
                    "op": "create_connection",
                    "source_temp_ref_id": source,
                    "target_temp_ref_id": target,
                }
            )
        made = self.post(f"/agent/{agent_id}/update", {"operations": operations})
        return agent_id, {n["temp_ref_id"]: n["agent_node_id"] for n in made["created_nodes"]}

    def run(self, agent_id: str, body: dict[str, Any], quality: str = "draft") -> str:
        answer = self.post(f"/agent/{agent_id}/run", body, params={"quality": quality})
        return answer["run_id"]

    def watch(self, run_id: str, since: int = 0, wait_s: float = 30) -> dict[str, Any]:
        answer = self.http.get(
            f"/studio/v1/runs/{run_id}/watch",
            params={"since": since, "wait_s": wait_s},
            timeout=wait_s + WAIT_S,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def until(self, run_id: str, reached: Any) -> dict[str, Any]:
        """Follow a run until `reached(watch)` holds."""
        seq = 0
        while True:
            seen = self.watch(run_id, seq)
            if reached(seen):
                return seen
            assert seen["run"]["status"] not in ENDED, seen
            seq = seen["seq"]

    def end(self, run_id: str) -> dict[str, Any]:
        """The run after its end."""
        seen = self.until(run_id, lambda w: w["run"]["status"] in ENDED)
        return seen["run"]

    def nodes(self, run_id: str) -> list[sqlite3.Row]:
        """The run's nodes as the database has them, in topological order."""
        return self.rows(f"select * from run_nodes where run_id = '{run_id}' order by position")

    def rows(self, query: str) -> list[sqlite3.Row]:
        """Rows of the studio's database."""
        with closing(sqlite3.connect(self.home / "studio" / "studio.db")) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query).fetchall()


def rendering(seen: dict[str, Any]) -> bool:
    """True once FFmpeg has told of a render's progress."""
    return any(n["status"] == "running" and n["progress"] > TILE_SHARE for n in seen["nodes"])


def processes_in(folder: Path) -> set[int]:
    """The processes that work below a folder, also a deleted one (Linux)."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it ended meanwhile
            if str(entry.readlink()).startswith(str(folder)):
                found.add(int(entry.parent.name))
    return found
