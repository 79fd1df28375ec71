"""Parts of a video in words: "1:30-2:45", "first 20 minutes", "last 30 s", "from 45 s".

A time is a clock ("1:30", "00:01:30.500"), a length with units ("45s", "1 h 5 min") or a plain
number of seconds. Beside a time with one unit a plain number means that unit too: "1-2 min".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any

from mosaic_mcp.errors import Fault, InvalidRequest

EXAMPLES = "Write it as '1:30-2:45', 'first 20 minutes', 'last 30 s', 'from 45 s' or 'until 10:00'."
RANGE_RULE = "if both are provided, input_clip_end_ms must be greater than input_clip_start_ms."


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video in milliseconds; None is the video's own start or end.

    `from_end_ms` counts back from the end ("last 30 s") and stands alone.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    from_end_ms: int | None = None

    @property
    def whole(self) -> bool:
        """True when it leaves nothing out."""
        return self == Span()

    def __str__(self) -> str:
        if self.whole:
            return "the whole video"
        if self.from_end_ms is not None:
            return f"the last {_clocked(self.from_end_ms)}"
        end = "the end" if self.end_ms is None else _clocked(self.end_ms)
        return f"{_clocked(self.start_ms or 0)} to {end}"

    def resolve(self, duration_ms: int | None, *, where: str = "clip") -> Span:
        """The span without `from_end_ms`; raises InvalidRequest when it needs an unknown length.

        `where` is the argument that it was given in.
        """
        if self.from_end_ms is None:
            return self
        if duration_ms is None:
            raise InvalidRequest(
                [
                    Fault(
                        where,
                        "counts from the end, and the length of this video is not known yet.",
                        "Give a start time instead, as 'from 10:00'.",
                    )
                ]
            )
        start = duration_ms - self.from_end_ms
        return Span(start_ms=start) if start > 0 else Span()


def _clocked(ms: int) -> str:
    """ "1:05.5", as players show it; under a minute "5.5 s"."""
    if ms < 60_000:
        return f"{ms / 1000:g} s"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:06.3f}".rstrip("0").rstrip(".")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


def parse_span(said: str | Mapping[str, Any], *, where: str = "clip") -> Span:
    """The span that was said; raises InvalidRequest with examples when it is not understood."""
    span = read_span(said) if isinstance(said, str) else _named(said)
    if span is None:
        raise InvalidRequest([Fault(where, f"{said!r} is not understood as a part.", EXAMPLES)])
    if span.from_end_ms == 0 or span.end_ms == 0:
        raise InvalidRequest([Fault(where, f"{said!r} leaves nothing of the video.", EXAMPLES)])
    if span.start_ms is not None and span.end_ms is not None and span.end_ms <= span.start_ms:
        raise InvalidRequest(
            [
                Fault(
                    where,
                    f"{said!r} ends ({span.end_ms} ms) before it starts ({span.start_ms} ms).",
                    "Give the earlier time first.",
                    RANGE_RULE,
                )
            ]
        )
    return span


_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = r"(?:milliseconds?|msecs?|ms|hours?|hrs?|hr|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])"
_LENGTH = rf"{_NUMBER}\s*{_UNIT}(?:\s*(?:and\s+)?{_NUMBER}\s*{_UNIT})*"
_CLOCK = r"\d+(?::\d{1,2}){1,2}(?:\.\d+)?"
_T = rf"(?:{_CLOCK}|{_LENGTH}|{_NUMBER})"
_TO = r"\s*(?:-+>?|to|until|till|through|\.\.+)\s*"
_START = r"(?:the )?(?:start|beginning)"
_END = r"(?:the )?(?:very )?end"
_FILLER = r"\b(?:the|of|only|just|video|part|clip|please)\b"

_WORDS = {
    "an?": "1",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "sixty": "60",
    "ninety": "90",
}

# What a whole phrase may look like; `a` and `b` are its times. The first match counts. They are
# compiled when a phrase is read.
_WHOLE = r"(?:all|everything|whole|full|entire|start\s*(?:-|to)\s*end)"
_FORMS = (
    ("first", rf"(?:first|initial|opening)\s+(?P<a>{_T}|{_UNIT})"),
    ("last", rf"(?:last|final|closing)\s+(?P<a>{_T}|{_UNIT})"),
    ("first", rf"(?:from\s+)?{_START}{_TO}(?P<a>{_T})"),
    ("from", rf"(?:from\s+)?(?P<a>{_T}){_TO}{_END}"),
    ("during", rf"(?:from\s+|at\s+)?(?P<a>{_T})\s*(?:\+|for)\s*(?P<b>{_T})"),
    ("during", rf"(?P<b>{_LENGTH})\s+(?:from|starting at|after)\s+(?P<a>{_T})"),
    ("range", rf"(?:from\s+)?(?P<a>{_T}){_TO}(?P<b>{_T})"),
    ("range", rf"between\s+(?P<a>{_T})\s+and\s+(?P<b>{_T})"),
    ("range", rf"(?P<unit>{_UNIT})\s+(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER})"),
    ("from", rf"(?:from|after|since|starting (?:at|from)|skip(?: first)?)\s+(?P<a>{_T})"),
    ("from", rf"(?:from\s+)?(?P<a>{_T})\s*(?:-|\+|onwards?|on)"),
    ("until", rf"(?:until|till|up to|to|before)\s+(?P<a>{_T})"),
)


def _plain(text: str) -> str:
    """Lower case, plain dashes and decimal points, no filler words, single spaces."""
    text = text.casefold().replace("\u2013", "-").replace("\u2014", "-").replace("\u2192", "-")
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    for word, number in _WORDS.items():
        text = re.sub(rf"\b{word}\b", number, text)
    return " ".join(re.sub(_FILLER, " ", text).split())


def read_span(said: str) -> Span | None:
    """The span that a phrase names; None for one that names something else, or something more."""
    text = _plain(said)
    if re.fullmatch(_WHOLE, text):
        return Span()
    for form, pattern in _FORMS:
        match = re.fullmatch(pattern, text)
        if match is None:
            continue
        parts = match.groupdict()
        unit = parts.get("unit")
        a, b = _times(parts["a"], parts.get("b"), unit)
        if a is None or (parts.get("b") and b is None):
            return None
        return _built(form, a, b)
    return None


def _built(form: str, a: int, b: int | None) -> Span:
    match form:
        case "first" | "until":
            return Span(end_ms=a)
        case "last":
            return Span(from_end_ms=a)
        case "from":
            return Span(start_ms=a or None)
        case "during":
            return Span(start_ms=a, end_ms=a + (b or 0))
        case _:
            return Span(start_ms=a, end_ms=b)


def _times(a: str, b: str | None, unit: str | None) -> tuple[int | None, int | None]:
    """Both times in milliseconds; a plain number takes the single unit of the other."""
    lent = unit or _only_unit(a) or (_only_unit(b) if b else None)
    return _time(a, lent), (_time(b, lent) if b else None)


def _only_unit(text: str) -> str | None:
    units = re.findall(_UNIT, text)
    return units[0] if len(units) == 1 else None


def _time(text: str, lent: str | None = None) -> int | None:
    """Milliseconds; None for a clock such as 1:75 that no clock shows."""
    if re.fullmatch(_UNIT, text):  # "the first minute"
        return _unit_ms(text)
    if ":" in text:
        return _clock(text)
    if re.fullmatch(_NUMBER, text):
        return round(Decimal(text) * (_unit_ms(lent) if lent else 1_000))
    parts = re.findall(rf"({_NUMBER})\s*({_UNIT})", text)
    return round(sum(Decimal(number) * _unit_ms(unit) for number, unit in parts))


def _clock(text: str) -> int | None:
    *high, seconds = (Decimal(part) for part in text.split(":"))
    if seconds >= 60 or (len(high) == 2 and high[1] >= 60):
        return None
    minutes = high[0] if len(high) == 1 else high[0] * 60 + high[1]
    return round((minutes * 60 + seconds) * 1_000)


def _unit_ms(unit: str) -> int:
    return _UNIT_MS["ms" if unit.startswith(("ms", "milli")) else unit[0]]


def _named(said: Mapping[str, Any]) -> Span | None:
    """`{"start": "1:30", "end": 165}`: words or seconds; `_ms` names hold milliseconds."""
    ends: dict[str, int | None] = {"start": None, "end": None}
    for key, value in said.items():
        name = key.removesuffix("_ms")
        if name not in ends or ends[name] is not None or isinstance(value, bool):
            return None
        if key.endswith("_ms"):
            ends[name] = value if isinstance(value, int) and value >= 0 else -1
        elif isinstance(value, int | float):
            # 1e999 is read from JSON as infinite.
            ends[name] = round(Decimal(str(value)) * 1_000) if 0 <= value < inf else -1
        elif isinstance(value, str) and re.fullmatch(_T, _plain(value)):
            ends[name] = _time(_plain(value))
        if value is not None and (ends[name] is None or ends[name] == -1):
            return None
    return Span(start_ms=ends["start"] or None, end_ms=ends["end"])
