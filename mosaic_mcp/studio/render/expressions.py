"""FFmpeg expressions for many pieces, as balanced trees.

A sum of `between()` terms fails above 100 terms and is slow before that; a tree of `if(lt(…))`
takes ten thousand pieces. Only numbers made here enter an expression, never text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

Spans = Sequence[tuple[int, int]]


def tree(variable: str, starts: Sequence[str], leaf: Callable[[int], str]) -> str:
    """`leaf(i)` where `variable` is in piece i; piece i begins at `starts[i]`, rising."""

    def branch(low: int, high: int) -> str:
        if high - low == 1:
            return leaf(low)
        middle = (low + high) // 2
        left, right = branch(low, middle), branch(middle, high)
        return f"if(lt({variable},{starts[middle]}),{left},{right})"

    return branch(0, len(starts))


def selection(spans: Spans) -> str:
    """1 for the frames of the spans (first, last), by their number `pts`; rising and disjoint."""
    starts = [str(first) for first, _ in spans]
    return tree("pts", starts, lambda i: f"between(pts,{spans[i][0]},{spans[i][1]})")


def path(keys: Sequence[tuple[Fraction, float, bool]], *, early: Fraction) -> str:
    """A value over time `t`: smoothstep from key to key, a jump where a key is a cut.

    `keys` are (seconds, value, cut), rising. Comparisons come `early` seconds before the keys
    (half a frame), so that rounding never shows a jump one frame late.
    """
    starts = ["0"] + [number(key[0] - early) for key in keys[1:]]

    def leaf(i: int) -> str:
        time, value, _ = keys[i]
        if i + 1 == len(keys) or keys[i + 1][2] or keys[i + 1][1] == value:
            return decimal(value)
        until, target, _ = keys[i + 1]
        # The share of the way, kept in variable 0, then 3u² - 2u³.
        share = f"st(0,clip((t-{number(time)})/{number(until - time)},0,1))"
        return f"{decimal(value)}+{decimal(target - value)}*pow({share},2)*(3-2*ld(0))"

    return tree("t", starts, leaf)


def distinct(
    keys: Sequence[tuple[Fraction, float, bool]],
) -> list[tuple[Fraction, float, bool]]:
    """The keys in order of time; of several at one moment, the last."""
    rising = sorted(keys, key=lambda key: key[0])
    last = [a for a, b in pairwise(rising) if a[0] < b[0]]
    return [*last, rising[-1]]


def number(seconds: Fraction) -> str:
    """A time to the microsecond."""
    return f"{float(seconds):.6f}"


def decimal(value: float) -> str:
    """A share of the picture; brackets, because it may be negative."""
    return f"({value:.6f})"
