"""Words from sound alone, with the one recogniser that works from packages. Runs in the helper.

pocketsphinx knows English only, and real voices well in quiet rooms at best. Its confidence is the
posterior of each word; below RELIABLE the words are not built upon (see `local.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import samples
from mosaic_mcp.studio.perception.speech import spans
from mosaic_mcp.studio.perception.sphinx import RATE, Sphinx
from mosaic_mcp.studio.perception.subtitles import is_filler

MARGIN_S = 0.12
LONGEST_S = 20.0
"""Longer stretches are cut: decoding time grows faster than length."""


def recognise(argument: dict[str, Any]) -> dict[str, Any]:
    """Words with times and confidence (0..1) heard in the file at `path`."""
    sound = samples(argument["path"], RATE)
    sphinx = Sphinx(aligning=False)
    words: list[dict[str, Any]] = []
    for start, end in _stretches(spans(sound), len(sound) / RATE):
        words += _decode(sphinx, sound[int(start * RATE) : int(end * RATE)], start)
    confidence = float(np.mean([w["confidence"] for w in words])) if words else 0.0
    return {"words": words, "confidence": confidence}


def _stretches(speech: list[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    """Speech with a little room, short pauses joined, none longer than LONGEST_S."""
    joined: list[list[float]] = []
    for start, end in speech:
        if joined and start - joined[-1][1] < 0.4 and end - joined[-1][0] < LONGEST_S:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    out: list[tuple[float, float]] = []
    for start, end in joined:
        begin, stop = max(0.0, start - MARGIN_S), min(length, end + MARGIN_S)
        while stop - begin > LONGEST_S:
            out.append((begin, begin + LONGEST_S))
            begin += LONGEST_S
        out.append((begin, stop))
    return out


def _decode(sphinx: Sphinx, part: NDArray[np.int16], offset: float) -> list[dict[str, Any]]:
    words: list[dict[str, Any]] = []
    for segment in sphinx.recognise(part):
        text = segment.word.strip("[]+").lower()
        filler = is_filler(text)
        if segment.is_sound and not filler:
            continue
        words.append(
            {
                "text": text,
                "start": round(offset + segment.start, 3),
                "end": round(offset + segment.end, 3),
                "confidence": round(segment.confidence, 3),
                "filler": filler,
            }
        )
    return words
