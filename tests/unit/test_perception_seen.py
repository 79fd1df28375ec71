"""Which stretches of a source were looked at, and which are missing."""

from fractions import Fraction

import pytest

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.perception.seen import (
    Faces,
    Seen,
    joined,
    name_of,
    run_named,
    runs_of,
    span_of,
    steps_of,
)


def part(start: str, end: str) -> Interval:
    return Interval(start=Fraction(start), end=Fraction(end))


def face(time: int) -> Faces:
    return Faces(time=Fraction(time), boxes=((0.5, 0.4, 0.1, 0.2),))


@pytest.mark.parametrize(
    ("within", "steps"),
    [
        (None, {0, 1, 2, 3}),
        ([part("0", "10")], {0}),
        ([part("9.9", "10.1")], {0, 1}),
        ([part("10", "20"), part("31", "99")], {1, 3}),
        ([], set()),
    ],
    ids=["everything", "one step", "over a border", "beyond the end", "nothing"],
)
def test_a_stretch_is_widened_to_whole_steps_inside_the_source(within, steps):
    assert steps_of(Fraction("35.5"), within) == steps


def test_a_picture_without_a_length_has_one_step():
    assert steps_of(Fraction(0), None) == {0}


def test_steps_that_follow_each_other_are_looked_at_in_one_go():
    assert runs_of({5, 1, 2, 7, 6}) == [range(1, 3), range(5, 8)]
    assert runs_of([]) == []
    assert span_of(range(1, 3)) == ("10", "30")


def test_a_stretch_is_found_again_by_its_name():
    assert run_named(name_of(range(3, 12))) == range(3, 12)
    assert run_named("words-pocketsphinx-2") is None
    assert run_named("look-2") is None, "of an older way to look"


def test_what_stretches_show_is_put_together_in_order_and_once():
    one = Seen(shots=(Fraction(12),), faces=(face(11), face(12)))
    other = Seen(shots=(Fraction(3), Fraction(12)), faces=(face(3), face(12)))
    both = joined([one, other])
    assert both.shots == (3, 12)
    assert [f.time for f in both.faces] == [3, 11, 12]
    assert both.only({0}) == Seen(shots=(Fraction(3),), faces=(face(3),))
