"""A timeline in whole frames: its clips as runs, each decoded once from its first frame on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.timeline.edit import snap
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline

FAR_S = 20
"""Seconds of skipped source above which opening the file again beats decoding through."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Part of a source in whole frames of the canvas rate: first frame and how many."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Run:
    """Clips that walk forward through one source and look alike."""

    source: Source
    pieces: tuple[Frames, ...]
    like: Clip
    """One of them: how all are mirrored, coloured and fitted."""

    @property
    def end(self) -> int:
        """The frame of the source after its last."""
        return self.pieces[-1].first + self.pieces[-1].count

    @property
    def frames(self) -> int:
        """How many of them are shown."""
        return sum(piece.count for piece in self.pieces)


def settled(timeline: Timeline) -> Timeline:
    """The timeline as it is rendered: clips that continue each other joined, whole frames each."""
    clips: list[Clip] = []
    for clip in timeline.clips:
        before = clips[-1] if clips else None
        if before and _alike(before, clip) and before.end == clip.start:
            clips[-1] = before.model_copy(update={"end": clip.end})
        else:
            clips.append(clip)
    return snap(timeline.model_copy(update={"clips": tuple(clips)}))


def _alike(one: Clip, other: Clip) -> bool:
    """True for clips that differ in their times only (and in the tile that made them)."""
    times = {"start": one.start, "end": one.end, "tile": one.tile}
    return one == other.model_copy(update=times)


def frames_of(clip: Clip, rate: Fraction) -> Frames:
    """A clip in frames: the nearest frame to its start, and as many as it lasts."""
    return Frames(round(clip.start * rate), round(clip.duration * rate))


def runs_of(timeline: Timeline) -> list[Run]:
    """The clips as runs, in output order."""
    runs: list[Run] = []
    for clip in timeline.clips:
        piece = frames_of(clip, timeline.frame_rate)
        before = runs[-1] if runs and _alike(runs[-1].like, clip) else None
        if before and piece.first == before.end - 1 and piece.first > before.pieces[-1].first:
            # Both edges of a tiny cut rounded to one frame: the second clip begins with the next.
            piece = Frames(before.end, piece.count)
        if before and 0 <= piece.first - before.end <= FAR_S * timeline.frame_rate:
            runs[-1] = Run(before.source, (*before.pieces, piece), before.like)
        else:
            runs.append(Run(timeline.sources[clip.source], (piece,), clip))
    return runs


def part_of(runs: Sequence[Run], part: Frames) -> list[Run]:
    """What of the runs lies in a part of the output, given in its frames."""
    found: list[Run] = []
    at, end = 0, part.first + part.count
    for run in runs:
        pieces: list[Frames] = []
        for piece in run.pieces:
            first, last = max(part.first, at), min(end, at + piece.count)
            if first < last:
                pieces.append(Frames(piece.first + first - at, last - first))
            at += piece.count
        if pieces:
            found.append(Run(run.source, tuple(pieces), run.like))
    return found


def frames_in(timeline: Timeline) -> int:
    """Frames of the output of a settled timeline."""
    return sum(run.frames for run in runs_of(timeline))


def same_frames(one: Timeline, other: Timeline) -> bool:
    """True when two settled timelines show the same pictures of their videos, however they look."""
    return one.frame_rate == other.frame_rate and _played(one) == _played(other)


def _played(timeline: Timeline) -> list[tuple[Source, tuple[Frames, ...]]]:
    return [(run.source, run.pieces) for run in runs_of(timeline)]
