"""How good and how fast: the encoder's settings for each quality."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from mosaic_mcp.studio.timeline.edit import even

Quality = Literal["draft", "standard", "best"]

_DRAFT_SIDE = 540
_KEYFRAME_S = 4
"""Seconds between key frames at most: seeking in the result stays quick."""


@dataclass(frozen=True, slots=True)
class Profile:
    """x264 preset and rate factor, and the longest allowed short side in pixels."""

    preset: str
    crf: int
    short_side: int | None = None


PROFILES: dict[Quality, Profile] = {
    "draft": Profile("ultrafast", 26, short_side=_DRAFT_SIDE),
    "standard": Profile("veryfast", 20),
    "best": Profile("medium", 18),
}


def canvas(width: int, height: int, quality: Quality) -> tuple[int, int]:
    """The size that is rendered: a draft's short side is 540 pixels at most."""
    side = PROFILES[quality].short_side
    shrink = min(Fraction(1), Fraction(side, min(width, height))) if side else Fraction(1)
    return max(2, even(round(width * shrink))), max(2, even(round(height * shrink)))


def video_arguments(quality: Quality, rate: Fraction) -> list[str]:
    """Encoder arguments: H.264 that every player takes, tagged as bt709."""
    profile = PROFILES[quality]
    return [
        *("-c:v", "libx264", "-preset", profile.preset, "-crf", str(profile.crf)),
        *("-pix_fmt", "yuv420p", "-g", str(round(_KEYFRAME_S * rate)), "-fps_mode", "cfr"),
        *("-r", f"{rate.numerator}/{rate.denominator}"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-video_track_timescale", str(_timescale(rate))),
    ]


def _timescale(rate: Fraction) -> int:
    """Ticks per second in which every frame lasts a whole number: the same for all chunks."""
    return rate.numerator * (1 if rate.numerator > 10_000 else 1000)


AUDIO_ARGUMENTS = ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k")
"""The fast coder costs a third; at 192 kbit/s speech does not tell."""
