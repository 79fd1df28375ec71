"""Spans in words become milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.contract.spans import Span, parse_span
from mosaic_mcp.errors import InvalidRequest


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("1:30-2:45", 90_000, 165_000),
        ("1:30 - 2:45", 90_000, 165_000),
        ("1:30–2:45", 90_000, 165_000),
        ("1:30 to 2:45", 90_000, 165_000),
        ("from 1:30 to 2:45", 90_000, 165_000),
        ("between 1:30 and 2:45", 90_000, 165_000),
        ("1:30 until 2:45", 90_000, 165_000),
        ("1:30..2:45", 90_000, 165_000),
        ("00:01:30.500 - 2:45", 90_500, 165_000),
        ("00:01:30,500 --> 00:02:45,000", 90_500, 165_000),
        ("00:01:30,500-00:02:45,000", 90_500, 165_000),
        ("1:02:03-1:02:04", 3_723_000, 3_724_000),
        ("90:00-95:30", 5_400_000, 5_730_000),
        ("90-120", 90_000, 120_000),
        ("90.25-120.75", 90_250, 120_750),
        ("0-1:30", 0, 90_000),
        ("45s to 2m", 45_000, 120_000),
        ("45 seconds to 2 minutes", 45_000, 120_000),
        ("1-2 min", 60_000, 120_000),
        ("45-90 s", 45_000, 90_000),
        ("1 min to 2", 60_000, 120_000),
        ("minutes 3 to 5", 180_000, 300_000),
        ("1h30m - 2h", 5_400_000, 7_200_000),
        ("1 minute 30 seconds to 2 minutes", 90_000, 120_000),
        ("1 minute and 30 seconds - 2 min", 90_000, 120_000),
        ("1:30 for 20 s", 90_000, 110_000),
        ("20 s from 1:30", 90_000, 110_000),
        ("1:30 + 20s", 90_000, 110_000),
    ],
)
def test_a_range_has_a_start_and_an_end(said, start, end):
    assert parse_span(said) == Span(start, end)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("first 20 minutes", 1_200_000),
        ("the first 20 minutes", 1_200_000),
        ("First 20 Min", 1_200_000),
        ("first minute", 60_000),
        ("the first two minutes of the video", 120_000),
        ("first 90", 90_000),
        ("first 1:30", 90_000),
        ("first 1.5 hours", 5_400_000),
        ("first 500 ms", 500),
        ("until 10:00", 600_000),
        ("up to 90 seconds", 90_000),
        ("start to 2:00", 120_000),
        ("from the beginning to 2:00", 120_000),
    ],
)
def test_the_first_part_has_only_an_end(said, end):
    assert parse_span(said) == Span(end_ms=end)


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("from 45 s", 45_000),
        ("from 45s", 45_000),
        ("after 1:30", 90_000),
        ("from 1:30 on", 90_000),
        ("1:30 onwards", 90_000),
        ("1:30-", 90_000),
        ("1:30 to the end", 90_000),
        ("from 1:30 to end", 90_000),
        ("skip the first 10 seconds", 10_000),
        ("starting at 2 min", 120_000),
    ],
)
def test_the_rest_has_only_a_start(said, start):
    assert parse_span(said) == Span(start_ms=start)


@pytest.mark.parametrize("said", ["last 30 s", "the last 30 seconds", "final 0:30", "last 30"])
def test_the_last_part_counts_from_the_end(said):
    assert parse_span(said) == Span(from_end_ms=30_000)


@pytest.mark.parametrize("said", ["all", "the whole video", "everything", "start to end"])
def test_everything_leaves_nothing_out(said):
    assert parse_span(said).whole


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ({"start": "1:30", "end": 165}, Span(90_000, 165_000)),
        ({"start": 1.5}, Span(start_ms=1_500)),
        ({"end": "2 min"}, Span(end_ms=120_000)),
        ({"start_ms": 250, "end_ms": 500}, Span(250, 500)),
        ({"start": None, "end": 5}, Span(end_ms=5_000)),
        ({}, Span()),
    ],
)
def test_named_ends_are_words_or_seconds_and_ms_names_are_milliseconds(said, span):
    assert parse_span(said) == span


@pytest.mark.parametrize(
    "said",
    [
        "",
        "garbage",
        "the good bit",
        "1:75-2:00",
        "1:60:00-2:00:00",
        "-5",
        "1e400",
        "first",
        "middle 30 s",
        "except the last 30 s",
        "1:30-2:45-3:00",
        {"begin": 5},
        {"start": True},
        {"start": -1},
        {"start": "soon"},
        {"start_ms": 1.5},
        {"end": 1e999},
        {"start": 1, "start_ms": 2},
    ],
)
def test_what_is_not_understood_is_refused_with_examples(said):
    with pytest.raises(InvalidRequest, match="not understood") as refusal:
        parse_span(said, where="videos[2].clip")
    [fault] = refusal.value.faults
    assert fault.where == "videos[2].clip"
    assert "first 20 minutes" in fault.remedy


@pytest.mark.parametrize("said", ["2:45-1:30", "10-10", {"start": 5, "end": 5}])
def test_an_end_at_or_before_the_start_is_refused(said):
    with pytest.raises(InvalidRequest, match="before it starts"):
        parse_span(said)


@pytest.mark.parametrize("said", ["first 0 s", "last 0 s", "until 0:00", {"end": 0}])
def test_a_part_without_length_is_refused(said):
    with pytest.raises(InvalidRequest, match="leaves nothing"):
        parse_span(said)


def test_the_last_part_needs_the_length_and_says_so():
    last = parse_span("last 30 s")
    assert last.resolve(100_000) == Span(start_ms=70_000)
    with pytest.raises(InvalidRequest, match="length of this video is not known") as refusal:
        last.resolve(None, where="videos[2].clip")
    assert [fault.where for fault in refusal.value.faults] == ["videos[2].clip"]


def test_the_last_part_of_a_shorter_video_is_all_of_it():
    assert parse_span("last 5 minutes").resolve(60_000).whole


def test_other_parts_resolve_to_themselves_without_a_length():
    assert parse_span("1:30-2:45").resolve(None) == Span(90_000, 165_000)


def clock(ms: int) -> str:
    seconds, rest = divmod(ms, 1_000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}.{rest:03}"


def spelled(ms: int) -> str:
    seconds, rest = divmod(ms, 1_000)
    return f"{seconds // 60} min {seconds % 60} s {rest} ms"


def plain(ms: int) -> str:
    return f"{ms // 1_000}.{ms % 1_000:03}"


@given(
    st.integers(0, 18_000_000),
    st.integers(1, 18_000_000),
    st.sampled_from([clock, spelled, plain]),
    st.sampled_from([clock, spelled, plain]),
    st.sampled_from(["-", " - ", " to ", " until "]),
)
def test_every_way_to_write_two_times_gives_the_same_span(start, length, first, second, to):
    if first is plain and second is spelled:
        first = clock  # a plain number borrows a single unit only; three units lend none
    said = f"{first(start)}{to}{second(start + length)}"
    assert parse_span(said) == Span(start, start + length)


@given(st.text(max_size=80))
def test_any_text_gives_a_span_or_a_refusal(said):
    try:
        span = parse_span(said)
    except InvalidRequest:
        return
    assert span.start_ms is None or span.end_ms is None or span.start_ms < span.end_ms
