"""What flows into a node: sources brought in for a Video Input, else its parents' timelines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.outputs import Outputs
from mosaic_mcp.studio.store.tables import run_inputs, run_nodes
from mosaic_mcp.studio.timeline.edit import from_source, snap, trim
from mosaic_mcp.studio.timeline.model import Timeline

Report = Callable[[float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gathering:
    """Finds the timelines that a node works on."""

    store: Store
    library: Library
    assets: Assets
    outputs: Outputs
    intake: Intake
    ffmpeg: Path
    private_urls: bool = False

    async def parents(self, node: Mapping[str, Any]) -> list[Timeline]:
        """The timelines of the nodes before, in topological order."""
        query = (
            sa.select(run_nodes.c.timelines)
            .where(run_nodes.c.run_id == node["run_id"], run_nodes.c.node_id.in_(node["needs"]))
            .order_by(run_nodes.c.position)
        )
        stored = await self.store.read(lambda c: c.execute(query).scalars().all())
        return [Timeline.model_validate(t) for timelines in stored for t in timelines or ()]

    async def sources(
        self, node: Mapping[str, Any], report: Report, brought: Callable[[Timeline], None]
    ) -> list[Timeline]:
        """A timeline for each input of a Video Input, in the order of the request.

        `brought` is told of each that is there while the next one is still to come.
        """
        query = (
            sa.select(run_inputs)
            .where(run_inputs.c.run_id == node["run_id"], run_inputs.c.node_id == node["node_id"])
            .order_by(run_inputs.c.position)
        )
        rows = await self.store.read(lambda c: c.execute(query).mappings().all())
        timelines: list[Timeline] = []
        for index, row in enumerate(rows):
            await report(index / len(rows), f"bringing in video {index + 1} of {len(rows)}")
            if timelines:
                brought(timelines[-1])
            timelines.append(await self._input(dict(row), report))
        return timelines

    async def _input(self, row: Mapping[str, Any], report: Report) -> Timeline:
        spec = row["spec"]
        start, end = _seconds(spec.get("start_ms")), _seconds(spec.get("end_ms"))
        if spec["kind"] == "render":
            # The recorded decisions, not the rendered file: a chain loses nothing.
            output = await self.outputs.get(row["owner"], spec["ref"])
            return _part(output.timeline, start, end)
        asset_id = row["asset_id"] or await self._fetch(row, report)
        source, _ = await self.assets.file(row["owner"], asset_id)
        if source.kind != "video":
            raise MediaError(
                f"{source.name} is not a video.", remedy="Give a file with a picture that moves."
            )
        _check_start(source.name, source.duration, start)
        stem = source.name.rpartition(".")[0] or source.name
        return _not_empty(from_source(source, tile=row["node_id"], name=stem, start=start, end=end))

    async def _fetch(self, row: Mapping[str, Any], report: Report) -> str:
        """Download an address into the library; remembered, so that a resume need not."""
        from mosaic_mcp.studio.ingest import fetch

        spec = row["spec"]
        with self.library.job() as job:
            path, name = await fetch(
                spec["kind"],
                spec["ref"],
                job,
                report,
                ffmpeg=self.ffmpeg,
                private=self.private_urls,
                room=self.intake.room,
            )
            asset_id = await self.intake.adopt(row["owner"], path, name, "video")
        await self.store.write(
            lambda c: c.execute(
                run_inputs.update().where(run_inputs.c.id == row["id"]).values(asset_id=asset_id)
            )
        )
        return asset_id


def _seconds(milliseconds: int | None) -> Fraction | None:
    return None if milliseconds is None else Fraction(milliseconds, 1000)


def _check_start(name: str, duration: Fraction, start: Fraction | None) -> None:
    """An end past the end is the end; a start past the end leaves nothing."""
    if start is not None and start >= duration:
        raise MediaError(
            f"{name} lasts {float(duration):.1f} s: nothing is left from {float(start):.1f} s on.",
            remedy="Give an earlier start.",
        )


def _part(timeline: Timeline, start: Fraction | None, end: Fraction | None) -> Timeline:
    if start is None and end is None:
        return timeline
    _check_start(timeline.name, timeline.duration, start)
    last = timeline.duration if end is None else end
    return _not_empty(snap(trim(timeline, start or Fraction(0), last)))


def _not_empty(timeline: Timeline) -> Timeline:
    if not timeline.clips:
        raise MediaError(
            f"The part of {timeline.name} that is wanted is shorter than one of its frames.",
            remedy="Give a longer part.",
        )
    return timeline
