"""What FFmpeg is to run: inputs, a filter graph, the files that it reads, the pictures it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.studio.render.ffmpeg import guarded_input
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import Timeline

CAPTIONS = "captions"
GRAPH = "graph.txt"
EXACT = "bicubic+accurate_rnd"
QUICK = "fast_bilinear"
QUICK_DECODING = ("-skip_loop_filter", "noref")
"""Pictures that no other is made from keep their block edges, which half the size hides."""


@dataclass(frozen=True, slots=True)
class View:
    """One of the pictures that a plan makes: that of a settled timeline."""

    timeline: Timeline
    ahead: Fraction | None = None
    """The seconds that its captions' file is ahead of the part; None: there is no such file."""
    draft: bool = False
    """Half as wide and high."""
    number: int = 0
    """Which of the plan's it is."""

    def own(self, name: str) -> str:
        """A name in the graph that no other view uses."""
        return f"{name}_{self.number}" if self.number else name

    @property
    def out(self) -> str:
        """Where its picture comes out of the graph."""
        return self.own("v")

    @property
    def captions_file(self) -> str:
        """The name of its captions in the job folder."""
        return f"{self.own(CAPTIONS)}.ass"

    @property
    def scale(self) -> Fraction:
        """How large its pixels are, counted in the canvas'."""
        return Fraction(1, 2) if self.draft else Fraction(1)

    @property
    def width(self) -> int:
        """Of the picture."""
        return max(even(int(self.timeline.width * self.scale)), 2)

    @property
    def height(self) -> int:
        """Of the picture."""
        return max(even(int(self.timeline.height * self.scale)), 2)


@dataclass(slots=True)
class Plan:
    """Inputs, the graph, and the side files it reads (name -> text)."""

    views: Sequence[View]
    """What it makes, all of the same frames."""
    inputs: list[str] = field(default_factory=list[str])
    chains: list[str] = field(default_factory=list[str])
    files: dict[str, str] = field(default_factory=dict[str, str])
    frames: int = 0
    sources: int = 0

    @property
    def graph(self) -> str:
        """The text of the filter graph."""
        return ";\n".join(self.chains) + "\n"

    @property
    def draft(self) -> bool:
        """To be made with less care."""
        return self.views[0].draft

    @property
    def resampling(self) -> str:
        """Flags of `scale`."""
        return QUICK if self.draft else EXACT

    @property
    def decoding(self) -> tuple[str, ...]:
        """Options of every input that moves."""
        return QUICK_DECODING if self.draft else ()

    def input(self, name: str, *options: str) -> int:
        """Add an input and return its number."""
        self.inputs += guarded_input(name, *options)
        self.sources += 1
        return self.sources - 1


def side_files(folder: Path, plan: Plan) -> None:
    """Write the graph and what it reads into the job folder."""
    (folder / GRAPH).write_text(plan.graph, "utf-8")
    for name, text in plan.files.items():
        (folder / name).write_text(text, "utf-8")
