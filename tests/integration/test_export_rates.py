"""timeline.zip where sources have rates and timecodes of their own."""

from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime

from mosaic_mcp.studio.export.cuts import cuts_of
from mosaic_mcp.studio.export.media import COMMON_RATES, sequence_rate
from mosaic_mcp.studio.perception.facts import examine
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import canvas_rate, from_source, snap
from mosaic_mcp.studio.timeline.model import (
    Clip,
    Cutaway,
    Graphic,
    Source,
    Span,
    Timecode,
    Timeline,
)
from mosaic_mcp.studio.timeline.timecode import LABEL, Numbering
from tests.support.coded import FFMPEG, counted, ffmpeg, numbered, numbers, source_of, write_video
from tests.support.editors import BOTH, bundle, read

NTSC = F(30000, 1001)
FIRST = 500
"""What the second source's first picture says; the first one's says 0."""


def with_timecode(path: Path, label: str) -> Path:
    """The file again with a timecode track, or a tag where its container has no such tracks."""
    out = path.with_name(f"{path.stem}-camera{path.suffix}")
    ffmpeg("-i", path, "-c", "copy", "-timecode", label, out)
    return out


def frame(time: RationalTime, rate: F) -> int:
    """A time as a whole frame of a rate; fails for what lies between frames."""
    exact = F(time.value) / F(time.rate) * rate
    assert abs(exact - round(exact)) < F(1, 10_000), "between two frames"
    return round(exact)


def into_media(clip: otio.schema.Clip, start: RationalTime | None = None) -> float:
    """Seconds from the beginning of its file at which a clip begins."""
    start = start or clip.media_reference.available_range.start_time
    return (clip.source_range.start_time - start).to_seconds()


def places(clips: list[otio.schema.Clip], sequence: F) -> list[tuple[int, int]]:
    """Where clips lie in the sequence: its frames, first and end."""
    spans = [clip.range_in_parent() for clip in clips]
    firsts = [frame(span.start_time, sequence) for span in spans]
    return [(at, at + frame(s.duration, sequence)) for at, s in zip(firsts, spans, strict=True)]


