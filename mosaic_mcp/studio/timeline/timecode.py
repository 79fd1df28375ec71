"""SMPTE timecode: frames numbered as HH:MM:SS:FF, so many to a second (SMPTE ST 12-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

LABEL = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])[:;.]([0-9]{2,3})")
"""As FFmpeg tells it; a semicolon before the frames where numbers are dropped."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """How frames are numbered: `base` to a second.

    Where numbers are dropped, each minute but every tenth begins at frame 2 of 30, or 4 of 60: so
    pictures that run slow by 1000/1001 keep up with the clock. No picture is dropped.
    """

    base: int
    drop: bool = False

    @property
    def _dropped(self) -> int:
        """Numbers left out of a minute."""
        return self.base // 15 if self.drop else 0

    def frame(self, label: str, base: int = 0) -> int:
        """The frame with this label, counted from 00:00:00:00.

        `base` is the one that the label was written in, when it is another.
        """
        found = LABEL.fullmatch(label)
        if found is None:
            raise ValueError(f"{label!r} is no timecode")
        hours, minutes, seconds, frames = map(int, found.groups())
        if base:
            frames = frames * self.base // base
        minutes += 60 * hours
        skipped = self._dropped * (minutes - minutes // 10)
        return (60 * minutes + seconds) * self.base + frames - skipped

    def label(self, frame: int) -> str:
        """HH:MM:SS:FF of a frame; after a day it begins again."""
        tens, rest = divmod(frame, 600 * self.base - 9 * self._dropped)
        minute = 60 * self.base - self._dropped
        # The first minute of ten is whole.
        later = max(0, rest - self._dropped) // minute
        seconds, frames = divmod(frame + self._dropped * (9 * tens + later), self.base)
        hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
        mark = ";" if self.drop else ":"
        return f"{hours:02}:{minutes:02}:{seconds % 60:02}{mark}{frames:02}"
