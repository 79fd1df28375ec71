"""The parameters of the tiles that generate media, as far as they are public (mosaic_contract §10).

Model names are Mosaic's; the studio's providers have models of their own (`studio/providers`).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mosaic_mcp.contract.tiles.base import (
    AssetId,
    Clash,
    Params,
    Script,
    Text,
    guessed,
    inferred,
    ours,
)

Context = Annotated[dict[str, Any] | None, Field(description="Media to draw on, by kind")]


class ImageGenerationParams(Params):
    """Image Generation (complete in the docs)."""

    prompt: Text = Field(description="What to show", json_schema_extra=guessed())
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
    selected_context: dict[str, Any] | None = Field(
        None, description="Media to draw on, by kind", json_schema_extra=inferred()
    )


class AvatarParams(Params):
    """AI Avatar."""

    documented: ClassVar[bool] = False

    avatar_profile_id: AssetId | None = Field(None, description="Who speaks")
    video_model: Text | None = Field(None, description='Mosaic\'s model, as "seedance-2-fast"')
    single_take: bool | None = Field(None, description="One delivery instead of several joined")
    script: Script | None = Field(None, description="What is said")


class ContentGenerationParams(Params):
    """AI Content Generation."""

    documented: ClassVar[bool] = False

    prompt: Text = Field("", description="What to make")


class BRollParams(Params):
    """AI B-Roll. The page names its settings; their keys are not public."""

    documented: ClassVar[bool] = False

    coverage_level: Literal["minimal", "moderate", "high", "maximal"] = Field(
        "moderate",
        description="Scenes a minute: about 2, 5, 8 or 12",
        json_schema_extra=inferred(),
    )
    video_model: Literal["seedance-2", "veo-3.1", "veo-3.1-fast", "veo-3.1-lite"] = Field(
        "seedance-2",
        description="Mosaic's model; no effect in the studio",
        json_schema_extra=inferred(),
    )
    aspect_ratio: Literal["auto", "16:9", "9:16"] = Field(
        "auto",
        description="Shape of what is generated; auto: the video's",
        json_schema_extra=inferred(),
    )
    generate_audio: bool = Field(
        False,
        description="With sound; in the studio the speaker's goes on",
        json_schema_extra=inferred(),
    )
    max_generations: Annotated[int, Field(ge=1, le=20)] = Field(
        5, description="Most pictures that are paid for, each video", json_schema_extra=inferred()
    )
    style_prompt: Text = Field(
        "", description="Style and content of what is generated", json_schema_extra=inferred()
    )
    clips: Annotated[list[AssetId], Field(max_length=100)] = Field(
        [],
        description="Uploaded videos and pictures to show, matched by the words of their names",
        json_schema_extra=ours("Mosaic generates its b-roll: leave it out."),
    )
    clip_tags: Annotated[list[Text], Field(max_length=100)] = Field(
        [],
        description="What each of clips shows, in the same order",
        json_schema_extra=ours("Mosaic generates its b-roll: leave it out."),
    )

    def together(self) -> list[Clash]:
        """Tags belong to clips."""
        if len(self.clip_tags) <= len(self.clips):
            return []
        what = "has more entries than clips. Give at most one for each clip."
        return [Clash("clip_tags", what, ("clip_tags",))]


LONGEST_AUGMENT_S = 5
"""Seconds that AI Augment changes at most."""


class AugmentParams(Params):
    """AI Augment. The page names its settings; their keys are not public."""

    documented: ClassVar[bool] = False

    instructions: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        description="What to change in the picture", json_schema_extra=inferred()
    )
    start_time: Annotated[float, Field(ge=0)] = Field(
        0, description="Seconds", json_schema_extra=inferred()
    )
    end_time: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description=f"Seconds, at most {LONGEST_AUGMENT_S} after the start; empty: just that",
        json_schema_extra=inferred(),
    )

    def together(self) -> list[Clash]:
        """A part of at most five seconds."""
        end = self.end_time
        if end is None or 0 < end - self.start_time <= LONGEST_AUGMENT_S:
            return []
        what = f"must be after start_time, by at most {LONGEST_AUGMENT_S} s."
        return [Clash("end_time", what, ("start_time", "end_time"))]
