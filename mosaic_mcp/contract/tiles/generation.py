"""The parameters of the tiles that generate media, as far as they are public (mosaic_contract §10).

The studio does not generate; these models check requests that go to the hosted engine.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mosaic_mcp.contract.tiles.base import AssetId, Params, Text


class ImageGenerationParams(Params):
    """Image Generation (complete in the docs)."""

    prompt: Text
    model: Text = "gpt-image-2"
    image_size: Literal[
        "square_hd",
        "square",
        "portrait_4_3",
        "portrait_16_9",
        "landscape_4_3",
        "landscape_16_9",
        "auto",
        "custom",
    ] = "landscape_4_3"
    custom_width: Annotated[int, Field(ge=256, le=3840, multiple_of=16)] = 1280
    custom_height: Annotated[int, Field(ge=256, le=3840, multiple_of=16)] = 960
    quality: Literal["low", "medium", "high"] = "high"
    output_format: Literal["jpeg", "png", "webp"] = "png"
    selected_context: dict[str, Any] | None = None


class AudioGenerationParams(Params):
    """Audio Generation: a voice-over or music."""

    documented: ClassVar[bool] = False

    mode: Literal["voiceover", "music"] = "voiceover"
    model: Literal["eleven_v3", "music"] = "eleven_v3"
    script: Text | None = Field(None, description="Required for a voiceover")
    voice_id: Text | None = None
    use_upstream_voice_reference: bool = True
    music_prompt: Text | None = None
    music_length_ms: Annotated[int, Field(ge=1)] | None = None
    selected_context: dict[str, Any] | None = None

    def together(self) -> dict[str, str]:
        """ "script: required in voiceover mode"."""
        if self.mode == "voiceover" and not self.script:
            return {"script": "is required in voiceover mode."}
        return {}


class VideoGenerationParams(Params):
    """Video Generation."""

    documented: ClassVar[bool] = False

    prompt: Text | None = None
    model: Text | None = None
    resolution: Text | None = None
    duration: Text | None = Field(None, description='Seconds as a text, as "8"')
    aspect_ratio: Text | None = None
    generate_audio: bool | None = None
    selected_context: dict[str, Any] | None = None


class AvatarParams(Params):
    """AI Avatar."""

    documented: ClassVar[bool] = False

    avatar_profile_id: AssetId | None = None
    video_model: Text | None = None
    single_take: bool | None = None
    script: Text | None = None


class ContentGenerationParams(Params):
    """AI Content Generation."""

    documented: ClassVar[bool] = False

    prompt: Text = ""


class MusicParams(Params):
    """AI Music. Its other settings (mood, intensity, BPM, …) are known without their keys."""

    documented: ClassVar[bool] = False

    use_intelligent_analysis: bool | None = None
    genre: Text | None = Field(None, description='As "Cinematic"')
