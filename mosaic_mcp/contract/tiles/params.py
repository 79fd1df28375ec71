"""The parameters of the tiles that edit, as far as they are public (mosaic_contract §10).

Names, defaults and ranges are those of docs.mosaic.so/tiles/<slug>#api-info as far as they are
public; what is not is marked. Tiles that generate are in `generation.py`, those that draw words in
`graphics.py`, those of sound in `sound.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, model_validator

from mosaic_mcp.contract.tiles.base import (
    AssetId,
    Clash,
    Color,
    Params,
    Percent,
    Text,
    guessed,
    inferred,
    ours,
)


class OwnOrMosaics(Params):
    """A tile that shows a file of the user's, or Mosaic's own.

    A file that is given alone is wanted: the Run Agent page changes `image_id` and nothing beside.
    """

    switch: ClassVar[str]
    """The parameter that says which of them."""
    file: ClassVar[str]
    """The parameter with the file's id."""

    @model_validator(mode="before")
    @classmethod
    def _wanted(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            said = cast(Mapping[str, Any], given)
            if said.get(cls.file) is not None and cls.switch not in said:
                return {**said, cls.switch: "custom"}
        return cast(Any, given)

    def together(self) -> list[Clash]:
        """What is custom needs its file."""
        if getattr(self, self.switch) != "custom" or getattr(self, self.file) is not None:
            return []
        what = f"is required when {self.switch} is custom. Upload the file and give its id."
        return [Clash(self.file, what, (self.switch,))]


class NoParams(Params):
    """A tile without settings."""


class SilenceRemovalParams(Params):
    """Silence Removal. The page names the setting "Remove filler words"; its key is not public."""

    documented: ClassVar[bool] = False

    remove_filler_words: bool = Field(
        False,
        description="Also remove filler words; the studio: um, uh, er, hmm, where English words "
        "are known",
        json_schema_extra=inferred(),
    )


class RoughCutParams(Params):
    """Rough Cut."""

    documented: ClassVar[bool] = False

    prompt: Annotated[
        str,
        Field(min_length=1, max_length=4000, description="What to keep and what to cut"),
    ]
    model_tier: Literal["fast", "pro"] = Field(
        "fast",
        description="Mosaic's model; no effect in the studio",
        json_schema_extra=guessed(),
    )
    combine_input_renders: bool = Field(
        False, description="Join all inputs into one video", json_schema_extra=inferred()
    )


Milliseconds = Annotated[int, Field(ge=0, le=24 * 3_600_000)]


class Moment(Params):
    """A part of a video that somebody chose, in milliseconds of the video as it was given."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    title: Annotated[str, Field(min_length=1, max_length=120)] | None = None


class ClipsParams(Params):
    """Clips. Both numbers left out: the engine decides; with `ranges` the caller does."""

    prompt: Text = Field(
        "",
        description="What the clips should be about; empty: anything good",
        json_schema_extra=guessed(),
    )
    num_clips: int | None = Field(None, ge=1, le=20, description="How many clips")
    target_duration: Annotated[float, Field(ge=1, le=300)] | None = Field(
        None, description="Seconds per clip; a target, not exact"
    )
    ranges: Annotated[list[Moment], Field(min_length=1, max_length=50)] | None = Field(
        None,
        description="Exact clips instead of choosing: [{start_ms, end_ms, title?}], in the times "
        "of read_transcript; the other parameters then have no effect",
        json_schema_extra=ours("Give them for each run: they become clip ranges of its inputs."),
    )

    def together(self) -> list[Clash]:
        """A range ends after it begins."""
        return [
            Clash(
                f"ranges[{index}].end_ms",
                f"({moment.end_ms}) is not after start_ms ({moment.start_ms}). Give the earlier "
                "time first.",
                ("ranges",),
            )
            for index, moment in enumerate(self.ranges or ())
            if moment.end_ms <= moment.start_ms
        ]


class ReframeParams(Params):
    """Reframe. The page names the settings Shape and Zoom Out; their keys are not public."""

    documented: ClassVar[bool] = False

    aspect_ratio: Literal["9:16", "1:1", "16:9"] = Field(
        "9:16", description="Shape of the result", json_schema_extra=inferred()
    )
    zoom_out: bool = Field(
        False,
        description="Show the whole picture over a blurred copy instead of following the face",
        json_schema_extra=inferred(),
    )
    resolution: Literal["full", "source"] = Field(
        "full",
        description="full: 1080 pixels on the short side; source: no more than the crop has, which "
        "renders several times as fast",
        json_schema_extra=ours("Mosaic chooses the size of the result: leave it out."),
    )


class CaptionsParams(Params):
    """Captions. `stroke_width` and `caption_font_size` are the page's older names, still taken.

    The page's table is public to `highlight_color`; the names below it are those of its prose.
    """

    documented: ClassVar[bool] = False

    caption_style: Literal["colored", "scaling", "karaoke"] = Field(
        "colored", description="How the spoken word stands out: colour, size or a filling bar"
    )
    base_color: Color = Field("#F8FAFC", description="Colour of the words")
    highlight_color: Color = Field("#A78BCA", description="Colour of the spoken word")
    stroke_enabled: bool = Field(
        True, description="Outline the letters", json_schema_extra=guessed()
    )
    stroke_color: Color = Field(
        "#000000", description="Colour of the outline", json_schema_extra=guessed()
    )
    stroke_width: Annotated[float, Field(ge=0, le=20)] | None = Field(
        None,
        description="Outline in pixels of a 1080 wide picture; empty: automatic",
        json_schema_extra=guessed(),
    )
    shadow_enabled: bool = Field(False, description="Drop shadow", json_schema_extra=guessed())
    shadow_color: Color = Field(
        "#000000", description="Colour of the shadow", json_schema_extra=guessed()
    )
    shadow_blur: Annotated[float, Field(ge=0, le=20)] = Field(
        4, description="Softness of the shadow in pixels", json_schema_extra=guessed()
    )
    shadow_opacity: Percent = Field(60, description="Percent", json_schema_extra=guessed())
    caption_font: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        "Montserrat", description="Font family", json_schema_extra=guessed()
    )
    caption_font_weight: Annotated[str, Field(pattern=r"^[1-9]00$")] = Field(
        "700", description='A text, as "700"', json_schema_extra=guessed()
    )
    caption_font_size_px: Annotated[float, Field(ge=8, le=400)] | None = Field(
        None, description="Pixels; empty: chosen from the picture", json_schema_extra=guessed()
    )
    caption_font_size: Annotated[float, Field(ge=8, le=400)] | None = Field(
        None,
        description="Older setting without a public unit; in the studio pixels",
        json_schema_extra=guessed(),
    )
    caption_vertical_position: Percent = Field(
        75,
        description="Percent of the height: 90 just above the bottom, 50 centre, 20 top",
        json_schema_extra=guessed(),
    )
    caption_min_words: Annotated[int, Field(ge=1, le=12)] = Field(
        1, description="Fewest words at a time", json_schema_extra=guessed()
    )
    caption_max_words: Annotated[int, Field(ge=1, le=12)] = Field(
        3, description="Most words at a time", json_schema_extra=guessed()
    )

    def together(self) -> list[Clash]:
        """Fewest words must not be above most words."""
        if self.caption_min_words <= self.caption_max_words:
            return []
        what = "is above caption_max_words. Lower it, or raise the other."
        return [Clash("caption_min_words", what, ("caption_min_words", "caption_max_words"))]


class WatermarkParams(OwnOrMosaics):
    """Watermark."""

    switch: ClassVar[str] = "use_custom_logo"
    file: ClassVar[str] = "image_id"

    use_custom_logo: Literal["mosaic", "custom"] = Field(
        "mosaic", description="custom shows image_id, which given alone says custom"
    )
    image_id: AssetId | None = Field(None, description="Uploaded picture")
    logo_position: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = Field(
        "bottom-right", description="Corner"
    )
    logo_size: Annotated[float, Field(ge=1, le=100)] = Field(
        30, description="Width in percent of the video's", json_schema_extra=guessed()
    )
    logo_opacity: Annotated[float, Field(ge=10, le=100)] = Field(80, description="Percent")
    logo_margin_x: Annotated[float, Field(ge=0, le=2000)] = Field(
        20, description="Pixels from the side", json_schema_extra=guessed()
    )
    logo_margin_y: Annotated[float, Field(ge=0, le=2000)] = Field(
        20, description="Pixels from top or bottom", json_schema_extra=guessed()
    )


class ColorCorrectionParams(Params):
    """Color Correction. The page names its three ways and five presets; no key is public."""

    documented: ClassVar[bool] = False

    preset: Literal["golden_hour", "filmic", "vibrant", "cool_tones", "neutral_clean"] = Field(
        "neutral_clean", description="Look", json_schema_extra=inferred()
    )
    reference_image_id: AssetId | None = Field(
        None,
        description="Uploaded picture to take the colours from, instead of a preset",
        json_schema_extra=inferred(),
    )
    lut_id: AssetId | None = Field(
        None,
        description="Uploaded .cube table, instead of a preset",
        json_schema_extra=inferred(),
    )

    def together(self) -> list[Clash]:
        """One way at a time."""
        if self.reference_image_id is not None and self.lut_id is not None:
            what = "goes without reference_image_id. Give one of them."
            return [Clash("lut_id", what, ("lut_id", "reference_image_id"))]
        return []


class MirrorParams(Params):
    """Mirror: "horizontal flip, vertical flip (either or both)"; the keys are not public."""

    documented: ClassVar[bool] = False

    horizontal: bool | None = Field(
        None,
        description="Left and right change sides; left out, they do unless vertical is asked for",
        json_schema_extra=inferred(),
    )
    vertical: bool = Field(
        False, description="Top and bottom change sides", json_schema_extra=inferred()
    )

    @property
    def across(self) -> bool:
        """True when left and right change sides: as said, else where nothing else would."""
        return not self.vertical if self.horizontal is None else self.horizontal

    def together(self) -> list[Clash]:
        """Something must change."""
        if not self.across and not self.vertical:
            what = "or vertical must be true. Set one, or skip the tile."
            return [Clash("horizontal", what, ("horizontal", "vertical"))]
        return []


class IntroParams(OwnOrMosaics):
    """Intro."""

    documented: ClassVar[bool] = False

    switch: ClassVar[str] = "use_custom_intro"
    file: ClassVar[str] = "custom_intro_video_id"

    use_custom_intro: Literal["mosaic", "custom"] = Field(
        "mosaic", description="custom plays custom_intro_video_id, which given alone says custom"
    )
    custom_intro_video_id: AssetId | None = Field(None, description="Uploaded video")


class OutroParams(OwnOrMosaics):
    """Outro."""

    documented: ClassVar[bool] = False

    switch: ClassVar[str] = "use_custom_outro"
    file: ClassVar[str] = "custom_outro_video_id"

    use_custom_outro: Literal["mosaic", "custom"] = Field(
        "mosaic", description="custom plays custom_outro_video_id, which given alone says custom"
    )
    custom_outro_video_id: AssetId | None = Field(None, description="Uploaded video")


class DestinationParams(Params):
    """Destination. The page names its settings; their keys are not public, and no run sets them."""

    documented: ClassVar[bool] = False

    publishing_mode: Literal["review", "immediate", "export"] = Field(
        "export",
        description="Review before publishing, publish at once, or export only",
        json_schema_extra=inferred(),
    )
    platforms: list[Literal["x", "linkedin", "instagram", "facebook", "tiktok", "youtube"]] = Field(
        [], description="Where to publish", json_schema_extra=inferred()
    )
    caption_prompt: Text | None = Field(
        None, description="What the posts should say", json_schema_extra=inferred()
    )


class YouTubeTriggerParams(Params):
    """YouTube Trigger. Its names are those of the triggers' endpoints (mosaic_contract §7)."""

    documented: ClassVar[bool] = False

    youtube_channels: list[Text] = Field(
        [], description="Ids, handles or addresses of channels", json_schema_extra=inferred()
    )
    trigger_callback_url: Text | None = Field(
        None, description="Where its runs are told", json_schema_extra=inferred()
    )
    filter_options: dict[str, Any] | None = Field(
        None,
        description="As {duration: {min_seconds, max_seconds}}",
        json_schema_extra=inferred(),
    )


ASSET_LISTS = frozenset({"clips"})
"""Parameters that hold ids of several uploaded videos and pictures (AI B-Roll)."""

ASSET_PARAMS: dict[str, Literal["image", "audio", "video"]] = {
    "image_id": "image",
    "reference_image_id": "image",
    "lut_id": "image",
    "audio_id": "audio",
    "custom_intro_video_id": "video",
    "custom_outro_video_id": "video",
}
"""Parameters that hold the id of an uploaded file, and its kind ("Uploading Media for Node
Parameters")."""
