"""The picture of a clip that is only sound: its wave as it is heard, on a dark ground."""

from __future__ import annotations

from fractions import Fraction

from mosaic_mcp.studio.render.colour import TAGGED

GROUND = "0x14171c"
WAVE = "0x7aa2f7"
TAIL_S = 2
"""Seconds for which the last picture may stand while the sound goes on."""


def waves(width: int, height: int, rate: Fraction, selection: str) -> str:
    """Filters from a sound to the wanted frames, which the filters `selection` choose by number."""
    wide, high = width, max(height // 3 // 2 * 2, 2)
    return (
        f"aformat=channel_layouts=mono,"
        f"showwaves=s={wide}x{high}:mode=cline:rate={rate}:scale=sqrt:draw=full:colors={WAVE},"
        f"format=gbrap,pad={width}:{height}:0:(oh-ih)/2:color=black@0,"
        f"premultiply=inplace=1,format=gbrp,"
        f"lutrgb=r='max(val,{_channel(0)})':g='max(val,{_channel(1)})':b='max(val,{_channel(2)})',"
        f"fps=fps={rate}:start_time=0:round=near,tpad=stop_mode=clone:stop_duration={TAIL_S},"
        f"{selection},setpts=N,setsar=1,"
        f"scale=out_color_matrix=bt709:out_range=tv,{TAGGED}"
    )


def _channel(number: int) -> int:
    return int(GROUND[2 + 2 * number : 4 + 2 * number], 16)