@pytest.mark.parametrize(
    ("rate", "sequence"),
    [(F(24), NTSC), (F(25), F(30)), (2 * NTSC, NTSC), (2 * NTSC, F(30))],
    ids=str,
)
async def test_a_source_of_another_rate_is_cut_where_the_render_cuts_it(
    tmp_path: Path, rate: F, sequence: F
):
    """As a clip among clips, and as a cutaway; its camera's timecode begins at one hour."""
    main_file = counted(tmp_path / "main.mp4", 80, rate=sequence)
    pictures = [numbered(FIRST + n) for n in range(int(2 * rate))]
    away_file = with_timecode(
        write_video(tmp_path / "away.mov", pictures, rate=rate), "01:00:00:00"
    )
    main = source_of(main_file)
    told = examine({"path": str(away_file)})["timecode"]
    away = source_of(away_file, timecode=Timecode(**told))
    end = int(away.duration * sequence + F(1, 100))
    # In frames of the sequence: where in the source each begins and ends.
    cuts = [(main, 0, 9), (away, 7, 20), (main, 20, 41), (away, 31, 32), (away, end - 9, end)]
    lie = [(0, 9), (9, 22), (22, 43), (43, 44), (44, 53)]
    clips = tuple(Clip(source=s.sha256, start=a / sequence, end=b / sequence) for s, a, b in cuts)
    over = Span(source=main.sha256, start=24 / sequence, end=34 / sequence)
    timeline = from_source(main, tile="in").model_copy(
        update={
            "sources": {s.sha256: s for s in (main, away)},
            "clips": clips,
            "cutaways": (Cutaway(source=away.sha256, start=13 / sequence, over=over),),
        }
    )
    media = {main.sha256: main_file, away.sha256: away_file}
    (tmp_path / "job").mkdir()
    out = tmp_path / "out.mp4"
    await render(timeline, media, out, job=tmp_path / "job", ffmpeg=FFMPEG, quality="standard")
    shown = numbers(out)
    seen = [*range(9), *range(22, 26), *range(36, 43)]
    assert [n for n, number in enumerate(shown) if number < FIRST] == seen
    with bundle(timeline, tmp_path) as archive:
        edl = archive.read("timeline.edl").decode()
        edits = {
            "otio": read(archive, "timeline.otio", "otio_json"),
            "xml": read(archive, "timeline.xml", "fcp_xml"),
            "edl": read(archive, "timeline.edl", "cmx_3600", rate=float(sequence)),
        }
    starts = {s.sha256: RationalTime(n, float(sequence)) for s, n in ((main, 0), (away, 108_000))}
    for name, edit in edits.items():
        found = list(edit.video_tracks()[0].find_clips())
        assert places(found, sequence) == lie, name
        for clip, (source, begin, _) in zip(found, cuts, strict=True):
            seconds = into_media(clip, starts[source.sha256] if name == "edl" else None)
            assert abs(seconds - begin / sequence) < 1 / source.frame_rate, (name, begin)
    for name in ("otio", "xml"):
        (cutaway,) = edits[name].video_tracks()[1].find_clips()
        assert places([cutaway], sequence) == [(26, 36)], name
        assert abs(into_media(cutaway) - 13 / sequence) < 1 / rate, name
        available = cutaway.media_reference.available_range
        assert available.start_time.rate == pytest.approx(float(rate)), name
        assert frame(available.start_time, rate) == round(rate) * 3600, name
        assert frame(available.duration, rate) == len(pictures), name
    found = list(edits["otio"].video_tracks()[0].find_clips())
    for clip, (at, _), (source, _, _) in zip(found, lie, cuts, strict=True):
        into = clip.source_range.start_time - clip.media_reference.available_range.start_time
        first = frame(into, source.frame_rate) + (FIRST if source is away else 0)
        # At the end of its source it begins up to a picture earlier, as its length needs.
        assert first in ((shown[at] - 1, shown[at]) if at == 44 else (shown[at],)), at
    assert edl.count(f"source runs at {float(rate):.6g} frames/s, from its 01:00:0") == 3


def source(sha: str, **more) -> Source:
    facts = {"name": f"{sha}.mov", "duration": F(10), "width": 1280, "height": 720}
    return Source(sha256=sha * 8, **(facts | {"frame_rate": F(25)} | more))


def mixed(*sources: Source, rate: F = NTSC) -> Timeline:
    """The second second of each source."""
    clips = tuple(Clip(source=s.sha256, start=F(1), end=F(2)) for s in sources)
    update = {"clips": clips, "sources": {s.sha256: s for s in sources}, "frame_rate": rate}
    return from_source(sources[0], tile="in").model_copy(update=update)


def test_dropped_numbers_keep_up_with_the_clock_as_opentimelineio_counts_them():
    for base in (30, 60):
        numbering, rate = Numbering(base, drop=True), base * 1000 / 1001
        minutes = [
            n * base * 60 + d for n in (0, 1, 2, 9, 10, 11, 60) for d in (-5, -1, 0, 1, 2, 5)
        ]
        for at in {max(0, n) for n in minutes} | {1_000_000}:
            label = otio.opentime.to_timecode(RationalTime(at, rate), rate, True)
            assert numbering.label(at) == label
            assert numbering.frame(label) == at
    assert Numbering(25).label(25 * 24 * 3600 + 3) == "00:00:00:03", "a day later"


