"""Image, Video and AI Content Generation: what a provider makes of a prompt, or a marked card.

A picture becomes a video of five seconds that shows it, so that every tile behind it works; the
picture itself is kept as an asset. What flows into the tile flows on, and the new follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import PurePath

from mosaic_mcp.contract.tiles.generation import (
    ContentGenerationParams,
    Context,
    ImageGenerationParams,
    VideoGenerationParams,
)
from mosaic_mcp.errors import Fault, InvalidRequest, Unsupported
from mosaic_mcp.studio.providers import Providers, fal, openai, replicate
from mosaic_mcp.studio.providers.provider import FilmWish, PictureWish, Tell
from mosaic_mcp.studio.tiles.tile import Made, TileContext, as_faults
from mosaic_mcp.studio.timeline.edit import even, from_source
from mosaic_mcp.studio.timeline.model import Source, Timeline

_CARD = (
    "Without one a card with the prompt stands in, which says on itself that it is a placeholder."
)
IMAGE_NOTE = (
    "Made by the provider whose key is set (OPENAI_API_KEY, REPLICATE_API_TOKEN or FAL_KEY) with "
    f"its model ({openai.MODEL}, {replicate.MODELS['image']}, {fal.MODELS['image']}, or "
    f"MOSAIC_IMAGE_MODEL), which costs money there; `model` is Mosaic's and has no effect. {_CARD} "
    "The picture flows on as a video of 5 s. Replicate makes the nearest shape that it has; only "
    "OpenAI knows `quality`; fal makes PNG in place of WebP. `selected_context` is refused."
)
VIDEO_NOTE = (
    "Made by the provider whose key is set (REPLICATE_API_TOKEN or FAL_KEY) with its model "
    f"({replicate.MODELS['video']}, {fal.MODELS['video']}, or MOSAIC_VIDEO_MODEL), which costs "
    f"money there; `model` is Mosaic's and has no effect. {_CARD} OpenAI has no videos any more. "
    "5 s in 16:9 at 720p without sound where nothing else is said. `selected_context` is refused."
)
CONTENT_NOTE = (
    "A video of 5 s, as Video Generation makes it; where only pictures can be made, a picture as "
    "Image Generation makes it."
)
STILL_S = Fraction(5)
"""How long a picture is shown."""
SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (720, 1280),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1280, 720),
    "auto": (1024, 768),
}
"""Mosaic names the shapes only; the pixels are ours."""
SHAPES = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
LONGEST_S = 60


async def image(
    inputs: Sequence[Timeline], params: ImageGenerationParams, context: TileContext
) -> list[Timeline]:
    """The inputs, and a video that shows the new picture."""
    _refuse_context(params.selected_context)
    own = (params.custom_width, params.custom_height)
    size = own if params.image_size == "custom" else SIZES[params.image_size]
    wish = PictureWish(
        _prompt(params.prompt),
        *size,
        free=params.image_size == "auto",
        quality=params.quality,
        format=params.output_format,
    )
    return [*inputs, await _picture(wish, context)]


async def video(
    inputs: Sequence[Timeline], params: VideoGenerationParams, context: TileContext
) -> list[Timeline]:
    """The inputs, and the new video."""
    _refuse_context(params.selected_context)
    wish = FilmWish(
        _prompt(params.prompt or ""),
        _seconds(params.duration or "5"),
        _shape(params.aspect_ratio or "16:9"),
        params.resolution or "720p",
        bool(params.generate_audio),
    )
    return [*inputs, await _film(wish, context)]


async def content(
    inputs: Sequence[Timeline], params: ContentGenerationParams, context: TileContext
) -> list[Timeline]:
    """The inputs, and a new video, or a picture where nobody makes videos but somebody pictures."""
    prompt, making = _prompt(params.prompt), context.making
    if making.maker("image") and not making.maker("video"):
        wish = PictureWish(prompt, *SIZES["landscape_16_9"])
        return [*inputs, await _picture(wish, context)]
    return [*inputs, await _film(FilmWish(prompt), context)]


async def check_image(params: ImageGenerationParams) -> list[Fault]:
    """Prompts that are empty, and context that would be lost."""
    faults: list[Fault] = []
    with as_faults(faults, "selected_context"):
        _refuse_context(params.selected_context)
    with as_faults(faults, "prompt"):
        _prompt(params.prompt)
    return faults


async def check_video(params: VideoGenerationParams) -> list[Fault]:
    """Lengths and shapes that are not made, too."""
    faults: list[Fault] = []
    with as_faults(faults, "selected_context"):
        _refuse_context(params.selected_context)
    with as_faults(faults, "prompt"):
        _prompt(params.prompt or "")
    with as_faults(faults, "duration"):
        _seconds(params.duration or "5")
    with as_faults(faults, "aspect_ratio"):
        _shape(params.aspect_ratio or "16:9")
    return faults


async def check_content(params: ContentGenerationParams) -> list[Fault]:
    """Prompts that are empty."""
    faults: list[Fault] = []
    with as_faults(faults, "prompt"):
        _prompt(params.prompt)
    return faults


def image_means(providers: Providers) -> str:
    """What Image Generation does here."""
    return providers.says("image")


def video_means(providers: Providers) -> str:
    """What Video Generation does here."""
    return providers.says("video")


def content_means(providers: Providers) -> str:
    """What AI Content Generation does here."""
    pictures = providers.for_("image") and not providers.for_("video")
    return providers.says("image" if pictures else "video")


async def _picture(wish: PictureWish, context: TileContext) -> Timeline:
    made = await context.making.make(wish, _teller(context))
    await context.report(0.8, "making a video of the picture")
    size = (even(made.source.width), even(made.source.height))
    shown = await context.making.still(made.source, STILL_S, size)
    return _timeline(shown.model_copy(update={"picture": made.asset_id}), made, STILL_S, context)


async def _film(wish: FilmWish, context: TileContext) -> Timeline:
    made = await context.making.make(wish, _teller(context))
    return _timeline(made.source, made, Fraction(wish.seconds), context)


def _timeline(source: Source, made: Made, seconds: Fraction, context: TileContext) -> Timeline:
    name = PurePath(made.source.name).stem
    name = f"placeholder, {name}" if made.by is None else name
    return from_source(source, tile=context.node, name=name, end=seconds)


def _teller(context: TileContext) -> Tell:
    async def tell(step: str) -> None:
        await context.report(0.1, step)

    return tell


def _prompt(text: str) -> str:
    if not text.strip():
        raise _wrong("prompt", "is empty.", "Say what to show.")
    return text.strip()


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_S:
        raise _wrong(
            "duration", f"is {text!r}.", f"Give whole seconds as a text, from 1 to {LONGEST_S}."
        )
    return int(text)


def _shape(text: str) -> str:
    if text not in SHAPES:
        raise _wrong("aspect_ratio", f"is {text!r}.", f"Give one of {', '.join(SHAPES)}.")
    return text


def _wrong(where: str, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest([Fault(where, what, remedy)])


def _refuse_context(context: Context) -> None:
    if context and any(context.values()):
        raise Unsupported(
            "The studio's providers are asked with the prompt alone; selected_context would be "
            "lost.",
            remedy="Describe it in the prompt, or use the hosted engine (set MOSAIC_API_KEY).",
        )
