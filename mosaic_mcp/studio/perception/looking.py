"""Shots and faces from the key frames, and from more where they do not tell enough. Helper only.

Key frames are cheap: nothing else is decoded for them. A face that moved from one key frame to the
next, or was lost, is followed in between; what was decoded to find a cut serves for that too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import cv2

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.faces import Box, Found, find_faces
from mosaic_mcp.studio.perception.frames import (
    EVERY,
    NEAR,
    Film,
    Sample,
    Span,
    film,
    spaced,
    turned,
)
from mosaic_mcp.studio.perception.shots import cuts_of

FAR_S = 3.0
"""Between key frames further apart a face may go and come back: it is always followed."""
MOVED = 0.25
"""Of the face's width: less is swaying."""
PIECE_S = 120
"""Long stretches are looked at in pieces of at most this length, side by side; and few pictures are
in memory."""
LEAST_S = 30
"""Shorter pieces are not made only so that nobody is idle: each decodes what leads to it, too."""


class _FarApart(Exception):
    """Key frames stand further apart than pieces are long: most would be decoded many times."""


def look(argument: dict[str, Any]) -> dict[str, Any]:
    """`shots`: when others begin; `faces`: all at each moment, as `boxes`. For the file at `path`.

    Only of its `spans`, in order and apart: pairs of times, seconds as text. `at_once` pieces are
    looked at side by side.
    """
    path, rotation = str(argument["path"]), int(argument.get("rotation", 0))
    spans = [(Fraction(begin), Fraction(end)) for begin, end in argument["spans"]]
    at_once = int(argument.get("at_once", 1))

    # The only one is divided evenly; of several, one goes on where another has ended.
    pieces = [piece for span in spans for piece in _pieces(span, at_once if len(spans) == 1 else 1)]

    def piece_of(piece: Span) -> dict[str, list[Any]]:
        threads = max(1, at_once // len(pieces))
        alone = len(pieces) == len(spans)
        longest = Fraction(PIECE_S) if alone else piece[1] - piece[0]
        return _look_at(path, piece, rotation, threads, longest=longest)

    cv2.setNumThreads(1)  # the pieces use the cores
    try:
        with ThreadPoolExecutor(at_once) as pool:
            seen = list(pool.map(piece_of, pieces))
    except _FarApart:
        seen = [_look_at(path, span, rotation, at_once) for span in spans]
    return {key: [one for part in seen for one in part[key]] for key in ("shots", "faces")}


def _look_at(
    path: str, span: Span, rotation: int, threads: int, *, longest: Fraction | None = None
) -> dict[str, list[Any]]:
    with film(path, threads) as picture:
        cuts, found = _looked(picture, span, rotation, longest)
    return {
        "shots": [str(cut) for cut in cuts if _inside(cut, span)],
        "faces": [
            {"time": str(moment.time), "boxes": moment.boxes}
            for moment in sorted(found, key=lambda moment: moment.time)
            if _inside(moment.time, span)
        ],
    }


def _inside(time: Fraction, span: Span) -> bool:
    return span[0] <= time < span[1]


def _pieces(span: Span, at_once: int) -> Iterator[Span]:
    """As many as leave nobody idle: all alike, and a multiple of those looked at at once."""
    begin, end = span
    count = math.ceil((end - begin) / PIECE_S)
    if end - begin >= at_once * LEAST_S:
        count = math.ceil(count / at_once) * at_once
    for number in range(count):
        yield begin + (end - begin) * number / count, begin + (end - begin) * (number + 1) / count


def _looked(
    picture: Film, span: Span, rotation: int, longest: Fraction | None
) -> tuple[list[Fraction], list[Found]]:
    """The cuts, and the faces at many moments, of a span and the gaps it begins and ends in.

    Raises _FarApart where key frames are more than `longest` seconds apart.
    """
    # Before its first picture another shot may end.
    keys, packets = picture.key_frames((max(Fraction(0), span[0] - EVERY), span[1]))
    if not keys:
        raise MediaError("Its picture cannot be decoded.", remedy="Export the file again.")
    # To the key frame behind, where that is near: what it shows tells whether to follow up to it.
    end = min(max(packet.time for packet in packets), span[1] + Fraction(FAR_S))
    times = [*(key.time for key in keys if key.time < end), end]
    if longest and any(b - a > longest for a, b in itertools.pairwise(times)):
        raise _FarApart
    cuts, seen = cuts_of(picture, keys, packets, end)

    def faces(samples: Iterable[Sample]) -> list[Found]:
        return [
            Found(sample.time, find_faces(turned(sample.gray, rotation)))
            for sample in samples
            if sample.gray is not None
        ]

    found = faces(spaced(keys))
    for gap in _to_follow(found, cuts, end):
        found += faces(seen[gap] if gap in seen else _between(picture, gap))
    return cuts, found


def _between(picture: Film, gap: Span) -> Iterator[Sample]:
    """Samples inside a gap, up to where its end is near."""
    last = gap[0]
    for sample in picture.samples(gap):
        if sample.gray is not None:
            last = sample.time
            yield sample
        if gap[1] - last <= NEAR:
            return


def _to_follow(found: list[Found], cuts: list[Fraction], end: Fraction) -> Iterator[Span]:
    """The gaps between key frames in which a face may be elsewhere than at both ends."""
    shots = [Fraction(0), *cuts]
    for before, after in itertools.pairwise([*found, Found(end, found[-1].boxes)]):
        gap = after.time - before.time
        if gap <= NEAR:
            continue
        inside = any(before.time < cut < after.time for cut in shots)
        ends = after.time in shots
        if gap > FAR_S or inside or (not ends and _moved(before.boxes, after.boxes)):
            yield before.time, min(after.time, end)


def _moved(before: list[Box], after: list[Box]) -> bool:
    """True unless the largest face stayed where it was, or there is none at both ends."""
    if not before or not after:
        return bool(before or after)
    one, other = (max(boxes, key=lambda box: box[2]) for boxes in (before, after))
    far = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return far > MOVED * one[2] or not 0.7 < one[2] / other[2] < 1.4
