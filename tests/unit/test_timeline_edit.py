"""Edits keep exact time, and the two mappings are each other's inverse."""

from fractions import Fraction as F

from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.timeline.edit import (
    canvas_rate,
    from_source,
    offsets,
    placed_words,
    snap,
    to_output,
    to_source,
    tracks_in,
    trim,
)
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline, Track

RATE = F(30000, 1001)
TALK = Source(
    sha256="talk", name="talk.mp4", duration=F(60), width=1921, height=1080, frame_rate=RATE
)


def cut(*spans: tuple[F | int, F | int]) -> Timeline:
    whole = from_source(TALK, tile="in")
    clips = tuple(Clip(source="talk", start=a, end=b, tile="in") for a, b in spans)
    return whole.model_copy(update={"clips": clips})


times = st.fractions(min_value=0, max_value=60, max_denominator=1001)


def test_a_source_becomes_one_clip_on_an_even_canvas():
    whole = from_source(TALK, tile="in", start=F(10), end=F(20))
    assert (whole.width, whole.height, whole.frame_rate) == (1920, 1080, RATE)
    assert [(c.start, c.source, c.tile) for c in whole.clips] == [(10, "talk", "in")]
    assert abs(whole.duration - 10) < 1 / RATE


def test_a_length_in_milliseconds_holds_its_last_frame():
    rate = F(24000, 1001)
    facts = {"duration": F(64_981, 1000), "frame_rate": rate}  # 1,558 frames: 64.98158 s
    assert from_source(TALK.model_copy(update=facts), tile="in").duration == 1558 / rate


def test_clips_last_a_whole_number_of_frames():
    snapped = snap(cut((F(1), F(2)), (F(5), F(5) + F(1, 100)), (F(59), F(60))))
    assert [c.duration * RATE % 1 for c in snapped.clips] == [0, 0]
    assert all(c.end <= 60 for c in snapped.clips)


def test_trimming_reaches_over_cuts_and_keeps_the_length():
    part = trim(cut((0, 10), (20, 30)), F(8), F(13))
    assert [(c.start, c.end) for c in part.clips] == [(8, 10), (20, 23)]


@given(times, times, times, times)
def test_trimming_takes_exactly_the_asked_length(a, b, start, end):
    timeline = cut((min(a, b), max(a, b)), (F(10), F(20)))
    low, high = sorted((start, end))
    wanted = max(F(0), min(high, timeline.duration) - low)
    assert trim(timeline, low, high).duration == wanted


@given(times)
def test_output_and_source_time_are_inverse(time):
    timeline = cut((30, 50), (0, 20), (55, 60))
    for out in to_output(timeline, "talk", time):
        index, back = to_source(timeline, out)
        assert back == time
        assert offsets(timeline)[index] <= out < offsets(timeline)[index + 1]


def test_a_moment_shown_twice_is_found_twice():
    assert to_output(cut((0, 10), (5, 15)), "talk", F(7)) == [7, 12]
    assert to_output(cut((0, 10)), "talk", F(30)) == []


def test_words_follow_the_clips_that_show_them():
    words = [
        SpokenWord(text="one", start=F(1), end=F(2)),
        SpokenWord(text="cut", start=F(4), end=F(6)),
        SpokenWord(text="two", start=F(11), end=F(12), filler=True),
    ]
    placed = placed_words(cut((10, 15), (0, F(9, 2))), {"talk": words})
    assert [(w.text, w.start, w.end, w.clip) for w in placed] == [
        ("two", 1, 2, 0),
        ("one", 6, 7, 1),
    ]
    assert placed[0].filler


def test_a_word_that_a_cut_touches_ends_with_the_clip():
    words = [SpokenWord(text="word", start=F(4), end=F(6))]
    placed = placed_words(cut((0, F(11, 2))), {"talk": words})
    assert [(w.start, w.end) for w in placed] == [(4, F(11, 2))]


def test_a_muted_clip_says_nothing_and_the_same_words_are_heard_where_it_is_not():
    words = [SpokenWord(text="word", start=F(1), end=F(2))]
    muted, heard = (Clip(source="talk", start=0, end=4, volume=volume) for volume in (0, 0.5))
    both = cut().model_copy(update={"clips": (muted, heard)})
    assert [(w.start, w.clip) for w in placed_words(both, {"talk": words})] == [(5, 1)]


def test_odd_rates_become_common_ones():
    def rate(text: str, *, variable: bool = False) -> F:
        return canvas_rate(
            TALK.model_copy(update={"frame_rate": F(text), "variable_frame_rate": variable})
        )

    assert rate("30000/1001") == RATE
    assert rate("120") == 60
    assert rate("240") == 60
    assert rate("23.7", variable=True) == 24
    assert rate("28.3", variable=True) == 30
    assert rate("0") == 30


def with_tracks(*tracks: Track) -> Timeline:
    whole = cut((0, 40))
    lengths = {"tune": F(30), "voice": F(8)}
    sounds = {name: Source(sha256=name, name=name, duration=s) for name, s in lengths.items()}
    return whole.model_copy(update={"tracks": tracks, "sources": whole.sources | sounds})


def test_all_of_a_timeline_has_all_of_its_tracks_as_they_were():
    tracks = (
        Track(source="tune", loop=True, until=F(20)),
        Track(source="tune", at=F(3), start=F(1)),
        Track(source="voice", kind="voice", at=F(4)),
    )
    assert tracks_in(with_tracks(*tracks), [(F(0), F(40))]) == tracks


def test_a_part_is_heard_with_what_the_whole_has_there():
    tune, voice = Track(source="tune"), Track(source="voice", kind="voice", at=F(8))
    music, spoken = trim(with_tracks(tune, voice), F(10), F(14)).tracks
    assert (music.at, music.start) == (0, 10)
    assert (spoken.at, spoken.start, spoken.end) == (0, 2, 6)
    assert trim(with_tracks(tune, voice), F(32), F(40)).tracks == (), "both have ended"


def test_music_goes_on_over_a_cut_and_a_voice_is_cut_with_its_picture():
    music = Track(source="tune", loop=True, at=F(2), until=F(30))
    voice = Track(source="voice", kind="voice", at=F(6))
    spans = [(F(0), F(8)), (F(12), F(40))]
    one, first, second = tracks_in(with_tracks(music, voice), spans)
    assert (one.at, one.until) == (2, 26)
    assert [(t.at, t.start, t.end) for t in (first, second)] == [(6, 0, 2), (8, 6, None)]
