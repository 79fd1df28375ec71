"""One run's picture: from the stored frames to the canvas.

rate → (deinterlace) → crop along the path → pick frames → (tone-map) → scale. Cropping comes
before picking because the path lives in source time, and costs nothing; all that touches pixels
comes after, so that frames that are not shown are only decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.studio.render.expressions import distinct, path, selection
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.runs import Run
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import CropKey, Source, Timeline

_SAME_SHAPE = Fraction(1, 100)
"""Shapes (width / height) that differ by less are stretched, unseen: odd sizes, rounded ratios."""

_TAIL_S = 2
"""Seconds for which the last picture may stand while the sound goes on."""

_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)


def run_chain(
    run: Run, timeline: Timeline, facts: Facts, *, seek: int, size: tuple[int, int], label: str
) -> str:
    """The filters of a run, without its input label; `seek` is the frame that its input begins at.

    `label` makes names inside the chain unique; the result has `size`, square pixels, yuv420p,
    and its frames numbered from 0.
    """
    source = timeline.sources[run.source]
    rate = timeline.frame_rate
    spans = [(first - seek, last - seek) for first, last in run.spans]
    framing = _Framing(source, timeline, Fraction(seek) / rate)
    steps = [
        *(["bwdif=mode=send_frame:deint=interlaced"] if facts.interlaced else []),
        f"fps=fps={rate.numerator}/{rate.denominator}:start_time=0",
        f"tpad=stop_mode=clone:stop_duration={_TAIL_S}",
        *framing.crop(Fraction(run.first - seek) / rate, Fraction(run.last - seek) / rate),
        f"select='{selection(spans)}'",
        "setpts=N",
        *([_TONE_MAP] if facts.hdr else []),
        framing.fit(size, _colours(facts), label),
        "setsar=1,format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709"
        ":colorspace=bt709",
    ]
    return ",".join(steps)


def _colours(facts: Facts) -> str:
    """Options of `scale` that bring the values to bt709, video range; free where they are."""
    if facts.hdr:
        return "in_color_matrix=bt709:out_color_matrix=bt709"
    matrix = {"bt470bg": "smpte170m", "bt2020nc": "bt2020", "bt2020c": "bt2020"}.get(
        facts.matrix, facts.matrix
    )
    span = "pc" if facts.full_range else "tv"
    return f"in_color_matrix={matrix}:out_color_matrix=bt709:in_range={span}:out_range=tv"


class _Framing:
    """How one source meets the canvas, as filters."""

    def __init__(self, source: Source, timeline: Timeline, offset: Fraction) -> None:
        self.source = source
        self.timeline = timeline
        self.offset = offset
        shape = Fraction(source.width, source.height)
        wanted = Fraction(timeline.width, timeline.height)
        self.fills = abs(shape / wanted - 1) < _SAME_SHAPE
        # The crop's size in fractions of the picture, which hold whatever its pixels' shape is.
        self.width, self.height = min(wanted / shape, 1), min(shape / wanted, 1)
        framing = timeline.framing
        self.crops = not self.fills and framing is not None and framing.fit == "crop"
        self.keys = framing.paths.get(source.sha256, ()) if framing else ()

    def crop(self, start: Fraction, end: Fraction) -> list[str]:
        """The crop along its path from `start` to `end` (seconds after the input begins)."""
        if not self.crops:
            return []
        x = self._offset_path([(k, k.x) for k in self.keys], self.width, start, end)
        y = self._offset_path([(k, k.y) for k in self.keys], self.height, start, end)
        width = f"trunc(iw*{float(self.width):.6f}/2+0.5)*2" if self.width < 1 else "iw"
        height = f"trunc(ih*{float(self.height):.6f}/2+0.5)*2" if self.height < 1 else "ih"
        # `exact`: steps of one pixel, where subsampled colour would otherwise force two.
        return [
            f"crop=w='{width}':h='{height}':x='iw*({x})+0.5':y='ih*({y})+0.5'"
            ":keep_aspect=0:exact=1"
        ]

    def _offset_path(
        self,
        values: Sequence[tuple[CropKey, float]],
        size: Fraction,
        start: Fraction,
        end: Fraction,
    ) -> str:
        """The crop's left or top edge over time, as a share of the picture."""

        def edge(centre: float) -> float:
            return min(max(centre - float(size) / 2, 0.0), 1.0 - float(size))

        keys = [(k.time - self.offset, edge(centre), k.cut) for k, centre in values]
        if not keys or size == 1:
            keys = [(Fraction(0), edge(0.5), True)]
        keys = distinct(keys)
        # One key beyond either side is needed for the eases that begin or end outside.
        low = max((i for i, k in enumerate(keys) if k[0] <= start), default=0)
        high = next((i for i, k in enumerate(keys) if k[0] > end), len(keys) - 1)
        return path(keys[low : high + 1], early=1 / (2 * self.timeline.frame_rate))

    def fit(self, size: tuple[int, int], colours: str, label: str) -> str:
        """Scale to the canvas; what neither fills nor is cropped stands over a blurred copy."""
        width, height = size
        if self.fills or self.crops:
            return f"scale={width}:{height}:flags=bicubic:{colours}"
        shape = Fraction(self.source.width, self.source.height)
        inner_width = max(2, min(width, even(round(height * shape))))
        inner_height = max(2, min(height, even(round(width / shape))))
        crop = f"crop=w='iw*{float(self.width):.6f}':h='ih*{float(self.height):.6f}'"
        # Blurred at an eighth of the size: as soft, and nearly free.
        small = f"scale={max(2, even(width // 8))}:{max(2, even(height // 8))}:flags=area:{colours}"
        return (
            f"split[{label}a][{label}b];"
            f"[{label}a]{crop},{small},gblur=sigma=4,eq=brightness=-0.12,"
            f"scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p[{label}c];"
            f"[{label}b]scale={inner_width}:{inner_height}:flags=bicubic:{colours},"
            f"setsar=1,format=yuv420p[{label}d];"
            f"[{label}c][{label}d]overlay=x=(W-w)/2:y=(H-h)/2:format=yuv420"
        )
