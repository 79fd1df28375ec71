"""timeline.zip as editors read it: cut by cut the frames that the render shows."""

import io
import zipfile
from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio
import pytest

from mosaic_mcp.studio.export import write_bundle, write_subtitles
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    Clip,
    Framing,
    Graphic,
    Source,
    Span,
    Timeline,
)
from tests.support.coded import FFMPEG, counted, numbers, source_of
from tests.support.editors import read, shots

RATES = [F(25), F(30000, 1001), F(60)]
CUTS = [(3, 20), (21, 40), (100, 101), (60, 90), (150, 160)]
"""Frames of the source, first and end; not in the source's order."""


def of(source: Source, *spans: tuple[int, int], **more) -> Timeline:
    """Spans of a source in frames of its canvas rate."""
    whole = from_source(source, tile="in")
    clips = tuple(
        Clip(source=source.sha256, start=a / whole.frame_rate, end=b / whole.frame_rate, tile="cut")
        for a, b in spans
    )
    return whole.model_copy(update={"clips": clips, **more})


def bundle(timeline: Timeline, folder: Path, **how) -> zipfile.ZipFile:
    out = folder / "timeline.zip"
    write_bundle(timeline, out, media=how.pop("media", {}), **how)
    return zipfile.ZipFile(io.BytesIO(out.read_bytes()))


@pytest.mark.parametrize("rate", RATES, ids=str)
async def test_every_format_holds_the_frames_that_the_render_shows(tmp_path: Path, rate: F):
    path = counted(tmp_path / "in.mp4", 170, rate=rate)
    source = source_of(path, name="My talk.mp4")
    timeline = of(source, *CUTS)
    job = tmp_path / "job"
    job.mkdir()
    out = tmp_path / "out.mp4"
    await render(timeline, {source.sha256: path}, out, job=job, ffmpeg=FFMPEG, quality="standard")
    shown = numbers(out)
    with bundle(timeline, tmp_path, media={source.sha256: path}) as archive:
        read_back = {
            "otio": shots(read(archive, "timeline.otio", "otio_json")),
            "xml": shots(read(archive, "timeline.xml", "fcp_xml")),
            "edl": shots(read(archive, "timeline.edl", "cmx_3600", rate=round(rate))),
        }
    for name, cuts in read_back.items():
        assert [s.source for s in cuts] == CUTS, name
        assert [f for s in cuts for f in range(*s.source)] == shown, name
        ends = [s.record for s in cuts]
        assert ends[0][0] == 0
        assert ends[-1][1] == len(shown)
        assert all(a[1] == b[0] for a, b in pairwise(ends)), name


async def test_cuts_that_round_to_one_frame_are_the_renders_cuts_too(tmp_path: Path):
    """Clips that follow each other by less than a frame, or without a gap."""
    path = counted(tmp_path / "in.mp4", 90, rate=F(30))
    source = source_of(path)
    whole = from_source(source, tile="in")
    third = F(1, 90)
    clips = [
        Clip(source=source.sha256, start=F(0), end=F(10, 30)),
        Clip(source=source.sha256, start=F(10, 30), end=F(20, 30)),  # goes on: no cut at all
        Clip(source=source.sha256, start=F(21, 30) + third, end=F(31, 30) + third),
        # Its first frame is the last of the clip before, by rounding.
        Clip(source=source.sha256, start=F(30, 30) + third, end=F(40, 30) + third),
    ]
    timeline = whole.model_copy(update={"clips": tuple(clips)})
    job = tmp_path / "job"
    job.mkdir()
    out = tmp_path / "out.mp4"
    await render(timeline, {source.sha256: path}, out, job=job, ffmpeg=FFMPEG, quality="standard")
    with bundle(timeline, tmp_path) as archive:
        for name, adapter in (("timeline.otio", "otio_json"), ("timeline.xml", "fcp_xml")):
            cuts = shots(read(archive, name, adapter))
            assert [f for s in cuts for f in range(*s.source)] == numbers(out), name
            assert cuts[0].source == (0, 20), "one clip where nothing is cut"


def source(sha: str, name: str, **more) -> Source:
    facts = {
        "duration": F(10),
        "width": 1920,
        "height": 1080,
        "frame_rate": F(25),
        "audio_channels": 2,
        "audio_rate": 48_000,
    }
    return Source(sha256=sha * 8, name=name, **(facts | more))


def both(*sources: Source, **more) -> Timeline:
    """Two seconds of each source."""
    whole = from_source(sources[0], tile="in")
    clips = tuple(Clip(source=s.sha256, start=F(1), end=F(3), tile="cut") for s in sources)
    update = {"clips": clips, "sources": {s.sha256: s for s in sources}, **more}
    return whole.model_copy(update=update)


