"""The studio as one object: what routes and the process share, and how it is put together."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.auth import Keys
from mosaic_mcp.studio.engine import Engine
from mosaic_mcp.studio.gate import Activity
from mosaic_mcp.studio.health import Examiner
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg
from mosaic_mcp.studio.render.pictures import thumbnail
from mosaic_mcp.studio.runs.executing import NodeWork
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.gathering import Gathering
from mosaic_mcp.studio.runs.recipes import tool_version
from mosaic_mcp.studio.runs.rendering import RenderWork
from mosaic_mcp.studio.signing import Links, Signer, load_key
from mosaic_mcp.studio.store.agents import Agents
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.outputs import Outputs
from mosaic_mcp.studio.store.run_logs import RunLogs
from mosaic_mcp.studio.store.runs import Runs
from mosaic_mcp.studio.store.transcripts import Transcripts
from mosaic_mcp.studio.timeline.model import Source


@dataclass(slots=True)
class Studio:
    """Everything that a request may need."""

    settings: Settings
    library: Library
    store: Store
    keys: Keys
    links: Links
    agents: Agents
    assets: Assets
    intake: Intake
    outputs: Outputs
    transcripts: Transcripts
    perception: Perception
    ffmpeg: Path
    runs: Runs
    run_logs: RunLogs
    engine: Engine
    examiner: Examiner
    activity: Activity = field(default_factory=Activity)
    closing: anyio.Event = field(default_factory=anyio.Event)
    """Set when the studio is to end: the process stops serving, long polls answer at once."""

    async def thumbnail(self, source: Source, path: Path) -> Path:
        """A picture that stands for a video, made at the first call."""
        kept = self.library.home / "cache" / "thumbnails" / f"{source.sha256}.jpg"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with self.library.job() as job:
                made = await thumbnail(
                    path, float(source.duration), job / "thumbnail.jpg", ffmpeg=self.ffmpeg
                )
                made.replace(kept)
        return kept

    async def busy(self) -> bool:
        """True while runs are at work or uploads are awaited."""
        return await self.assets.awaited() or await self.runs.running()


@asynccontextmanager
async def open_studio(
    settings: Settings, *, base_url: str, token: str | None
) -> AsyncGenerator[Studio]:
    """The studio of a data folder, at work until the block ends."""
    library = Library(settings.home)
    library.clear_work()
    store = Store(library.studio / "studio.db")
    assets = Assets(store, library)
    transcripts = Transcripts(store)
    outputs = Outputs(store)
    intake = Intake(assets, library, _probe)
    perception = LocalPerception(library, library.source, transcripts.get)
    ffmpeg = find_ffmpeg(settings)
    feed = Feed()
    tools = await tool_version(ffmpeg)
    engine = Engine(
        store=store,
        feed=feed,
        nodes=NodeWork(
            store=store,
            feed=feed,
            gathering=Gathering(
                store, library, assets, outputs, intake, ffmpeg, settings.private_urls
            ),
            assets=assets,
            perception=perception,
            render_version=tools,
        ),
        renders=RenderWork(store, feed, library, ffmpeg, tools),
        database=library.studio / "dbos.db",
    )
    await engine.start()
    try:
        yield Studio(
            settings=settings,
            library=library,
            store=store,
            keys=Keys(settings.studio_keys, token),
            links=Links(base_url, Signer(load_key(library.studio / "secret.key"))),
            agents=Agents(store),
            assets=assets,
            intake=intake,
            outputs=outputs,
            transcripts=transcripts,
            perception=perception,
            ffmpeg=ffmpeg,
            runs=Runs(store, feed),
            run_logs=RunLogs(store),
            engine=engine,
            examiner=Examiner(store, settings.home, ffmpeg),
        )
    finally:
        await engine.stop()
        store.close()


async def _probe(path: Path, name: str) -> Source:
    return await probe(path, name=name)
