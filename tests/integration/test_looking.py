"""Shots and faces of long and of odd videos: looked at in pieces, where somebody asked to know."""

import subprocess
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception import calling, frames, looking, shots
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.perception.probe import probe
from tests.support.talking import talking_head

SCRIPT = "Welcome to the show. (0.8) Choose a quiet room with soft furniture."
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an")
LENGTH_S = 40
NO_FILM: Any = None


def made(*arguments: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A talking head again and again, for 40 seconds, with a key frame every two."""
    folder = tmp_path_factory.mktemp("talk")
    talking_head(folder / "once.mp4", SCRIPT, cut_at=3.0)
    again = ("-stream_loop", "-1", "-i", folder / "once.mp4", "-t", LENGTH_S)
    made(*again, "-vf", "scale=480:-2", *X264, "-g", "50", folder / "talk.mp4")
    return folder / "talk.mp4"


def perceive(home: Path, path: Path) -> LocalPerception:
    async def nothing(_transcript_id: str) -> None:
        return None

    return LocalPerception(Library(home), lambda _sha: nullcontext(path), nothing)


def interval(start: float, end: float) -> Interval:
    return Interval(start=Fraction(str(start)), end=Fraction(str(end)))


def seen(path: Path, *spans: tuple[float, float]) -> dict[str, Any]:
    asked = [(str(begin), str(end)) for begin, end in spans or [(0, LENGTH_S)]]
    return looking.look({"path": str(path), "spans": asked, "at_once": 2})


async def test_only_what_is_asked_for_is_looked_at_and_that_once(
    tmp_path: Path, talk: Path, monkeypatch: pytest.MonkeyPatch
):
    source = await probe(talk, name="talk")
    asked: list[object] = []
    real = calling.call

    async def noted(verb: str, **argument: object):
        asked.append(argument["spans"])
        return await real(verb, **argument)

    monkeypatch.setattr(calling, "call", noted)
    first, third = interval(2, 8), interval(21, 29)
    perception = perceive(tmp_path / "parts", talk)
    some = await perception.faces(source, [third, first])
    assert {int(face.time // 10) for face in some} == {0, 2}
    everything = await perception.faces(source)
    assert asked == [[("0", "10"), ("20", "30")], [("10", "20"), ("30", "40")]]

    whole = perceive(tmp_path / "whole", talk)
    assert await perceive(tmp_path / "parts", talk).shots(source) == await whole.shots(source)
    assert everything == await whole.faces(source), "in parts it sees what it sees at once"


def test_pieces_show_together_what_one_look_shows(talk: Path, monkeypatch: pytest.MonkeyPatch):
    at_once = seen(talk)
    assert len(at_once["shots"]) > 5
    assert len(at_once["faces"]) > LENGTH_S
    monkeypatch.setattr(looking, "PIECE_S", 8)
    assert seen(talk) == at_once
    # Key frames further apart than pieces: then there are none.
    monkeypatch.setattr(looking, "PIECE_S", 1)
    assert seen(talk) == at_once


@pytest.mark.parametrize(("suffix", "reordered"), [(".ts", 3), (".mkv", 3), (".avi", 0)])
def test_a_part_of_any_file_shows_what_the_whole_shows_there(
    tmp_path: Path, talk: Path, suffix: str, reordered: int
):
    path = tmp_path / f"talk{suffix}"
    made("-i", talk, "-t", "20", *X264, "-g", "50", "-bf", reordered, path)
    whole = seen(path)
    assert len(whole["shots"]) == len(set(whole["shots"]))
    part = seen(path, (7, 17))
    assert part["shots"] == [at for at in whole["shots"] if 7 <= Fraction(at) < 17] != []
    assert part["faces"] == [f for f in whole["faces"] if 7 <= Fraction(f["time"]) < 17]
    assert len(part["faces"]) > 10


def test_behind_the_end_of_the_picture_there_is_nothing(talk: Path):
    assert seen(talk, (80, 90)) == {"shots": [], "faces": []}


@pytest.mark.parametrize("rate", [4, 5, 10])
def test_a_cut_is_found_where_there_are_few_pictures(tmp_path: Path, rate: int):
    path = tmp_path / "slow.mp4"
    inputs = [
        part
        for kind in ("smptebars", "testsrc2")
        for part in ("-f", "lavfi", "-i", f"{kind}=size=160x90:rate={rate}:duration=3")
    ]
    join = ("-filter_complex", "concat=n=2")
    made(*inputs, *join, *X264, "-g", 2 * rate, "-sc_threshold", "0", path)
    assert seen(path)["shots"] == ["3"]


def one_after_another(first_s: float, *join: str) -> list[str]:
    """The options that put a still picture before a moving one."""
    pictures = (
        f"smptebars=size=160x90:rate=25:duration={first_s}",
        "testsrc2=size=160x90:rate=25:duration=3",
    )
    inputs = [part for picture in pictures for part in ("-f", "lavfi", "-i", picture)]
    return [*inputs, "-filter_complex", *join]


def test_what_goes_over_slowly_is_no_cut(tmp_path: Path):
    """From one reference frame to the next it changes as much as at a cut."""
    path = tmp_path / "fade.mp4"
    grays = [f"color=0x{gray * 3}:size=160x90:rate=25:duration=3" for gray in ("33", "8c")]
    inputs = [part for gray in grays for part in ("-f", "lavfi", "-i", gray)]
    fade = ("-filter_complex", "xfade=duration=0.5:offset=2.3")
    made(*inputs, *fade, *X264, "-bf", "3", "-g", "50", "-sc_threshold", "0", path)
    assert seen(path)["shots"] == []


def test_a_change_over_several_frames_says_what_is_usual_for_one():
    """Only around a probable cut all frames are seen."""
    walk = [shots._Change(Fraction(n), Fraction(n + 3), 6.0, 3) for n in range(0, 30, 3)]
    cut = shots._Change(Fraction(30), Fraction(31), 14.0, 1)
    assert list(shots._cuts(NO_FILM, Fraction(0), [], [*walk, cut])) == [31]


def test_a_stream_without_an_index_is_seen_from_its_first_picture(tmp_path: Path):
    """With frames that are decoded early a seek to its begin ends at the second key frame."""
    path = tmp_path / "broadcast.ts"
    options = ("-bf", "3", "-g", "50", "-sc_threshold", "0")
    made(*one_after_another(1.2, "concat=n=2"), *X264, *options, path)
    assert seen(path)["shots"] == ["6/5"]
    with frames.film(str(path), 1) as film:
        keys, _ = film.key_frames((Fraction(0), Fraction(4)))
        assert [key.time for key in keys] == [0, 2, 4]
        for key in keys:
            first = next(film.samples((key.time, key.time + 1)))
            assert first.time == key.time


@pytest.mark.parametrize("frames_before", [0, 1, 2, 3])
def test_a_cut_is_found_in_the_frames_before_an_open_group(tmp_path: Path, frames_before: int):
    """They are shown before the key frame and stored behind it; here also at the end of a span."""
    path = tmp_path / "open.mp4"
    group = "open-gop=1:keyint=52:min-keyint=52:scenecut=0:bframes=3:b-adapt=0"
    cut = Fraction(52 - frames_before, 25)
    made(*one_after_another(float(cut), "concat=n=2"), *X264, "-x264-params", group, path)
    assert seen(path)["shots"] == [str(cut)]
    parts = [seen(path, span)["shots"] for span in ((0, 2.08), (2.08, 4))]
    assert parts == ([[], [str(cut)]] if frames_before == 0 else [[str(cut)], []])


def test_a_cut_is_found_after_a_picture_that_stood_still(tmp_path: Path):
    path = tmp_path / "slide.mkv"
    slide = ("-f", "lavfi", "-i", "smptebars=size=160x90:rate=25:duration=3")
    camera = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=3")
    once = "[0:v]select='not(mod(n,60))'[slide];[slide][1:v]concat=n=2"
    made(
        *slide,
        *camera,
        "-filter_complex",
        once,
        "-fps_mode",
        "vfr",
        *X264,
        "-g",
        "12",
        "-sc_threshold",
        "0",
        path,
    )
    # Two pictures of the slide, each for 2.4 seconds.
    assert seen(path)["shots"] == ["24/5"]


@pytest.mark.parametrize(
    ("seconds", "at_once", "count"),
    [(59, 2, 1), (60, 2, 2), (119, 4, 1), (120, 4, 4), (121, 2, 2), (600, 2, 6), (600, 4, 8)],
)
def test_pieces_are_alike_and_leave_nobody_idle(seconds: int, at_once: int, count: int):
    pieces = list(looking._pieces((Fraction(5), Fraction(5 + seconds)), at_once))
    assert len(pieces) == count
    assert {end - begin for begin, end in pieces} == {Fraction(seconds, count)}
    edges = [edge for piece in pieces for edge in piece]
    assert edges[0] == 5
    assert edges[-1] == 5 + seconds
    assert edges[1:-1:2] == edges[2::2]
