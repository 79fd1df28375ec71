"""What a Montage prompt asks for: how fast it is cut, and how long it is.

A prompt names times of other things too: of its cuts ("2 s clips"), or a decade ("80s style").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mosaic_mcp.contract.words import listed

PACE_S = {"fast": 0.9, "usual": 1.9, "slow": 3.6}
"""Seconds from cut to cut, about."""
_FAST = re.compile(
    r"\b(fast|quick|rapid|energetic|dynamic|hype|punchy|snappy|intense)", re.IGNORECASE
)
_SLOW = re.compile(r"\b(slow|calm|relax|gentle|dreamy|cinematic|emotional|peaceful)", re.IGNORECASE)
_NUMBER = r"\d+(?:\.\d+)?"
_TIME = re.compile(
    rf"(?<![\w.])(?=\d)(?:(?P<minutes>{_NUMBER})[\s-]*(?:m|mins?|minutes?)\b(?:(?:\s+and)?\s+(?=\d))?)?"
    rf"(?:(?P<seconds>{_NUMBER})[\s-]*(?:s|secs?|seconds?)\b)?",
    re.IGNORECASE,
)
_NEAR = 40
"""Letters before a time that may say what of it is."""
_CUTS_BEFORE = re.compile(
    r"\b(?:every|each|per|cuts?|clips?|shots?)(?:\s+(?:of|at|about|around|for|is|are|lasts?|lasting"
    r"|every|each))*\s*$",
    re.IGNORECASE,
)
_CUTS_BEHIND = re.compile(
    r"[\s-]*(?:long\s+)?(?:cuts|clips|shots|each|apart|per|an?\s+(?:cut|clip|shot))\b",
    re.IGNORECASE,
)
_A_CUT = re.compile(r"[\s-]*(?:cut|clip|shot)\b", re.IGNORECASE)
"""The montage itself in "a 15 second clip", each of its own in "fast, 2 second clip style"."""
_ONE = re.compile(r"\b(?:an?|one|this)\s+(?:\w+\s+)?$", re.IGNORECASE)
_WHOLE_BEFORE = re.compile(
    r"\b(?:length|long|total|lasts?|lasting|duration)\b(?:\s+(?:of|is|about|around))*[\s:]*$",
    re.IGNORECASE,
)
_WHOLE_BEHIND = re.compile(
    r"\s*(?:long|in length|(?:in )?total|in all|altogether|overall)\b", re.IGNORECASE
)
_DECADE = re.compile(r"(?:(?:1[89]|20)\d|[1-9])0s", re.IGNORECASE)
_SHORT_TIME = re.compile(r"[1-6]0s", re.IGNORECASE)
"""A decade too, but one that few styles are named after."""
_ENDS = re.compile(
    r"\s*(?:$|[,.;:!)]|(?:montage|video|edit|reel|film|teaser|trailer|version)\b)", re.IGNORECASE
)
_ERA = re.compile(r"\b(?:the|retro|vintage|early|late|mid|old)[\s'’-]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is read of the prompt."""

    pace_s: float
    length_s: float | None
    passed_over: tuple[str, ...] = ()
    """Times in it that are not the length: of a cut, or the name of a decade."""


def wish_of(prompt: str) -> Wish:
    """Pace and length of "a fast montage, 30 seconds"."""
    pace = "fast" if _FAST.search(prompt) else "slow" if _SLOW.search(prompt) else "usual"
    times = [(_rank(found, prompt), found) for found in _TIME.finditer(prompt) if found[0]]
    ranked = [(rank, _seconds(found), found) for rank, found in times if rank]
    best = max(ranked, key=lambda each: each[:2], default=None)
    others = [found[0].strip() for _, found in times if best is None or found is not best[2]]
    return Wish(PACE_S[pace], best[1] if best else None, tuple(others))


def length_read(wish: Wish) -> str:
    """Which of the prompt's times is the length, so that a wrong guess is seen."""
    others = listed([f"“{text}”" for text in wish.passed_over])
    read = f"{wish.length_s:g} s is read" if wish.length_s else "nothing is read"
    return (
        f"of the prompt {read} as the montage's length, not {others}; “30 seconds long” says it "
        "for certain"
    )


def _rank(found: re.Match[str], prompt: str) -> int:
    """How sure a time is the length of the montage: 2, 1, or 0 for one that is not."""
    before = prompt[max(0, found.start() - _NEAR) : found.start()]
    behind = prompt[found.end() :]
    if _CUTS_BEFORE.search(before) or _CUTS_BEHIND.match(behind):
        return 0
    if _A_CUT.match(behind) and not _ONE.search(before):
        return 0
    if _WHOLE_BEFORE.search(before) or _WHOLE_BEHIND.match(behind):
        return 2
    if not _DECADE.fullmatch(found[0]):
        return 1
    meant = _SHORT_TIME.fullmatch(found[0]) and _ENDS.match(behind) and not _ERA.search(before)
    return 1 if meant else 0


def _seconds(found: re.Match[str]) -> float:
    return 60 * float(found["minutes"] or 0) + float(found["seconds"] or 0)
