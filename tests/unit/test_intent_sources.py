"""One string names a source; which kind is told from its form."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.intent.sources import Source, parse_source

UUID = "7ba7b810-9dad-11d1-80b4-00c04fd430c8"
TUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.mark.parametrize(
    ("said", "kind", "value"),
    [
        ("~/talk.mp4", "file", "~/talk.mp4"),
        ("/home/me/My Videos/talk one.mp4", "file", "/home/me/My Videos/talk one.mp4"),
        ("talk.mp4", "file", "talk.mp4"),
        ("'/home/me/talk.mp4'", "file", "/home/me/talk.mp4"),
        ("“talk.mp4”", "file", "talk.mp4"),
        ("file:///home/me/My%20Videos/a.mp4", "file", "/home/me/My Videos/a.mp4"),
        ("file://localhost/home/me/a.mp4", "file", "/home/me/a.mp4"),
        ("file:///home/me/take #2?.mp4", "file", "/home/me/take #2?.mp4"),
        ("https://example.com/a.mp4?sig=1", "url", "https://example.com/a.mp4?sig=1"),
        ("HTTP://example.com/a.mp4", "url", "HTTP://example.com/a.mp4"),
        (TUBE, "youtube", TUBE),
        ("https://www.youtube.com/watch?list=PL1&v=dQw4w9WgXcQ&t=30s", "youtube", TUBE),
        ("youtube.com/watch?v=dQw4w9WgXcQ", "youtube", TUBE),
        ("www.youtube.com/watch?v=dQw4w9WgXcQ", "youtube", TUBE),
        ("https://youtu.be/dQw4w9WgXcQ?si=x", "youtube", TUBE),
        ("youtu.be/dQw4w9WgXcQ", "youtube", TUBE),
        ("https://m.youtube.com/shorts/dQw4w9WgXcQ", "youtube", TUBE),
        ("https://www.youtube.com/live/dQw4w9WgXcQ?feature=share", "youtube", TUBE),
        ("https://www.youtube.com/embed/dQw4w9WgXcQ", "youtube", TUBE),
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", "youtube", TUBE),
        (UUID, "id", UUID),
        (UUID.upper(), "id", UUID),
        (f" {UUID} ", "id", UUID),
        (f"video:{UUID}", "video", UUID),
        (f"upload:{UUID}", "video", UUID),
        (f"render:{UUID}", "render", UUID),
        (f"Render: {UUID}", "render", UUID),
        (f"output:{UUID}", "render", UUID),
        (f"run:{UUID}", "run", UUID),
        (
            "mimir:b60d57d2-4b12-a80c-6f14-c5eefaa91460",
            "mimir",
            "b60d57d2-4b12-a80c-6f14-c5eefaa91460",
        ),
    ],
)
def test_the_kind_is_told_from_the_form(said, kind, value):
    assert parse_source(said) == Source(kind, value)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("", "empty"),
        ("  ''  ", "empty"),
        ("render:", "no id after render"),
        ("render:a/../b", "no id after render"),
        ("ftp://example.com/a.mp4", "ftp:// addresses"),
        ("s3://bucket/a.mp4", "s3:// addresses"),
        ("rtsp://camera/live", "rtsp:// addresses"),
        ("https://", "not a complete address"),
        ("https://exa mple.com/a.mp4", "not a complete address"),
        ("https://www.youtube.com/playlist?list=PL123", "not one video"),
        ("https://www.youtube.com/@somebody", "not one video"),
        ("youtube.com", "not one video"),
        ("file://server/share/a.mp4", "another machine"),
    ],
)
def test_what_can_be_no_source_is_refused_with_what_to_do(said, says):
    with pytest.raises(InvalidRequest, match=says) as refusal:
        parse_source(said, "videos[3]")
    [fault] = refusal.value.faults
    assert fault.where == "videos[3]"
    assert fault.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="there the path is right")
@pytest.mark.parametrize("said", ["C:\\Users\\me\\talk.mp4", "D:/talk.mp4"])
def test_a_windows_path_elsewhere_is_refused_as_what_it_is(said):
    with pytest.raises(InvalidRequest, match="Windows path"):
        parse_source(said)


@given(st.text(max_size=200))
def test_any_text_is_a_source_or_a_refusal(said):
    try:
        source = parse_source(said)
    except InvalidRequest:
        return
    assert source.value
    if source.kind not in ("file", "url"):
        assert source.value.isascii()
