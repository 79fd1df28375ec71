"""The parameters of the tiles that make or follow sound, as far as they are public
(mosaic_contract §10.2 and §10.3)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mosaic_mcp.contract.tiles.base import AssetId, Clash, Params, Script, Text, inferred, ours

Tempo = Annotated[float, Field(ge=40, le=240, allow_inf_nan=False)]
"""Beats a minute."""
Moment = Annotated[float, Field(ge=0, le=18_000, allow_inf_nan=False)]
"""Seconds of the video, of which five hours are the most."""


class MusicParams(Params):
    """AI Music. Two of its keys are public; the page names the other settings without theirs."""

    documented: ClassVar[bool] = False

    use_intelligent_analysis: bool | None = Field(
        None, description="Choose mood and tempo by the video where they are not given"
    )
    genre: Text | None = Field(None, description='As "Cinematic"')
    prompt: Text | None = Field(
        None, description="What the music should be like", json_schema_extra=inferred()
    )
    mood: Text | None = Field(None, description='As "calm"', json_schema_extra=inferred())
    intensity: Literal["low", "medium", "high"] = Field(
        "medium", description="How much of it, and how loud", json_schema_extra=inferred()
    )
    bpm: Tempo | None = Field(None, description="Beats a minute", json_schema_extra=inferred())
    style: Text | None = Field(
        None, description='As "acoustic guitar"', json_schema_extra=inferred()
    )
    start_time: Moment | None = Field(
        None, description="Second of the video where it begins", json_schema_extra=inferred()
    )
    end_time: Moment | None = Field(
        None,
        description="Second where it ends; empty: with the video",
        json_schema_extra=inferred(),
    )
    audio_id: AssetId | None = Field(
        None,
        description="Uploaded music to use as it is",
        json_schema_extra=ours("Mosaic composes its music: describe it in prompt."),
    )

    def together(self) -> list[Clash]:
        """It must last a while."""
        if self.end_time is None or self.end_time > (self.start_time or 0):
            return []
        what = "is not after start_time. Give a later one, or leave it out."
        return [Clash("end_time", what, ("start_time", "end_time"))]


class VoiceoverParams(Params):
    """AI Voiceover. The page names its settings; none of its keys is public."""

    documented: ClassVar[bool] = False

    voice: Text | None = Field(
        None, description="Who speaks; empty: chosen by the engine", json_schema_extra=inferred()
    )
    script_mode: Literal["custom", "auto"] = Field(
        "custom", description="auto: written by a model", json_schema_extra=inferred()
    )
    script: Script | None = Field(
        None, description="What is said; required when custom", json_schema_extra=inferred()
    )
    align_to_moments: bool = Field(
        False, description="Spread the script over the video", json_schema_extra=inferred()
    )

    def together(self) -> list[Clash]:
        """A custom script must be there."""
        if self.script_mode != "custom" or (self.script or "").strip():
            return []
        return [Clash("script", "is required when script_mode is custom.", ("script_mode",))]


class AudioGenerationParams(Params):
    """Audio Generation: a voice-over or music."""

    documented: ClassVar[bool] = False

    mode: Literal["voiceover", "music"] = Field("voiceover", description="What to make")
    model: Literal["eleven_v3", "music"] = Field("eleven_v3", description="Mosaic's model")
    script: Script | None = Field(None, description="Required for a voiceover")
    voice_id: Text | None = Field(None, description="Voice; empty: chosen by the engine")
    use_upstream_voice_reference: bool = Field(True, description="Speak like the input's voice")
    music_prompt: Text | None = Field(None, description="What the music should be like")
    music_length_ms: Annotated[int, Field(ge=1)] | None = Field(None, description="Milliseconds")
    selected_context: Annotated[
        dict[str, Any] | None, Field(description="Media to draw on, by kind")
    ] = None

    def together(self) -> list[Clash]:
        """ "script: required in voiceover mode", which is the mode by default."""
        if self.mode == "voiceover" and not (self.script or "").strip():
            return [Clash("script", "is required in voiceover mode.")]
        return []


class VoiceParams(Params):
    """Voice: dubbing. One of its settings is known by its key."""

    documented: ClassVar[bool] = False

    target_language: Text | None = Field(None, description="Language to speak")
    preserve_background_audio: bool = Field(
        True, description="Keep what is not speech", json_schema_extra=inferred()
    )
    lip_sync: bool = Field(
        False, description="Move the lips to the new words", json_schema_extra=inferred()
    )
    safewords: Text | None = Field(
        None,
        description="Words to leave as they are, comma separated",
        json_schema_extra=inferred(),
    )
    translation_dictionary: dict[str, str] | None = Field(
        None, description="How words are to be translated", json_schema_extra=inferred()
    )


class MontageParams(Params):
    """Montage: many inputs to one sequence. The page requires the style prompt; we do not."""

    documented: ClassVar[bool] = False

    prompt: Text | None = Field(
        None,
        description='Style, which Mosaic requires; the studio reads pace and length, as "fast, '
        '30 seconds"',
        json_schema_extra=inferred(),
    )
    audio_id: AssetId | None = Field(
        None, description="Uploaded audio to cut to", json_schema_extra=inferred()
    )
    bpm: Tempo | None = Field(
        None,
        description="Beats a minute to cut to; empty: those of the audio",
        json_schema_extra=inferred(),
    )
