"""Shots and faces from the key frames, and from more where they do not tell enough. Helper only.

Key frames are cheap: nothing else is decoded for them. A face that moved from one key frame to the
next, or was lost, is followed in between; what was decoded to find a cut serves for that too.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import cv2

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.faces import Box, Found, find_faces, main_face
from mosaic_mcp.studio.perception.frames import Film, Sample, Span, film, spaced, turned
from mosaic_mcp.studio.perception.shots import cuts_of

NEAR_S = 0.6
"""Key frames that are closer show any movement."""
FAR_S = 3.0
"""Between key frames further apart a face may go and come back: it is always followed."""
MOVED = 0.25
"""Of the face's width: less is swaying."""
PIECE_S = 120
AROUND_S = 4
"""Seconds looked at beside a span: a face is believed when others near it confirm it."""


def look(argument: dict[str, Any]) -> dict[str, Any]:
    """`shots`: when others begin; `faces`: the main face at each moment. For the file at `path`.

    Only of its `spans`, in order and apart: pairs of times, seconds as text.
    """
    path, rotation = str(argument["path"]), int(argument.get("rotation", 0))

    def look_at(span: Span) -> dict[str, list[Any]]:
        with film(path) as picture:
            cuts, found = _looked(picture, span, rotation)
        return {
            "shots": [str(cut) for cut in cuts if _inside(cut, span)],
            "faces": [f for f in main_face(found, cuts) if _inside(Fraction(f["time"]), span)],
        }

    cv2.setNumThreads(1)  # there are as many of us as cores
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = list(threads.map(look_at, _pieces(argument["spans"])))
    return {key: [one for piece in found for one in piece[key]] for key in ("shots", "faces")}


def _inside(time: Fraction, span: Span) -> bool:
    return span[0] <= time < span[1]


def _pieces(spans: Iterable[tuple[str, str]]) -> Iterator[Span]:
    """The spans, long ones in pieces: they are looked at side by side, and few are in memory."""
    for begin, end in spans:
        at = Fraction(begin)
        while at < Fraction(end):
            yield at, min(at + PIECE_S, Fraction(end))
            at += PIECE_S


def _looked(picture: Film, span: Span, rotation: int) -> tuple[list[Fraction], list[Found]]:
    """The cuts, and the faces at many moments, in and beside a span."""
    around = max(Fraction(0), span[0] - AROUND_S), span[1] + AROUND_S
    keys, packets = picture.key_frames(around)
    if not keys:
        raise MediaError("Its picture cannot be decoded.", remedy="Export the file again.")
    cuts, seen = cuts_of(picture, keys, packets)

    def faces(samples: Iterable[Sample]) -> list[Found]:
        return [Found(s.time, find_faces(turned(s.gray, rotation))) for s in samples]

    found = faces(spaced(iter(keys)))
    for gap in _to_follow(found, cuts, max(packet.time for packet in packets)):
        found += faces(seen[gap] if gap in seen else _between(picture, gap))
    return cuts, sorted(found, key=lambda moment: moment.time)


def _between(picture: Film, gap: Span) -> Iterator[Sample]:
    inside = (s for s in picture.samples(gap) if gap[0] < s.time < gap[1])
    return spaced(inside, gap[0])


def _to_follow(found: list[Found], cuts: list[Fraction], end: Fraction) -> Iterator[Span]:
    """The gaps between key frames in which a face may be elsewhere than at both ends."""
    shots = [Fraction(0), *cuts]
    for before, after in itertools.pairwise([*found, Found(end, found[-1].boxes)]):
        gap = after.time - before.time
        if gap <= NEAR_S:
            continue
        inside = any(before.time < cut < after.time for cut in shots)
        ends = after.time in shots
        if gap > FAR_S or inside or (not ends and _moved(before.boxes, after.boxes)):
            yield before.time, after.time


def _moved(before: list[Box], after: list[Box]) -> bool:
    """True unless the largest face stayed where it was, or there is none at both ends."""
    if not before or not after:
        return bool(before or after)
    one, other = (max(boxes, key=lambda box: box[2]) for boxes in (before, after))
    far = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return far > MOVED * one[2] or not 0.7 < one[2] / other[2] < 1.4
