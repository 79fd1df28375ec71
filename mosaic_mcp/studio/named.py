"""Files and outputs that a request names by id: there, and long enough, before a run is made."""

from __future__ import annotations

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.moments import Length, check_lengths
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import Fault, MosaicError
from mosaic_mcp.studio.runs.creating import input_specs
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.outputs import Outputs
from mosaic_mcp.studio.timeline.model import Source, Timeline


async def check_named(
    owner: str, request: RunRequest, graph: Graph, assets: Assets, outputs: Outputs
) -> list[Fault]:
    """A fault for each video or output that this owner does not have or that has changed, and for
    each range that lies behind the end of one."""
    faults: list[Fault] = []
    lengths: dict[str, Length] = {}
    for arrays in request.video_inputs or (request,):
        for spec in input_specs(arrays):
            try:
                if spec["kind"] == "video":
                    source, _ = await assets.file(owner, spec["ref"])
                    if source.kind == "video":
                        lengths[spec["ref"]] = _length(source)
                elif spec["kind"] == "render":
                    output = await outputs.get(owner, spec["ref"])
                    lengths[spec["ref"]] = _length(output.timeline)
            except MosaicError as error:
                faults.append(Fault("", error.message, error.remedy))
    return [*faults, *check_lengths(request, graph.runnable(request.ignore_nodes), lengths)]


def _length(video: Source | Timeline) -> Length:
    return Length(video.name, round(video.duration * 1000))
