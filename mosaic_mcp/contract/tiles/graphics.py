"""The parameters of the tiles that draw words and graphics, as far as they are public (§10.3).

The keys are those of Mosaic's skill: there may be more, and defaults and ranges are not public.
Every field may be left out: then the engine decides; what the studio decides is in docs/tiles.md.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mosaic_mcp.contract.tiles.base import Color, Params, Percent, Text, guessed

Animation = Literal["fade", "pop", "slide", "typewriter", "cinematic", "highlight"]
Place = Literal[
    "auto",
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
]
FontName = Annotated[str, Field(min_length=1, max_length=80)]
StrokeWidth = Annotated[float, Field(ge=0, le=40, allow_inf_nan=False)]
PerMinute = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


class CinematicCaptionsParams(Params):
    """Cinematic Captions."""

    documented: ClassVar[bool] = False

    font1: FontName | None = Field(None, description="Family of most words")
    font2: FontName | None = Field(None, description="Family of the words that stand out")
    color_override: Color | None = Field(
        None, description="Colour of all words; empty: chosen from the picture"
    )
    text_bg_enabled: bool | None = Field(None, description="A box behind the words")
    text_bg_color: Color | None = Field(None, description="Colour of the box")
    text_bg_opacity: Percent | None = Field(
        None, description="Percent; up to 1 it counts as a share"
    )
    animation_style: Animation | None = Field(None, description="How words appear")
    stroke_enabled: bool | None = Field(None, description="Outline the letters")
    stroke_color: Color | None = Field(None, description="Colour of the outline")
    stroke_width: StrokeWidth | None = Field(
        None, description="Outline in pixels of a 1080 wide picture", json_schema_extra=guessed()
    )
    caption_position: Place | None = Field(
        None, description="Where the words stand; auto keeps off faces"
    )


class MotionGraphicsParams(Params):
    """Motion Graphics."""

    documented: ClassVar[bool] = False

    prompt: Text | None = Field(None, description="What to show")
    avoid_prompt: Text | None = Field(
        None, description="What not to show: deprecated by Mosaic, no effect in the studio"
    )
    model_tier: Text | None = Field(None, description='Mosaic\'s model, as "pro"')
    style_video_url: Text | None = Field(None, description="YouTube video to take the style from")
    reference_links: Text | None = Field(None, description="Pages to draw on, comma separated")
    frequency_per_minute: Literal["auto"] | PerMinute | None = Field(
        None,
        description="Graphics a minute; Mosaic's pages show “auto” only",
        json_schema_extra=guessed(),
    )
    only_generate_full_screen_graphics: bool | None = Field(
        None, description="No graphics beside the speaker"
    )
