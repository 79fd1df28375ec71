"""The studio as one object: what routes and the process share, and how it is put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.auth import Keys
from mosaic_mcp.studio.engine import Engine
from mosaic_mcp.studio.gate import Activity
from mosaic_mcp.studio.health import Examiner
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.keeping.collecting import Keeper
from mosaic_mcp.studio.keeping.upkeep import Upkeep
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.models.store import ModelStore
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.quota import Quota
from mosaic_mcp.studio.render.choosing import Encoders
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg
from mosaic_mcp.studio.render.pictures import thumbnail
from mosaic_mcp.studio.runs.admission import Admission
from mosaic_mcp.studio.runs.charging import Charging
from mosaic_mcp.studio.runs.executing import NodeWork
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.gathering import Gathering
from mosaic_mcp.studio.runs.making import Workshop
from mosaic_mcp.studio.runs.recipes import tool_version
from mosaic_mcp.studio.runs.rendering import RenderWork
from mosaic_mcp.studio.runs.retrying import Claims
from mosaic_mcp.studio.signing import Links, Signer, load_key
from mosaic_mcp.studio.storage import open_storage
from mosaic_mcp.studio.store.accounts import Accounts
from mosaic_mcp.studio.store.agents import Agents
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.outputs import Outputs
from mosaic_mcp.studio.store.run_logs import RunLogs
from mosaic_mcp.studio.store.runs import Runs
from mosaic_mcp.studio.store.secrets import signing_key
from mosaic_mcp.studio.store.transcripts import Transcripts
from mosaic_mcp.studio.store.triggers import Triggers
from mosaic_mcp.studio.store.webhooks import Webhooks
from mosaic_mcp.studio.timeline.model import Source
from mosaic_mcp.studio.webhooks.posting import allowed_by
from mosaic_mcp.studio.webhooks.sender import Sender
from mosaic_mcp.studio.webhooks.signing import Secrets
from mosaic_mcp.studio.workflows import LOCAL, Workflows


@dataclass(slots=True)
class Studio:
    """Everything that a request may need."""

    settings: Settings
    library: Library
    store: Store
    keys: Keys
    accounts: Accounts
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
    providers: Providers
    engine: Engine
    triggers: Triggers
    webhooks: Webhooks
    webhook_secrets: Secrets
    keeper: Keeper
    examiner: Examiner
    activity: Activity = field(default_factory=Activity)
    closing: anyio.Event = field(default_factory=anyio.Event)
    """Set when the studio is to end: the process stops serving, long polls answer at once."""

    async def thumbnail(self, source: Source) -> str:
        """Key of a picture that stands for a video, made at the first call."""
        kept = self.library.thumbnail(source.sha256)
        if await self.library.storage.size(kept) is None:
            async with self.library.source(source.sha256) as path:
                with self.library.job() as job:
                    made = await thumbnail(
                        path, float(source.duration), job / "thumbnail.jpg", ffmpeg=self.ffmpeg
                    )
                    await self.library.storage.put(made, kept)
        return kept

    async def busy(self) -> bool:
        """True while runs are at work, uploads awaited or webhooks on their way."""
        return (
            await self.assets.awaited()
            or await self.runs.running()
            or await self.webhooks.awaited()
        )


@asynccontextmanager
async def open_studio(
    settings: Settings,
    *,
    base_url: str = "",
    token: str | None = None,
    executor: str = LOCAL,
    works: bool = True,
) -> AsyncGenerator[Studio]:
    """The studio of a data folder, at work until the block ends.

    `executor` is the process' name in the database, LOCAL for the one with the folder's lock;
    without `works` it takes runs in and leaves them to other processes.
    """
    providers = Providers.of(settings)
    quota = Quota.of(settings.studio_credits, settings.studio_plans)
    library = Library(settings.home, None if executor == LOCAL else executor)
    library.studio.mkdir(parents=True, exist_ok=True, mode=0o700)
    if executor == LOCAL:
        library.clear_work()
    library.storage = open_storage(settings, library.work)
    await library.storage.check()
    store = await anyio.to_thread.run_sync(
        Store, settings.studio_database or library.studio / "studio.db"
    )
    assets = Assets(store, library)
    transcripts = Transcripts(store)
    outputs = Outputs(store)
    machine = Machine(library.home)
    intake = Intake(assets, library, _probe, machine)
    models = ModelStore(settings.home)
    perception = LocalPerception(
        library, library.source, transcripts.get, lambda: models.recogniser(settings.studio_model)
    )
    ffmpeg = find_ffmpeg(settings)
    feed = Feed()
    charging = Charging(store, quota)
    encoders = Encoders(ffmpeg, await tool_version(ffmpeg), settings.encoder, library.studio)
    claims = Claims(store)
    admission = Admission(store, feed, machine, executor)
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
            workshop=Workshop(
                providers, library, assets, intake, ffmpeg, folders=store.postgres is None
            ),
            perception=perception,
            encoders=encoders,
            worker=executor,
            claims=claims,
            charging=charging,
            admission=admission,
        ),
        renders=RenderWork(
            store,
            feed,
            library,
            ffmpeg,
            encoders,
            executor,
            claims,
            charging,
            admission,
            perception.known_words,
        ),
        workflows=Workflows(store.postgres or library.studio / "dbos.db", executor),
        library=library,
        dead_s=settings.studio_dead_s,
        works=works,
    )
    if store.postgres is None:
        key = load_key(library.studio / "secret.key")
    else:
        key = await signing_key(store)
    await engine.start()
    keeper = Keeper(store, library)
    upkeep = asyncio.create_task(Upkeep(settings, store, keeper, engine).run())
    try:
        studio = Studio(
            settings=settings,
            library=library,
            store=store,
            keys=Keys(settings.studio_keys, token),
            accounts=Accounts(store, quota),
            links=Links(settings.studio_public_url or base_url, Signer(key), library.storage.link),
            agents=Agents(store),
            assets=assets,
            intake=intake,
            outputs=outputs,
            transcripts=transcripts,
            perception=perception,
            ffmpeg=ffmpeg,
            runs=Runs(store, feed, None if works else settings.studio_dead_s),
            run_logs=RunLogs(store),
            providers=providers,
            engine=engine,
            triggers=Triggers(store),
            webhooks=Webhooks(store),
            webhook_secrets=Secrets(settings.webhook_secret),
            keeper=keeper,
            examiner=Examiner(store, settings.home, ffmpeg, settings.studio_dead_s, works),
        )
        sender = Sender(
            store, feed, studio.links, studio.webhook_secrets, allowed_by(settings.private_urls)
        )
        async with sender.sending():
            yield studio
    finally:
        upkeep.cancel()
        await engine.stop()
        store.close()
        if executor != LOCAL:
            library.clear_work(executor)


async def _probe(path: Path, name: str) -> Source:
    return await probe(path, name=name)
