"""Doing a node: gather its timelines, let its tile decide, keep the decision, order the renders."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import sqlalchemy as sa
from pydantic import BaseModel

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.contract.tiles.catalogue import TileType, tile_type
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import MosaicError, NoSpace, Unsupported
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.render.choosing import Encoders
from mosaic_mcp.studio.render.encoders import Quality
from mosaic_mcp.studio.runs.admission import Admission
from mosaic_mcp.studio.runs.ahead import behind, perceive
from mosaic_mcp.studio.runs.charging import Charging, Unpaid
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.gathering import Gathering
from mosaic_mcp.studio.runs.making import Workshop
from mosaic_mcp.studio.runs.needs import render_need
from mosaic_mcp.studio.runs.node_changes import (
    decide_node,
    finish_node,
    progress_node,
    release_node,
    start_node,
)
from mosaic_mcp.studio.runs.recipes import recipe_hash
from mosaic_mcp.studio.runs.render_changes import TILE_SHARE, plan_renders
from mosaic_mcp.studio.runs.retrying import Claims, check_attempt, retry_in, waiting
from mosaic_mcp.studio.runs.run_log import JobLog, at_work, note
from mosaic_mcp.studio.runs.sounds import OwnSounds
from mosaic_mcp.studio.runs.states import Fence, Job, Superseded
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import run_nodes, runs
from mosaic_mcp.studio.store.transcripts import Transcripts
from mosaic_mcp.studio.tiles.catalogue import TILES
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import snap
from mosaic_mcp.studio.timeline.model import Source, Timeline

TICK_S = 0.25
"""Progress is written at most this often, a new step at once."""

CRASHED = "The step failed inside the studio; its log says more. Resume the run to try again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnAssets:
    """The uploaded files of one owner, as a tile may ask for them."""

    owner: str
    assets: Assets

    async def source(self, asset_id: str) -> Source:
        """The asset as a source; NotFound names the id."""
        return (await self.assets.file(self.owner, asset_id))[0]


@dataclass(slots=True)
class Reporter:
    """Writes a node's progress, not more often than is useful."""

    store: Store
    feed: Feed
    fence: Fence
    share: float = 1.0
    """Part of the node's progress that the tile stands for."""
    _step: str = ""
    _told: float = field(default=0.0)

    async def __call__(self, progress: float, step: str) -> None:
        """Tell the progress 0..1 and the step; stops the work when the node is no longer ours."""
        now = time.monotonic()
        if step != self._step:
            await note(step)
        elif now - self._told < TICK_S:
            return
        self._step, self._told = step, now
        value = max(0.0, min(1.0, progress)) * self.share
        ours = await self.store.write(lambda c: progress_node(c, self.fence, value, step))
        self.feed.ring()
        if not ours:
            raise Superseded


