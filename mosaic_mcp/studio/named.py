"""Files and outputs that a request names by id: there before a run is made of it, or a fault."""

from __future__ import annotations

from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import Fault, MosaicError
from mosaic_mcp.studio.runs.creating import input_specs
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.outputs import Outputs


async def unknown_sources(
    owner: str, request: RunRequest, assets: Assets, outputs: Outputs
) -> list[Fault]:
    """A fault for each video or output that this owner does not have or that has changed."""
    faults: list[Fault] = []
    for arrays in request.video_inputs or (request,):
        for spec in input_specs(arrays):
            try:
                if spec["kind"] == "video":
                    await assets.file(owner, spec["ref"])
                elif spec["kind"] == "render":
                    await outputs.get(owner, spec["ref"])
            except MosaicError as error:
                faults.append(Fault("", error.message, error.remedy))
    return faults
