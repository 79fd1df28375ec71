"""What is read of FFmpeg's description of a file."""

import pytest

from mosaic_mcp.studio.render.facts import parse_facts

LINE = (
    "  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p({}), 720x576, 9 kb/s"
)


@pytest.mark.parametrize(
    ("notes", "matrix"),
    [
        ("tv, bt709, progressive", "bt709"),
        ("tv, smpte170m/smpte170m/bt709, progressive", "smpte170m"),
        ("tv, bt470bg/bt709/bt709", "smpte170m"),
        ("tv, bt2020nc/bt2020/bt709, progressive", "bt2020"),
        ("tv, bt2020nc/bt2020/arib-std-b67", "bt2020"),
        ("pc, unknown/bt709/bt709", "smpte170m"),
        ("progressive", "smpte170m"),
    ],
)
def test_the_matrix_is_told_apart_from_primaries_and_transfer(notes, matrix):
    assert parse_facts(LINE.format(notes)).matrix == matrix


def test_untagged_pictures_are_taken_as_players_take_them():
    assert parse_facts(LINE.format("tv").replace("720x576", "1280x720")).matrix == "bt709"
