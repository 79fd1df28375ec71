"""Words of messages: names that the caller may have meant, lists, articles."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(name: str, names: Sequence[str]) -> str:
    """`Did you mean 'x'? ` with a space at its end, or nothing when no name is near."""
    lower = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name.casefold(), lower, n=1, cutoff=0.6)
    return f"Did you mean {lower[near[0]]!r}? " if near else ""


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, c`, at most `most` of them and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def a(noun: str) -> str:
    """The noun with its article: `a video`, `an image`."""
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"
