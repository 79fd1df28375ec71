"""What is laid over the joined clips: cutaways, captions, overlays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from mosaic_mcp.studio.render.colour import TONE_MAP
from mosaic_mcp.studio.render.facts import Facts, square
from mosaic_mcp.studio.render.fitting import changed
from mosaic_mcp.studio.render.pieces import Frames
from mosaic_mcp.studio.render.plan import Plan, View
from mosaic_mcp.studio.timeline.edit import shown
from mosaic_mcp.studio.timeline.model import Cutaway, Overlay

LAST_S = Fraction(1, 10)
"""Seconds before the end of a video at which it surely has a picture."""
FONTS_DIR = "fonts"


@dataclass(frozen=True, slots=True)
class Layers:
    """Adds to a plan what one of its views has over its clips."""

    plan: Plan
    view: View
    names: Mapping[str, str]
    facts: Mapping[str, Facts]
    part: Frames
    """Which part of the output the plan makes."""

    def over(self, label: str) -> str:
        """Lay everything over the chain that ends in `label`; the label of the result."""
        label = self._cutaways(label)
        label = self._captions(label)
        for index, overlay in enumerate(self.view.timeline.overlays):
            label = self._overlay(overlay, label, index)
        return label

    def _captions(self, below: str) -> str:
        ahead = self.view.ahead
        if ahead is None:
            return below
        titled = f"subtitles=filename={self.view.captions_file}:fontsdir={FONTS_DIR}"
        if ahead:
            # What counts in frames, or in microseconds, would lose a part of that.
            exact = lcm(ahead.denominator, self.view.timeline.frame_rate.numerator)
            titled = f"settb=1/{exact},setpts=PTS+({ahead})/TB,{titled},setpts=PTS-({ahead})/TB"
        label = self.view.own("titled")
        self.plan.chains.append(f"[{below}]{titled}[{label}]")
        return label

    def _cutaways(self, below: str) -> str:
        """Each over the frames where its span is shown."""
        timeline, part = self.view.timeline, self.part
        rate = timeline.frame_rate
        places = [
            (cutaway, round(start * rate) - part.first, round(end * rate) - part.first)
            for cutaway in timeline.cutaways
            for start, end in shown(timeline, cutaway.over)
        ]
        for index, (cutaway, start, end) in enumerate(places):
            first = max(start, 0)
            frames = Frames(first, min(end, part.count) - first)
            if frames.count > 0:
                later = cutaway.model_copy(update={"start": cutaway.start + (first - start) / rate})
                below = self._cutaway(later, frames, below, index)
        return below

    def _cutaway(self, cutaway: Cutaway, frames: Frames, below: str, index: int) -> str:
        plan, view, facts = self.plan, self.view, self.facts[cutaway.source]
        rate, source = view.timeline.frame_rate, view.timeline.sources[cutaway.source]
        seconds = f"{float(frames.count / rate):.6f}"
        options: list[str] = []
        if source.kind == "video":
            # A part may begin after the cutaway has ended: then with what still stands of it.
            begin = min(cutaway.start, max(source.duration - LAST_S, Fraction(0)))
            options = [*plan.decoding, "-ss", f"{float(begin):.6f}", "-t", seconds]
        number = plan.input(self.names[cutaway.source], *options)
        steps = [
            *facts.whole_pictures,
            f"fps=fps={rate}:start_time=0:round=near",
            f"tpad=stop_mode=clone:stop_duration={seconds}",
            f"trim=end_frame={frames.count}",
            # Its first frame is due when the span begins.
            f"setpts=N+{frames.first}",
            *(square(source) if source.kind == "video" else ()),
            *([TONE_MAP] if facts.hdr else []),
            f"scale={view.width}:{view.height}:force_original_aspect_ratio=increase"
            f":flags={plan.resampling}:{facts.to_bt709}",
            f"crop={view.width}:{view.height}",
            *changed(cutaway, self.names),
        ]
        away, cut = view.own(f"away{index}"), view.own(f"cut{index}")
        plan.chains.append(f"[{number}:V:0]{','.join(steps)}[{away}]")
        last = frames.first + frames.count - 1
        plan.chains.append(
            f"[{below}][{away}]overlay=eof_action=pass:format=yuv420"
            f":enable='between(n,{frames.first},{last})'[{cut}]"
        )
        return cut

    def _overlay(self, overlay: Overlay, below: str, index: int) -> str:
        plan, view = self.plan, self.view
        number = plan.input(self.names[overlay.source])
        width = max(2, round(view.width * overlay.width))
        x_margin = round(overlay.margin_x * view.scale)
        y_margin = round(overlay.margin_y * view.scale)
        x = f"{x_margin}" if overlay.corner.endswith("left") else f"W-w-{x_margin}"
        y = f"{y_margin}" if overlay.corner.startswith("top") else f"H-h-{y_margin}"
        mark, over = view.own(f"mark{index}"), view.own(f"over{index}")
        plan.chains.append(
            f"[{number}:v:0]format=rgba,scale={width}:-1:flags=bicubic,"
            f"colorchannelmixer=aa={overlay.opacity:.3f},"
            f"scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[{mark}]"
        )
        # In the picture's own format: with `auto` each whole picture would be converted, and back.
        plan.chains.append(f"[{below}][{mark}]overlay=x={x}:y={y}:format=yuv420[{over}]")
        return over
