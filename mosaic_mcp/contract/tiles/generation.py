"""The parameters of the tiles that generate media, as far as they are public (mosaic_contract §10).

The studio does not generate; these models check requests that go to the hosted engine.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mosaic_mcp.contract.tiles.base import AssetId, Params, Text

Context = Annotated[dict[str, Any] | None, Field(description="Media to draw on, by kind")]


class ImageGenerationParams(Params):
    """Image Generation (complete in the docs)."""

    prompt: Text = Field(description="What to show")
    model: Text = Field("gpt-image-2", description="Mosaic's model")
    image_size: Literal[
        "square_hd",
        "square",
        "portrait_4_3",
        "portrait_16_9",
        "landscape_4_3",
        "landscape_16_9",
        "auto",
        "custom",
    ] = Field("landscape_4_3", description="Shape; custom uses custom_width and custom_height")
    custom_width: Annotated[int, Field(ge=256, le=3840, multiple_of=16)] = Field(
        1280, description="Pixels"
    )
    custom_height: Annotated[int, Field(ge=256, le=3840, multiple_of=16)] = Field(
        960, description="Pixels"
    )
    quality: Literal["low", "medium", "high"] = Field("high", description="Of the picture")
    output_format: Literal["jpeg", "png", "webp"] = Field("png", description="File type")
    selected_context: Context = None


class VideoGenerationParams(Params):
    """Video Generation."""

    documented: ClassVar[bool] = False

    prompt: Text | None = Field(None, description="What to show")
    model: Text | None = Field(None, description='Mosaic\'s model, as "seedance-2"')
    resolution: Text | None = Field(None, description='As "720p"')
    duration: Text | None = Field(None, description='Seconds as a text, as "8"')
    aspect_ratio: Text | None = Field(None, description='As "9:16"')
    generate_audio: bool | None = Field(None, description="With sound")
    selected_context: Context = None


class AvatarParams(Params):
    """AI Avatar."""

    documented: ClassVar[bool] = False

    avatar_profile_id: AssetId | None = Field(None, description="Who speaks")
    video_model: Text | None = Field(None, description='Mosaic\'s model, as "seedance-2-fast"')
    single_take: bool | None = Field(None, description="One delivery instead of several joined")
    script: Text | None = Field(None, description="What is said")


class ContentGenerationParams(Params):
    """AI Content Generation."""

    documented: ClassVar[bool] = False

    prompt: Text = Field("", description="What to make")
