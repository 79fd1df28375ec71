"""Text that attacks: subtitles, captions, names. It is drawn, quoted or refused, never obeyed."""

import pytest

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.subtitles import MAX_CUE_CHARS, MAX_CUES, read_cues

HEAD = "1\n00:00:00,000 --> 00:00:05,000\n"
CUE = "00:00:00,000 --> 00:00:05,000\nword\n\n"


@pytest.mark.parametrize("text", ["[", "(", "<", "{", "♪", "<b", "&", "a ", "-", "\n[", "\n"])
def test_a_subtitle_without_end_is_refused(text):
    """To read some of these took the square of their length: hours for five megabytes."""
    with pytest.raises(MediaError):
        read_cues(HEAD + text * (4_000_000 // len(text)), "srt")


def test_more_subtitles_than_a_video_has_are_refused():
    with pytest.raises(MediaError, match="subtitles"):
        read_cues(CUE * (MAX_CUES + 1), "srt")
    assert len(read_cues(CUE * 100, "srt")) == 100
    assert len(read_cues(HEAD + "a " * (MAX_CUE_CHARS // 3), "srt")) == 1


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "WEBVTT",
        "1\n99999999999999999999:00:00,000 --> 99999999999999999999:00:05,000\nhey\n",
        "1\n-1:00:00,000 --> 00:00:05,000\nhey\n",
        "9" * 4000 + "\n00:00:00,000 --> " + "0" * 4000,
        "WEBVTT\n\nSTYLE\n::cue{background:url(file:///etc/passwd)}\n\n",
        "[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:05.00,x,,0,0,0,,hey\n",
        "\ud800",
    ],
)
def test_crafted_subtitles_are_read_or_refused_and_nothing_else(text, kind):
    try:
        cues = read_cues(text, kind)
    except MediaError:
        return
    assert all(word.isprintable() for cue in cues for word in cue.words)