def test_a_timecode_that_drops_numbers_comes_along(tmp_path: Path):
    camera = source("a", frame_rate=NTSC, timecode=Timecode(label="01:00:00;02", base=30))
    with bundle(mixed(camera), tmp_path) as archive:
        (event,) = (x for x in archive.read("timeline.edl").decode().splitlines() if "001 " in x)
        xml = archive.read("timeline.xml").decode()
        (clip,) = read(archive, "timeline.otio", "otio_json").find_clips()
        (listed,) = read(archive, "timeline.edl", "cmx_3600", rate=float(NTSC)).find_clips()
    assert event.split()[4:6] == ["01:00:01;02", "01:00:02;02"]
    assert "<displayformat>DF</displayformat>" in xml
    assert "<string>01:00:00;02</string>" in xml
    first = 107_892 + 2  # frames of an hour: 108 a day's hour fewer than 30 x 3600
    assert clip.media_reference.available_range.start_time.to_frames() == first
    assert clip.source_range.start_time.to_frames() == first + 30
    assert listed.source_range.start_time.to_frames() == first + 30


def test_a_timecode_of_half_the_pictures_numbers_stays_as_the_camera_wrote_it(tmp_path: Path):
    """Of 60 pictures a second, two have one number: a relink by timecode needs the file's own."""
    fast = source("a", frame_rate=F(60), timecode=Timecode(label="01:00:00:29", base=30))
    with bundle(mixed(fast, rate=F(60)), tmp_path) as archive:
        xml = archive.read("timeline.xml").decode()
        (clip,) = read(archive, "timeline.xml", "fcp_xml").find_clips()
        (same,) = read(archive, "timeline.otio", "otio_json").find_clips()
    assert "<string>01:00:00:29</string>" in xml
    starts = 60 * 3600 + 58
    for found in (clip, same):
        assert frame(found.media_reference.available_range.start_time, F(60)) == starts
        assert frame(found.source_range.start_time, F(60)) == starts + 60
    (tmp_path / "slower").mkdir()
    with bundle(mixed(fast, rate=F(30)), tmp_path / "slower") as archive:
        edl = archive.read("timeline.edl").decode()
    assert "source runs at 60 frames/s, from its 01:00:01:29" in edl


@pytest.mark.parametrize("rate", [F(15, 2), F(47, 2), F(75, 2)])
def test_an_edl_names_the_place_in_a_source_of_an_odd_rate(tmp_path: Path, rate: F):
    odd = source("a", frame_rate=rate)
    with bundle(mixed(odd, rate=rate), tmp_path) as archive:
        edl = archive.read("timeline.edl").decode()
    assert f"source runs at {float(rate):.6g} frames/s, from its 00:00:01:0" in edl


@pytest.mark.parametrize("label", ["24:00:00:00", "01:60:00:00", "٠١:٠٠:٠٠:٠٠"])
def test_what_no_clock_shows_is_no_timecode(label: str):
    assert LABEL.fullmatch(label) is None


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".avi"])
def test_the_timecode_of_a_file_is_read_from_its_track_or_tag(tmp_path: Path, suffix: str):
    plain = counted(tmp_path / f"in{suffix}", 3, rate=F(25))
    assert examine({"path": str(plain)})["timecode"] is None
    camera = with_timecode(plain, "09:58:57:24")
    assert examine({"path": str(camera)})["timecode"] == {"label": "09:58:57:24", "base": 25}


def test_a_timecode_track_may_count_slower_than_the_pictures(tmp_path: Path):
    slow = with_timecode(counted(tmp_path / "slow.mov", 3, rate=F(30)), "10:00:00:15")
    fast = counted(tmp_path / "fast.mov", 6, rate=F(60))
    both = tmp_path / "both.mov"
    ffmpeg("-i", fast, "-i", slow, "-map", "0:v", "-map", "1:d", "-c", "copy", both)
    told = examine({"path": str(both)})["timecode"]
    assert told["base"] == 30
    assert examine({"path": str(both)})["frame_rate"] == "60"