def test_media_are_linked_by_relative_paths_and_never_packed(tmp_path: Path):
    one, two = source("a", "Mein Gespräch 50%.MOV"), source("b", "Mein Gespräch 50%.MOV")
    kept = {one.sha256: tmp_path / "one.mov", two.sha256: tmp_path / "two.mov"}
    with bundle(both(one, two), tmp_path, media=kept) as archive:
        links = {
            name: [s.media for s in shots(read(archive, f"timeline.{name}", adapter))]
            for name, adapter in (("otio", "otio_json"), ("xml", "fcp_xml"))
        }
        listed = archive.read("README.txt").decode()
        assert not [n for n in archive.namelist() if n.endswith((".mov", ".mp4"))]
    assert links["otio"] == links["xml"]
    paths = [otio.url_utils.filepath_from_url(link) for link in links["otio"]]
    assert paths == ["media/Mein Gespräch 50.mov", "media/Mein Gespräch 50-bbbbbbbb.mov"]
    assert all(path in listed for path in paths), "the README says where to put the files"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\system32",
        "a\nb\x00c\x1b]<&>\"'.mp4",
        "con.mp4",
        "\ud83d.mp4",
        "\ufffe\udcff.mp4",
        "* FROM CLIP NAME: evil\n002  AX V C 00:00:00:00 00:00:09:00 00:00:00:00 00:00:09:00",
        "." * 300,
        "x" * 4000,
    ],
    ids=range(9),
)
def test_a_hostile_name_stays_a_name(tmp_path: Path, name: str):
    with bundle(both(source("a", name), name=name), tmp_path) as archive:
        assert sorted(archive.namelist()) == [
            "README.txt",
            "timeline.edl",
            "timeline.otio",
            "timeline.xml",
        ]
        for entry, adapter in (("otio", "otio_json"), ("xml", "fcp_xml"), ("edl", "cmx_3600")):
            how = {"rate": 25} if entry == "edl" else {}
            (shot,) = shots(read(archive, f"timeline.{entry}", adapter, **how))
            assert shot.source == (25, 75)
            if entry != "edl":
                path = otio.url_utils.filepath_from_url(shot.media)
                folder, _, file = path.partition("/")
                assert folder == "media"
                assert "/" not in file
                assert "\\" not in file
                assert not file.startswith(".")
                assert len(file) < 120


def test_sound_goes_with_the_picture_and_a_silent_source_leaves_a_gap(tmp_path: Path):
    silent = source("b", "silent.mp4", audio_channels=0)
    with bundle(both(source("a", "a.mp4"), silent, source("c", "c.mp4")), tmp_path) as archive:
        for name, adapter in (("timeline.otio", "otio_json"), ("timeline.xml", "fcp_xml")):
            timeline = read(archive, name, adapter)
            sound = shots(timeline, "Audio")
            assert [s.record for s in sound] == [(0, 50), (100, 150)], name
            assert [s.source for s in sound] == [(25, 75)] * 2, name


def test_captions_come_along_as_subtitles_and_markers(tmp_path: Path):
    talk = source("a", "a.mp4")
    words = tuple(
        CaptionWord(source=talk.sha256, text=text, start=F(n, 2), end=F(n, 2) + F(2, 5))
        for n, text in enumerate(("cut", "Hello,", "<b>world</b>", "&"), start=1)
    )
    timeline = both(talk, captions=Captions(words=words))
    made = tmp_path / "made"
    made.mkdir()
    write_subtitles(timeline, made)
    with bundle(timeline, tmp_path, subtitles=made) as archive:
        srt = archive.read("captions.srt").decode()
        assert srt == (made / "captions.srt").read_text("utf-8")
        assert archive.read("captions.vtt").decode().startswith("WEBVTT")
        markers = read(archive, "timeline.xml", "fcp_xml").tracks.markers
    assert "00:00:00,000 -->" in srt, "what is said at 1 s is said at the clip's start"
    assert "away" not in srt
    assert [m.name for m in markers] == ["Hello, <b>world</b> &"]
    assert [m.marked_range.start_time.to_frames() for m in markers] == [0]


def test_graphics_come_along_as_markers(tmp_path: Path):
    talk = source("a", "a.mp4")
    over = Span(source=talk.sha256, start=F(3, 2), end=F(5, 2))
    gone = Span(source=talk.sha256, start=F(50), end=F(52))
    graphics = (
        Graphic(kind="title", texts=("Gone",), over=gone),
        Graphic(kind="lower-third", texts=("Ada & <Bo>", "engineer"), over=over),
    )
    with bundle(both(talk, graphics=graphics), tmp_path) as archive:
        for name, adapter in (("timeline.otio", "otio_json"), ("timeline.xml", "fcp_xml")):
            (marker,) = read(archive, name, adapter).tracks.markers
            assert marker.name == "Ada & <Bo> / engineer"
            marked = marker.marked_range
            assert (marked.start_time.to_frames(), marked.duration.to_frames()) == (12, 25), name


def test_a_reframe_is_the_editors_own_motion(tmp_path: Path):
    wide = source("a", "a.mp4")
    timeline = both(wide, width=1080, height=1920, framing=Framing(fit="crop"))
    with bundle(timeline, tmp_path) as archive:
        (clip,) = read(archive, "timeline.xml", "fcp_xml").video_tracks()[0].find_clips()
    (motion,) = clip.effects
    scale, centre = motion.metadata["fcp_xml"]["parameter"]
    assert (scale["name"], float(scale["value"])) == ("Scale", pytest.approx(177.778))
    assert (centre["name"], centre["keyframe"]["when"]) == ("Center", "25")


def test_the_same_edit_gives_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_bundle(both(source("a", "a.mp4")), tmp_path / name / "t.zip", media={})
    one, two = ((tmp_path / name / "t.zip").read_bytes() for name in ("one", "two"))
    assert one == two
