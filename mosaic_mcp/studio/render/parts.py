"""A long picture in parts, each rendered by itself and kept by what it is made of.

Parts end at cuts, or inside a long piece at fixed moments of its source, so that an edit moves
few of them. A part's name is a hash of its filter graph, of everything that the graph reads and of
the encoder: what a crash left unfinished goes on where it stopped, and a changed caption renders
one part again. Captions of a part are those of the whole picture, so that no seam shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import pysubs2

from mosaic_mcp.studio.render.compile import CAPTIONS, Frames, Plan, runs_of
from mosaic_mcp.studio.timeline.model import Timeline

SHORTEST_S = 20
"""Seconds: below, starting an encoder and its first large picture cost more than they save."""
VERSION = 1
LEAD_S = 60
"""Captions begin at most this long before the part in which they still stand."""


def parts_of(timeline: Timeline) -> list[Frames]:
    """The parts of a settled timeline, in output frames; one where it is short."""
    least = int(SHORTEST_S * timeline.frame_rate)
    total = sum(piece.count for run in runs_of(timeline) for piece in run.pieces)
    parts: list[Frames] = []
    begin = 0
    for end in _seams(timeline, least):
        if end - begin >= least and total - end >= least:
            parts.append(Frames(begin, end - begin))
            begin = end
    return [*parts, Frames(begin, total - begin)]


def _seams(timeline: Timeline, step: int) -> Iterator[int]:
    """Output frames where a part may end: at cuts, and at multiples of `step` of a source."""
    at = 0
    for run in runs_of(timeline):
        for piece in run.pieces:
            end = piece.first + piece.count
            inside = range(piece.first - piece.first % step + step, end, step)
            yield from (at + number - piece.first for number in inside)
            at += piece.count
            yield at


def captions_of(captions: pysubs2.SSAFile, first: Fraction, last: Fraction) -> tuple[str, Fraction]:
    """The captions that are seen in [first, last) seconds, and how much later their times are.

    Adding that to the part's own times, which begin at 0, gives theirs. ASS knows hundredths of a
    second only, so that events move by whole hundredths and the rest stays with the pictures.
    """
    moved = int(first * 100) - LEAD_S * 100
    begin, end = float(first * 1000), float(last * 1000)
    subs = pysubs2.SSAFile()
    subs.info, subs.styles = captions.info, captions.styles
    subs.events = [e.copy() for e in captions if e.start < end and e.end > begin]
    subs.shift(ms=-10 * moved)
    return subs.to_string("ass"), first - Fraction(moved, 100)


def key_of(
    plan: Plan, captions: str, arguments: Sequence[str], names: Mapping[str, str], tools: str
) -> str:
    """A hash of everything that decides a part's picture."""
    used = {name: sha for sha, name in names.items() if name in arguments or name in plan.graph}
    files = {**plan.files, CAPTIONS: captions}
    said = json.dumps([VERSION, tools, list(arguments), plan.graph, files, used], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def listing(files: Sequence[Path]) -> str:
    """A list of parts as FFmpeg's concat demuxer reads it; the names are ours."""
    return "ffconcat version 1.0\n" + "".join(f"file {file.name}\n" for file in files)
