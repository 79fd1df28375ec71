"""What is said in a user's subtitles: every word once, and nothing that is not said."""

import pytest

from mosaic_mcp.studio.perception.subtitles import read_cues

YOUTUBE = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.310 align:start position:0%
~
Do you want<00:00:01.000><c> your</c><00:00:01.400><c> talk</c>

00:00:02.310 --> 00:00:02.320 align:start position:0%
Do you want your talk
~

00:00:02.320 --> 00:00:04.630 align:start position:0%
Do you want your talk
to<00:00:02.700><c> be</c><00:00:03.000><c> short?</c>

00:00:04.630 --> 00:00:04.640 align:start position:0%
to be short?
~

00:00:04.640 --> 00:00:06.000 align:start position:0%
to be short?
~

00:00:06.000 --> 00:00:08.000 align:start position:0%
to be short?
[Music]
"""
ROLLING = YOUTUBE.replace("~", " ")


def said(text: str, kind: str = "vtt") -> list[str]:
    return [" ".join(cue.words) for cue in read_cues(text, kind)]


def vtt(*cues: str) -> str:
    """Cues of a second each, one after the other."""
    heads = (f"00:0{i}.000 --> 00:0{i + 1}.000" for i in range(len(cues)))
    return "WEBVTT\n\n" + "\n\n".join(f"{h}\n{c}" for h, c in zip(heads, cues, strict=True))


@pytest.mark.parametrize("text", [ROLLING, YOUTUBE.replace("~", "")])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_that_roll_up_with_times_within_are_read_once(text, newline):
    cues = read_cues(text.replace("\n", newline), "vtt")
    assert [" ".join(cue.words) for cue in cues] == ["Do you want your talk", "to be short?"]
    assert [(cue.start, cue.end) for cue in cues] == [(0.16, 2.31), (2.32, 4.63)]


def test_three_rows_that_roll_up_are_read_once():
    assert said(vtt("one", "one\ntwo", "one\ntwo\nthree", "two\nthree\nfour", "four")) == [
        "one",
        "two",
        "three",
        "four",
    ]


def test_words_that_are_said_again_in_a_cue_of_their_own_stay():
    assert said(vtt("No.", "No.", "No.\nNever.")) == ["No.", "No.", "Never."]
    later = "WEBVTT\n\n00:01.000 --> 00:02.000\nNo.\n\n00:05.000 --> 00:06.000\nNo.\nNever.\n"
    assert said(later) == ["No.", "No. Never."]


def test_a_cue_that_is_written_twice_is_read_once():
    cue = "00:01.000 --> 00:02.000\nNo.\n\n"
    assert said(f"WEBVTT\n\n{cue}{cue}") == ["No."]


def test_comments_styles_regions_and_names_of_cues_are_not_said():
    text = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

REGION
id:below

intro
00:01.000 --> 00:02.000 region:below
<v Ada>Hello <b>you</b>.

NOTE The next one is
a question.

2
01:00:02.000 --> 01:00:03.000
The answer is
42
"""
    assert said(text) == ["Hello you.", "The answer is 42"]
    assert read_cues(text, "vtt")[1].start == 3602


def test_signs_that_are_written_out_are_read_as_such():
    assert said(vtt("&gt;&gt; Black&nbsp;&amp;&nbsp;white", "1 &lt;2&gt; 3")) == [
        "Black white",
        "1 <2> 3",
    ]
    assert said(vtt("R&amp;D")) == ["R&D"]


def test_webvtt_in_a_file_of_another_name_is_read_as_what_it_is():
    assert said(ROLLING, "srt") == said(ROLLING)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_signs_of_music_go_and_what_is_sung_and_said_after_them_stays(kind):
    text = vtt("♪", "♪We are here♪ and", "♫ then we talk").removeprefix("WEBVTT\n\n")
    text = text.replace(".000", ",000").replace("00:0", "00:00:0")
    assert said(text, kind) == ["We are here and", "then we talk"]
