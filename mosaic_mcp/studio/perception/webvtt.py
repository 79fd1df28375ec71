"""WebVTT as it is spoken: without comments, styles and tags, each line once though it rolls up."""

from __future__ import annotations

import html
import re
from itertools import pairwise

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_HEAD = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_ASIDE = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_TAG = re.compile(r"<[/\w][^<>]*>|\{\\[^{}]*\}")
_BLINK_MS = 50
"""Nobody reads a cue that is shorter: YouTube holds a line in such until the next one comes."""
_MOST_ROWS = 4
"""As many as roll up at most."""

VttCue = tuple[int, int, list[str]]
"""Start and end in milliseconds, and the lines."""


def spoken_cues(text: str) -> list[VttCue]:
    """The cues in order, without the lines that the cue before them still shows."""
    spoken: list[VttCue] = []
    shown: list[str] = []
    until, blinked = 0, False
    for start, end, lines in sorted(_cues(text), key=lambda cue: cue[0]):
        again = _rows_again(shown, lines) if start - until <= _BLINK_MS else 0
        blinks = end - start <= _BLINK_MS
        # The same words in a cue of their own, "No." "No.", are said twice.
        twice = shown == lines and start >= until and not (blinks or blinked)
        spoken.append((start, end, lines if twice else lines[again:]))
        shown, until, blinked = lines, end, blinks
    return spoken


def _rows_again(shown: list[str], lines: list[str]) -> int:
    """How many of the lines are the last ones shown."""
    rows = range(min(len(shown), len(lines), _MOST_ROWS), 0, -1)
    return next((n for n in rows if shown[-n:] == lines[:n]), 0)


def _cues(text: str) -> list[VttCue]:
    cues: list[VttCue] = []
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        heads = [i for i, line in enumerate(lines) if "-->" in line]
        if not heads and cues and not _ASIDE.match(block):
            cues[-1][2].extend(_plain(lines))  # an empty line within a cue
        for head, after in pairwise([*heads, len(lines)]):
            if times := _HEAD.match(lines[head]):
                start, end = _ms(times.groups()[:4]), _ms(times.groups()[4:])
                cues.append((start, end, _plain(lines[head + 1 : after])))
    return cues


def _plain(lines: list[str]) -> list[str]:
    """The lines that show anything, without tags."""
    shown = (" ".join(html.unescape(_TAG.sub("", line)).split()) for line in lines)
    return [line for line in shown if line]


def _ms(time: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, ms = (int(part or 0) for part in time)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