@dataclass(frozen=True, slots=True)
class NodeWork:
    """Executes nodes."""

    store: Store
    feed: Feed
    gathering: Gathering
    assets: Assets
    workshop: Workshop
    perception: Perception
    encoders: Encoders
    worker: str
    """The process that does it."""
    claims: Claims
    charging: Charging
    admission: Admission

    async def run(self, row_id: str, generation: int, tries: int) -> float | None:
        """Execute a queued node to its end, or to its renders. Never raises MosaicError.

        Answers the seconds after which to try again, or None when there is nothing more to do.
        `tries` is how often it was tried before and failed for a passing reason. Where the disk is
        full it is put back into the queue.
        """
        job = Job("node", row_id, generation)
        return await self.admission.admit(job, lambda: self._run(row_id, generation, tries))

    async def _run(self, row_id: str, generation: int, tries: int) -> float | None:
        def start(connection: sa.Connection, alone: bool) -> Fence | None:
            return start_node(connection, row_id, generation, self.worker, alone=alone)

        async with self.claims.claim(start) as fence:
            if fence is None:
                return None
            self.feed.ring()
            try:
                pause = await self._do(row_id, fence, tries)
            except asyncio.CancelledError:
                # Stopped in good order: the attempt is given back. (A cancelled run's is not ours.)
                with anyio.CancelScope(shield=True):
                    await self.store.write(lambda c: release_node(c, fence))
                raise
        self.feed.ring()
        return pause

    async def _do(self, row_id: str, fence: Fence, tries: int) -> float | None:
        query = (
            sa.select(run_nodes, runs.c.quality, runs.c.trace)
            .join(runs, runs.c.id == run_nodes.c.run_id)
            .where(run_nodes.c.id == row_id)
        )
        node = dict(await self.store.read(lambda c: c.execute(query).mappings().one()))
        async with at_work(self.store, "node", node, fence) as job:
            return await self._attempt(node, fence, tries, job)

    async def _attempt(
        self, node: Mapping[str, Any], fence: Fence, tries: int, job: JobLog
    ) -> float | None:
        try:
            check_attempt(fence)
            await self._apply(node, fence)
        except Superseded:
            job.outcome = "stopped"
            return None
        except Unpaid:  # recorded, or no longer ours
            await job.fail("It waits for credits.")
        except NoSpace as full:
            await job.retry(str(full))
            raise
        except MosaicError as error:
            pause = retry_in(error, tries)
            if pause is not None:
                await job.retry(str(error))
                step = waiting(pause, error)
                await self.store.write(lambda c: release_node(c, fence, step))
                return pause
            await job.fail(str(error))
            await self._fail(fence, str(error))
        except Exception as error:
            if full := no_space(error):
                await job.retry(str(full))
                raise
            log.exception("node failed")
            await job.fail(f"{CRASHED} ({type(error).__name__})")
            await self._fail(fence, CRASHED)
        return None

    async def _fail(self, fence: Fence, message: str) -> None:
        await self.store.write(lambda c: finish_node(c, fence, NodeStatus.failed, [message]))

    async def _apply(self, node: Mapping[str, Any], fence: Fence) -> None:
        tile = tile_type(node["node_type_id"])
        if tile is None:
            raise Unsupported(
                f"The studio does not know the tile {node['node_type_id']}.",
                remedy="Use the hosted engine (set MOSAIC_API_KEY).",
            )
        renders = bool(node["renders_outputs"])
        report = Reporter(self.store, self.feed, fence, TILE_SHARE if renders else 1.0)
        timelines = await self._timelines(node, tile, report)
        kept = [timeline.model_dump(mode="json") for timeline in timelines]
        wanted = await self._wanted(timelines, node["quality"]) if renders else []

        def decide(connection: sa.Connection) -> None:
            if not decide_node(connection, fence, kept):
                return
            if wanted:
                plan_renders(connection, fence, wanted)
            else:
                finish_node(connection, fence, _end_of(connection, node, tile))

        await self.store.write(decide)

    async def _timelines(
        self, node: Mapping[str, Any], tile: TileType, report: Reporter
    ) -> list[Timeline]:
        if tile.kind == "input":
            inputs = await self._brought_in(node, report)
        else:
            inputs = await self.gathering.parents(node)
        await self.charging.node(report.fence, node, tile, inputs)
        context = TileContext(
            node=node["node_id"],
            perception=self.perception,
            assets=OwnAssets(node["owner"], self.assets),
            sounds=OwnSounds(
                node["owner"],
                self.gathering.library,
                self.assets,
                self.gathering.intake,
                Transcripts(self.store),
                self.workshop.folders,
            ),
            making=self.workshop.of(node["owner"], f"{node['run_id']}/{node['node_id']}"),
            report=report,
            warn=_warn,
        )
        params: BaseModel | dict[str, Any] = node["params"]
        if tile.params is not None:
            params = tile.params.model_validate(node["params"])
        outputs = await TILES[tile.name].apply(inputs, params, context)
        return [snap(timeline) for timeline in outputs]

    async def _brought_in(self, node: Mapping[str, Any], report: Reporter) -> list[Timeline]:
        """The sources of a Video Input, each looked at and listened to while the next comes in."""
        tiles = await self.store.read(lambda c: behind(c, node["run_id"], node["node_id"]))
        free = self.charging.quota is None
        one = anyio.CapacityLimiter(1)
        inputs: list[Timeline] = []

        async def ahead(timeline: Timeline) -> None:
            async with one:
                if not inputs:  # others are still to come
                    await perceive(timeline, tiles, self.perception)

        async with side_by_side() as group:

            def brought(timeline: Timeline) -> None:
                if free:
                    group.start_soon(ahead, timeline)

            inputs += await self.gathering.sources(node, report, brought)
            if one.borrowed_tokens:
                await report(1.0, "looking and listening")
        for source in {s.sha256: s for t in inputs for s in t.sources.values()}.values():
            if source.unheard:
                others = listed(source.unheard)
                await _warn(
                    f"{source.name} has several sound tracks: the first is used, not {others}; "
                    "where another one is meant, export the video with that one alone"
                )
        return inputs

    async def _wanted(
        self, timelines: Sequence[Timeline], quality: Quality
    ) -> list[dict[str, Any]]:
        tools = await self.encoders.made_by(quality)
        return [_wanted(timeline, quality, tools) for timeline in timelines]


async def _warn(text: str) -> None:
    await note(text, "warning")


def _wanted(timeline: Timeline, quality: Quality, tools: str) -> dict[str, Any]:
    need = render_need(timeline, quality)
    return {
        "name": timeline.name,
        "timeline": timeline.model_dump(mode="json"),
        "recipe_hash": recipe_hash(timeline, quality, tools),
        "need_memory": need.memory,
        "need_disk": need.disk,
    }


def _end_of(connection: sa.Connection, node: Mapping[str, Any], tile: TileType) -> NodeStatus:
    """A Destination is complete when everything before it is."""
    if tile.kind != "destination":
        return NodeStatus.completed
    query = sa.select(run_nodes.c.status).where(
        run_nodes.c.run_id == node["run_id"], run_nodes.c.node_id.in_(node["needs"])
    )
    before = connection.execute(query).scalars()
    whole = all(status == NodeStatus.completed for status in before)
    return NodeStatus.completed if whole else NodeStatus.partial_complete