def test_rates_that_editors_do_not_have_are_counted_by_time(tmp_path: Path):
    """A phone's, which varies; a camera's of 240; and one between two common ones."""
    phone = source("a", frame_rate=F(2942, 100), variable_frame_rate=True)
    quick, odd = source("b", frame_rate=F(240)), source("c", frame_rate=F(25, 2))
    assert canvas_rate(phone) == 30
    with bundle(mixed(phone, quick, odd, rate=F(30)), tmp_path) as archive:
        for name, adapter in BOTH:
            clips = list(read(archive, name, adapter).find_clips())
            rates = [clip.media_reference.available_range.start_time.rate for clip in clips]
            assert rates == [30, 240, 25], name
            for clip in clips:
                assert into_media(clip) == pytest.approx(1, abs=1 / 60), name
                assert clip.media_reference.available_range.duration.to_seconds() == 10, name


@pytest.mark.parametrize(
    ("rate", "listed"), [(75, 48), (12.5, 25), (165, 48), (37.5, 48), (15, 30), (20, 60), (90, 48)]
)
def test_a_sequence_of_a_rate_that_editors_lack_is_cut_at_its_moments(
    tmp_path: Path, rate: float, listed: int
):
    """The source gives the sequence its rate, halved while above 60: 37.5, 12.5, 41.25 …"""
    screen = source("a", duration=F(100), frame_rate=F(rate), audio_channels=2, audio_rate=48_000)
    spans = [(60, 61), (10, 10.3), (61, 64), (0, 2), (99.7, 100)]
    clips = tuple(Clip(source=screen.sha256, start=F(a), end=F(b)) for a, b in spans)
    over = Span(source=screen.sha256, start=F(62), end=F(63))
    graphics = (Graphic(kind="title", texts=("Sixty-two",), over=over),)
    whole = from_source(screen, tile="in")
    timeline = snap(whole.model_copy(update={"clips": clips, "graphics": graphics}))
    cuts, own = list(cuts_of(timeline)), timeline.frame_rate
    assert own not in (listed, F(listed)), "or there is nothing to convert"
    half = F(1, 2 * listed)
    with bundle(timeline, tmp_path) as archive:
        readme = archive.read("README.txt").decode()
        exact = read(archive, "timeline.otio", "otio_json")
        edits = {
            "xml": read(archive, "timeline.xml", "fcp_xml"),
            "edl": read(archive, "timeline.edl", "cmx_3600", rate=listed),
        }
    for name, edit in edits.items():
        clips = list(edit.video_tracks()[0].find_clips())
        lie = places(clips, F(listed))
        assert all(a[1] == b[0] for a, b in pairwise(lie)), "neighbours meet"
        for clip, (at, until), cut in zip(clips, lie, cuts, strict=True):
            assert clip.source_range.start_time.rate == listed, name
            first = frame(clip.source_range.start_time, F(listed))
            assert abs(F(at, listed) - cut.record_in / own) <= half, name
            assert abs(F(until, listed) - cut.record_out / own) <= half, name
            # At the end of its source a cut begins up to a frame earlier, as its length needs.
            early = 3 if cut.source_out / own > F(199, 2) else 1
            assert -early * half <= F(first, listed) - cut.source_in / own <= half, name
            assert frame(clip.source_range.duration, F(listed)) == until - at, name
        assert frame(clips[0].source_range.start_time, F(listed)) == 60 * listed, name
    file = next(iter(edits["xml"].find_clips())).media_reference.available_range
    assert file.duration.to_seconds() == pytest.approx(100)
    marker = edits["xml"].tracks.markers[0].marked_range
    assert abs(F(marker.start_time.value) / listed - cuts[2].record_in / own - 1) <= half
    spans = [(cut.record_in / own, cut.record_out / own) for cut in cuts]
    found = [clip.range_in_parent() for clip in exact.video_tracks()[0].find_clips()]
    assert [
        (span.start_time.to_seconds(), span.end_time_exclusive().to_seconds()) for span in found
    ] == [pytest.approx((float(a), float(b))) for a, b in spans]
    assert f"The sequence runs at {float(own):g} frames/s, which few editors have" in readme
    assert f"Give {listed} where" in readme
    assert ("at the nearest frame" in readme) == bool(listed % own)


