"""Runs that are started and followed over MCP, whatever is killed meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import imageio_ffmpeg
from mcp import Client, MCPError, StdioServerParameters

from mosaic_mcp.client.studio import ensure_studio
from mosaic_mcp.settings import Settings
from tests.chaos.watching import ENDED, rows
from tests.support.studio_runs import Studio
from tests.support.talking import talking_head
from tests.support.waiting import PROGRAM_S

SCRIPT = (
    "Welcome to the show. (0.8) um (0.5) Choose a quiet room with soft furniture. (0.9) "
    "A carpet swallows the echo. (1.0) Keep the microphone close to your mouth."
)

CALL_S = 120.0
"""No tool call waits for longer than 50 s, beside what a busy machine adds."""


@dataclass(frozen=True)
class Media:
    """The same talk on this machine and at an address."""

    video: Path
    srt: Path
    url: str


def make_talk(folder: Path) -> Path:
    """The talk, with its subtitles beside it."""
    video = folder / "talk.mp4"
    video.with_suffix(".srt").write_text(talking_head(video, SCRIPT, cut_at=4.0).srt())
    return video


@dataclass
class Scene:
    """One data folder with two agents, and a run of each."""

    home: Path
    media: Media
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Arguments of run_agent, one for each run."""
    runs: dict[int, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    """Failed tool calls: what was killed may be told, but nothing else."""

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, allowed_dirs=(self.media.video.parent,))

    async def prepare(self) -> None:
        """Make the agents: branches from an address, and clips of a local file."""
        found = await ensure_studio(self.settings)
        headers = {"authorization": f"Bearer {found.token}"}
        with httpx.Client(base_url=found.url, headers=headers, trust_env=False) as http:
            studio = Studio(http, self.home)
            branches, _ = studio.agent(
                {
                    "in": "Video Input",
                    "tight": "Silence Removal",
                    "square": ("Reframe", {"aspect_ratio": "1:1"}),
                    "logo": "Watermark",
                    "out": "Destination",
                },
                "in>tight tight>square tight>logo square>out logo>out",
            )
            clips, _ = studio.agent(
                {
                    "in": "Video Input",
                    "clips": ("Clips", {"num_clips": 2, "target_duration": 3}),
                    "captions": "Captions",
                    "out": "Destination",
                },
                "in>clips clips>captions captions>out",
            )
        local = {"source": str(self.media.video), "transcript": str(self.media.srt)}
        self.calls = [
            {"agent": branches, "videos": [self.media.url], "clip": "first 7 s"},
            {"agent": clips, "videos": [local]},
        ]

    async def run(self, number: int) -> None:
        """Start a run and follow it to its end, over as many servers as it takes."""
        with anyio.fail_after(PROGRAM_S):
            ended = False
            while not ended:
                ended = await self._over_one_server(number)

    async def _over_one_server(self, number: int) -> bool:
        """False when the server was killed."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")}
        env |= {"MOSAIC_HOME": str(self.home), "MOSAIC_PRIVATE_URLS": "1"}
        env |= {"MOSAIC_ALLOWED_DIRS": str(self.media.video.parent)}
        server = StdioServerParameters(command=sys.executable, args=["-m", "mosaic_mcp"], env=env)
        ended = False
        try:
            async with Client(server) as client:
                run = await self._call(
                    client,
                    "run_agent",
                    **self.calls[number],
                    idempotency_key=f"r{number}",
                    wait_s=0,
                )
                # The same call is the same run, however often it was made and by whom.
                assert self.runs.setdefault(number, run["run_id"]) == run["run_id"]
                while run["status"] not in ENDED:
                    run = await self._call(
                        client, "get_run", run_id=run["run_id"], since=run["since"], wait_s=5
                    )
                ended = True
        except* (MCPError, ConnectionError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass
        return ended

    async def _call(self, client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call that succeeds; one that failed for a passing reason is made again."""
        while True:
            with anyio.fail_after(CALL_S):
                result = await client.call_tool(tool, arguments)
            facts = result.structured_content or {}
            if not result.is_error:
                return facts
            error = facts.get("error", {})
            self.refusals.append(f"{error.get('code')}: {error.get('message')}")
            assert error.get("retryable") or error.get("code") == "outcome_unknown", facts
            await anyio.sleep(0.1)

    def outputs(self, number: int) -> dict[str, str]:
        """A hash for each output of a run, by its tile and place; the folders must be whole."""
        found: dict[str, str] = {}
        run_id = self.runs[number]
        query = (
            "select renders.id, renders.position, run_nodes.position as node from renders "
            "join run_nodes on run_nodes.id = renders.run_node_id "
            f"where renders.run_id = '{run_id}' and renders.status = 'completed'"
        )
        for row in rows(self.home, query):
            folder = self.home / "renders" / row["id"]
            names = sorted(path.name for path in folder.iterdir())
            json.loads((folder / "recipe.json").read_text())
            key = f"node {row['node']}, output {row['position']}"
            assert key not in found, "one output twice"
            found[key] = f"{decoded(folder / 'video.mp4')} {names}"
        return found


def decoded(video: Path) -> str:
    """A hash of every decoded picture and sample; fails on what cannot be decoded to its end."""
    done = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", str(video)),
            *("-map", "0", "-f", "framemd5", "-"),
        ],
        capture_output=True,
        check=True,
    )
    assert not done.stderr, done.stderr
    return hashlib.md5(done.stdout).hexdigest()
