"""Stretches of time: what shares time with what, and cuts of many of them at once."""

from fractions import Fraction as F
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.speech import moments, sentences
from mosaic_mcp.studio.tiles.speech.heard import Heard
from mosaic_mcp.studio.tiles.speech.sounds import sounds_without
from mosaic_mcp.studio.tiles.speech.spans import Pace, Stretches, keep, tighten
from mosaic_mcp.studio.timeline import edit
from mosaic_mcp.studio.timeline.edit import placed_words, trim
from tests.support.tiles import source, speak, timeline


def stretch(start, end) -> Interval:
    return Interval(start=F(start), end=F(end))


some = st.tuples(st.integers(0, 12), st.integers(0, 4)).map(lambda t: stretch(t[0], sum(t)))


@given(st.lists(some, max_size=8), some)
def test_stretches_touch_what_shares_time_with_one_of_them_and_hold_the_times_in_one(parts, other):
    known = Stretches(parts)
    assert known.touch(other) == any(p.start < other.end and other.start < p.end for p in parts)
    assert known.hold(other.start) == any(p.start <= other.start < p.end for p in parts)


def test_the_rest_of_a_removed_word_goes_unless_it_is_long_or_a_word_is_in_it():
    speech = [stretch(0, "1"), stretch(2, "3.2"), stretch(5, 8), stretch(9, "9.2")]
    cuts = [stretch(0, "0.9"), stretch(2, "3"), stretch(5, 6)]
    assert sounds_without(cuts, speech, [stretch("3.1", "3.3")]) == [
        stretch("3", "3.3"),
        stretch(6, 8),
        stretch(9, "9.2"),
    ]


def test_a_pause_is_shortened_where_it_is_long_or_holds_a_cut_and_no_other_is():
    sounds = [stretch(1, 2), stretch("2.3", 3), stretch("3.3", 4), stretch(6, 7)]
    pace = Pace(longest_pause=F(1), before=F(1, 10), after=F(1, 10))
    kept = tighten(sounds, [stretch("2.1", "2.2"), stretch(4, "4.5")], F(7), pace, F(0))
    assert kept == [stretch("0.9", "2.1"), stretch("2.2", 4), stretch("5.9", 7)]


def counted(monkeypatch, *modules) -> list[int]:
    """How many clips each search for the places of all clips walked through."""
    walked: list[int] = []
    places = edit.offsets

    def offsets(of):
        walked.append(len(of.clips))
        return places(of)

    for module in modules:
        monkeypatch.setattr(module, "offsets", offsets)
    return walked


def test_many_spans_are_kept_as_if_each_were_trimmed_alone_by_one_walk_through_the_clips(
    monkeypatch,
):
    talk = keep(timeline(source()), [stretch(n, n + F(2, 3)) for n in range(50)], "first")
    wanted = [stretch(n, n + F(3, 5)) for n in range(30)]
    alone = [trim(talk, span.start, span.end).clips for span in wanted]
    walked = counted(monkeypatch, edit)
    kept = keep(talk, wanted, "second").clips
    assert walked == [50]
    assert [(c.start, c.end) for c in kept] == [(c.start, c.end) for c in chain(*alone)]


def test_moments_of_a_talk_of_many_clips_walk_through_all_of_them_only_a_few_times(monkeypatch):
    words = speak("Another sentence that is long enough for a picture. (1) " * 40)
    talk = timeline(source(duration=words[-1].end))
    talk = keep(talk, [stretch(F(n, 3), F(n + 1, 3) - F(1, 30)) for n in range(360)], "cut")
    heard = Heard(words=tuple(placed_words(talk, {"talk": words})), language="en")
    walked = counted(monkeypatch, edit, sentences)
    assert len(moments.moments(talk, heard)) > 20
    assert walked.count(360) <= 3
