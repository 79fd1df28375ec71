"""Watermark: a logo in a corner, for the whole length."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import WatermarkParams
from mosaic_mcp.contract.words import a
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError
from mosaic_mcp.studio.tiles.shipped import logo
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Overlay, Source, Timeline

NOTE = (
    "A custom logo stands as its parameters say. “mosaic” shows a mark of this project; Mosaic's "
    "own is not public."
)


async def apply(
    inputs: Sequence[Timeline], params: WatermarkParams, context: TileContext
) -> list[Timeline]:
    """Put the logo above every input; a watermark that is already there is replaced."""
    image = await _image(params, context)
    overlay = Overlay(
        tile=context.node,
        source=image.sha256,
        corner=params.logo_position,
        width=params.logo_size / 100,
        opacity=params.logo_opacity / 100,
        margin_x=round(params.logo_margin_x),
        margin_y=round(params.logo_margin_y),
    )
    return [_marked(timeline, image, overlay) for timeline in inputs]


async def _image(params: WatermarkParams, context: TileContext) -> Source:
    if params.use_custom_logo == "mosaic":
        return logo()
    if params.image_id is None:
        raise InvalidRequest(
            [
                Fault(
                    where="image_id",
                    what="is missing while use_custom_logo is “custom”.",
                    remedy="Give the id of an uploaded image.",
                )
            ]
        )
    image = await context.assets.source(params.image_id)
    if image.kind != "image":
        raise MediaError(
            f"The watermark {image.name} ({params.image_id}) is not an image but {a(image.kind)}.",
            remedy="Upload a PNG, JPEG or WebP picture and give its id as image_id.",
        )
    return image


def _marked(timeline: Timeline, image: Source, overlay: Overlay) -> Timeline:
    """Overlays are watermarks only, so the new one takes the place of all."""
    sources = {**timeline.sources, image.sha256: image}
    marked = timeline.model_copy(update={"sources": sources, "overlays": (overlay,)})
    used = {sha: source for sha, source in sources.items() if sha in marked.media}
    return marked.model_copy(update={"sources": used})