def test_a_cut_too_short_for_a_frame_of_the_list_is_left_out_of_it(tmp_path: Path):
    """What says 23.98 is counted as 23.976: of some 6000 frames one has no place there."""
    screen, rate = source("a", frame_rate=F(2398, 100), duration=F(200)), F(2398, 100)
    slow = sequence_rate(rate) / rate
    at = next(n for n in range(10_000) if round(n * slow) == round((n + 1) * slow))
    spans = [(0, at), (200, 201), (300, 320)]
    clips = tuple(Clip(source=screen.sha256, start=a / rate, end=b / rate) for a, b in spans)
    timeline = from_source(screen, tile="in").model_copy(update={"clips": clips})
    assert timeline.frame_rate == rate
    with bundle(timeline, tmp_path) as archive:
        assert len(list(read(archive, "timeline.otio", "otio_json").video_tracks()[0])) == 3
        for edit in (
            read(archive, "timeline.xml", "fcp_xml"),
            read(archive, "timeline.edl", "cmx_3600", rate=24000 / 1001),
        ):
            found = list(edit.video_tracks()[0].find_clips())
            assert places(found, F(24000, 1001)) == [(0, at), (at, at + 20)]


def test_a_sequence_has_a_rate_that_editors_have():
    for rate in COMMON_RATES:
        assert sequence_rate(rate) == rate
    other = {
        F(2997, 100): F(30000, 1001),  # as some files say it
        F(2398, 100): F(24000, 1001),
        F(15000, 1001): F(30000, 1001),
        F(25, 2): 25,
        F(15, 2): 30,
        F(10): 30,
        F(12): 24,
        F(20): 60,
        F(75, 2): 48,
        F(165, 4): 48,
        F(55): 60,
        F(1): 24,
    }
    assert {rate: sequence_rate(rate) for rate in other} == other
    read_by_otio = [rate for rate in COMMON_RATES if RationalTime.is_smpte_timecode_rate(rate)]
    assert read_by_otio == COMMON_RATES


def test_an_edl_holds_999_cuts_and_a_second_one_goes_on(tmp_path: Path):
    talk = source("a", duration=F(400))
    clips = tuple(
        Clip(source=talk.sha256, start=F(n, 5), end=F(n + 1, 5)) for n in range(0, 2000, 2)
    )
    timeline = mixed(talk, rate=F(25)).model_copy(update={"clips": clips})
    with bundle(timeline, tmp_path) as archive:
        texts = [archive.read(f"timeline{n}.edl").decode() for n in ("", "-2")]
        lists = [read(archive, f"timeline{n}.edl", "cmx_3600", rate=25) for n in ("", "-2")]
    assert [len(list(edit.find_clips())) for edit in lists] == [999, 1]
    numbers_ = [line[:3] for line in texts[0].splitlines() if line[0:1].isdigit()]
    assert numbers_ == [f"{n:03}" for n in range(1, 1000)]
    (last,) = (line for line in texts[1].splitlines() if line.startswith("001  "))
    assert last.split()[4:] == ["00:06:39:15", "00:06:39:20", "00:03:19:20", "00:03:20:00"]


def test_two_sources_of_one_name_are_told_apart_in_an_edl(tmp_path: Path):
    one, two = source("a", name="C0001.MOV"), source("b", name="C0001.MOV")
    with bundle(mixed(one, two), tmp_path) as archive:
        clips = list(read(archive, "timeline.edl", "cmx_3600", rate=30).find_clips())
    files = [clip.metadata["cmx_3600"]["comments"][0] for clip in clips]
    assert files == ["SOURCE FILE: media/C0001.MOV", "SOURCE FILE: media/C0001-bbbbbbbb.MOV"]
    assert [clip.name for clip in clips] == ["C0001.MOV", "C0001-bbbbbbbb.MOV"]
