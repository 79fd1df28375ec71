"""timeline.zip as editors read it: cut by cut the frames that the render shows."""

import unicodedata
import xml.etree.ElementTree as ET
from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio
import pytest

from mosaic_mcp.server.documents import shown_edits
from mosaic_mcp.studio.export import write_bundle, write_subtitles
from mosaic_mcp.studio.export.edits import edit_of
from mosaic_mcp.studio.export.subtitles import cues_of
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.tiles.shipped import bumper, shipped_files
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    Clip,
    Cutaway,
    Framing,
    Graphic,
    Look,
    Sound,
    Source,
    Span,
    Timeline,
    Track,
)
from tests.support.coded import FFMPEG, counted, numbered, numbers, source_of, write_video
from tests.support.editors import BOTH, bundle, read, shots

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
        for name, adapter in BOTH:
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


def test_names_that_a_disk_takes_for_one_are_told_apart(tmp_path: Path):
    """Windows and macOS mind no case, and macOS may write an accent as a letter of its own."""
    names = ["Talk.mp4", "talk.MP4", "caf\u00e9.mp4", "CAFE\u0301.mp4", "straße.mp4", "STRASSE.mp4"]
    sources = [source("abcdef"[n], name) for n, name in enumerate(names)]
    with bundle(both(*sources), tmp_path) as archive:
        links = [s.media for s in shots(read(archive, "timeline.otio", "otio_json"))]
    paths = [otio.url_utils.filepath_from_url(link) for link in links]
    alike = {unicodedata.normalize("NFC", path).casefold() for path in paths}
    assert len(alike) == len(names)
    assert paths[:4] == [
        "media/Talk.mp4",
        "media/talk-bbbbbbbb.MP4",
        "media/caf\u00e9.mp4",
        "media/CAF\u00c9-dddddddd.mp4",
    ]


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
        for name, adapter in BOTH:
            timeline = read(archive, name, adapter)
            sound = shots(timeline, "Audio")
            assert [s.record for s in sound] == [(0, 50), (100, 150)], name
            assert [s.source for s in sound] == [(25, 75)] * 2, name


def test_links_count_the_clips_of_their_own_track(tmp_path: Path):
    """A silent intro has no sound, a muted clip neither, and one microphone has no channel 2."""
    intro = source("a", "intro.mp4", audio_channels=0)
    talk, phone = source("b", "talk.mp4"), source("c", "phone.mp4", audio_channels=1)
    timeline = both(intro, phone, talk, talk, talk)
    clips = list(timeline.clips)
    clips[3] = clips[3].model_copy(update={"volume": 0.0, "start": F(5), "end": F(6)})
    timeline = timeline.model_copy(update={"clips": tuple(clips)})
    with bundle(timeline, tmp_path) as archive:
        media = ET.fromstring(archive.read("timeline.xml")).find("sequence/media")
    items = {
        (kind, number, place): item
        for kind in ("video", "audio")
        for number, track in enumerate(media.findall(f"{kind}/track"), 1)
        for place, item in enumerate(track.findall("clipitem"), 1)
    }
    groups = []
    for item in items.values():
        links = item.findall("link")
        ends = [
            (
                link.findtext("mediatype"),
                int(link.findtext("trackindex")),
                link.findtext("clipindex"),
            )
            for link in links
        ]
        ends = [(kind, track, int(place)) for kind, track, place in ends]
        named = [link.findtext("linkclipref") for link in links]
        assert [items[end].get("id") for end in ends] == named
        assert item.get("id") in named
        groups.append(frozenset(ends))
    assert set(groups) == {
        frozenset({("video", 1, 1)}),
        frozenset({("video", 1, 2), ("audio", 1, 1)}),
        frozenset({("video", 1, 3), ("audio", 1, 2), ("audio", 2, 1)}),
        frozenset({("video", 1, 4)}),
        frozenset({("video", 1, 5), ("audio", 1, 3), ("audio", 2, 2)}),
    }


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
        for name, adapter in BOTH:
            (marker,) = read(archive, name, adapter).tracks.markers
            assert marker.name == "Hello, <b>world</b> &", name
            marked = marker.marked_range
            assert (marked.start_time.to_frames(), marked.duration.to_frames()) == (0, 35), name
    assert "00:00:00,000 -->" in srt, "what is said at 1 s is said at the clip's start"
    assert "away" not in srt


def test_graphics_come_along_as_markers(tmp_path: Path):
    talk = source("a", "a.mp4")
    over = Span(source=talk.sha256, start=F(3, 2), end=F(5, 2))
    gone = Span(source=talk.sha256, start=F(50), end=F(52))
    graphics = (
        Graphic(kind="title", texts=("Gone",), over=gone),
        Graphic(kind="lower-third", texts=("Ada & <Bo>", "engineer"), over=over),
    )
    with bundle(both(talk, graphics=graphics), tmp_path) as archive:
        for name, adapter in BOTH:
            (marker,) = read(archive, name, adapter).tracks.markers
            assert marker.name == "Ada & <Bo> / engineer"
            marked = marker.marked_range
            assert (marked.start_time.to_frames(), marked.duration.to_frames()) == (12, 25), name


def scored(tmp_path: Path) -> tuple[Timeline, dict[str, Path]]:
    """A user's talk under music that the studio made, with b-roll out of the user's folder."""
    talk = source("a", "talk.mp4")
    song = source("b", "uplifting music.wav", kind="audio", origin="studio", width=0, height=0)
    away = source("c", "coffee.mp4", origin="folder")
    over = Span(source=talk.sha256, start=F(1), end=F(2))
    timeline = both(talk).model_copy(
        update={
            "sources": {s.sha256: s for s in (talk, song, away)},
            "tracks": (Track(source=song.sha256),),
            "cutaways": (Cutaway(source=away.sha256, over=over),),
        }
    )
    media = {s.sha256: tmp_path / s.name for s in (talk, song, away)}
    for number, path in enumerate(media.values(), 1):
        path.write_bytes(bytes(1000 * number))
    return timeline, media


def test_what_the_user_does_not_have_is_in_the_zip_where_the_timeline_looks_for_it(tmp_path: Path):
    timeline, media = scored(tmp_path)
    with bundle(timeline, tmp_path, media=media) as archive:
        packed = {n: archive.read(n) for n in archive.namelist() if n.startswith("media/")}
        links = {
            otio.url_utils.filepath_from_url(s.media)
            for name, adapter in BOTH
            for s in shots(read(archive, name, adapter), "Audio", -1)
        }
        readme = archive.read("README.txt").decode()
    assert packed == {"media/uplifting music.wav": bytes(2000), "media/coffee.mp4": bytes(3000)}
    assert links == {"media/uplifting music.wav"}
    own, there = readme.index("Put your original files"), readme.index("In it are:")
    assert there < readme.index("(uplifting music.wav, made by the studio)") < own
    assert there < readme.index("(coffee.mp4, out of your own folder)") < own
    assert own < readme.index("media/talk.mp4   (your file talk.mp4)")


def test_what_is_too_large_for_the_zip_is_named_with_its_place(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("mosaic_mcp.studio.export.bundle.PACKED_BYTES", 2500)
    timeline, media = scored(tmp_path)
    with bundle(timeline, tmp_path, media=media) as archive:
        packed = [n for n in archive.namelist() if n.startswith("media/")]
        readme = archive.read("README.txt").decode()
    assert packed == ["media/uplifting music.wav"], "the smallest first"
    key = f"assets/cc/{'c' * 8}.mp4"
    assert f"media/coffee.mp4   (coffee.mp4, out of your own folder)\n    is {key} in" in readme


def test_the_readme_speaks_of_markers_only_where_there_are_some(tmp_path: Path):
    with bundle(both(source("a", "a.mp4")), tmp_path) as archive:
        assert "no common word" not in archive.read("README.txt").decode()


async def test_cutaways_lie_on_tracks_above_and_show_the_frames_of_the_render(tmp_path: Path):
    path = counted(tmp_path / "in.mp4", 120)
    other = write_video(tmp_path / "other.mp4", [numbered(500 + n) for n in range(60)])
    main, away = source_of(path), source_of(other)
    over = [Span(source=main.sha256, start=F(a, 30), end=F(b, 30)) for a, b in ((30, 60), (55, 70))]
    timeline = of(main, (10, 40), (50, 80)).model_copy(
        update={
            "sources": {main.sha256: main, away.sha256: away},
            "cutaways": (
                Cutaway(source=away.sha256, start=F(1), over=over[0]),
                Cutaway(source=away.sha256, start=F(0), over=over[1]),
            ),
        }
    )
    media = {main.sha256: path, away.sha256: other}
    job = tmp_path / "job"
    job.mkdir()
    out = tmp_path / "out.mp4"
    await render(timeline, media, out, job=job, ffmpeg=FFMPEG, quality="standard")
    with bundle(timeline, tmp_path, media=media) as archive:
        for name, adapter in BOTH:
            seen = [*range(10, 40), *range(50, 80)]
            edit = read(archive, name, adapter)
            for track in (1, 2):
                for shot in shots(edit, track=track):
                    assert shot.media == "media/other.mp4"
                    seen[slice(*shot.record)] = [500 + n for n in range(*shot.source)]
            assert seen == numbers(out), name


def test_how_b_roll_is_changed_is_told_by_its_markers(tmp_path: Path):
    talk, film = source("a", "talk.mp4"), source("b", "film.mp4")
    lut = source("c", "warm.cube", kind="table", duration=F(0), origin="studio")
    cutaway = Cutaway(
        source=film.sha256,
        over=Span(source=talk.sha256, start=F(1), end=F(2)),
        mirror_x=True,
        look=Look(table=lut.sha256),
    )
    timeline = both(talk).model_copy(
        update={"sources": {s.sha256: s for s in (talk, film, lut)}, "cutaways": (cutaway,)}
    )
    with bundle(timeline, tmp_path) as archive:
        assert not [name for name in archive.namelist() if "cube" in name]
        readme = archive.read("README.txt").decode()
        for name, adapter in BOTH:
            (shown,) = read(archive, name, adapter).video_tracks()[1].find_clips()
            told = [marker.name for marker in shown.markers]
            assert told == [
                "fills the picture; its sound is not heard",
                "mirrored: left and right change sides",
                "colours: contrast 1, saturation 1, brightness +0, a .cube table",
            ], name
    assert all(f"  - {note}\n" in readme for note in told)


def test_music_and_voices_lie_on_sound_tracks_of_their_own(tmp_path: Path):
    talk = source("a", "talk.mp4")
    music = source(
        "b", "song.mp3", kind="audio", duration=F(3), width=0, height=0, audio_channels=1
    )
    tracks = (
        Track(source=music.sha256, at=F(1), start=F(1), loop=True, gain_db=-6, duck_db=-12),
        Track(source=music.sha256, kind="voice", at=F(2), end=F(1), fade_s=0.5),
    )
    timeline = both(talk).model_copy(
        update={"sources": {talk.sha256: talk, music.sha256: music}, "tracks": tracks}
    )
    timeline = timeline.model_copy(
        update={"clips": (Clip(source=talk.sha256, start=F(0), end=F(6)),)}
    )
    with bundle(timeline, tmp_path) as archive:
        for name, adapter in BOTH:
            edit = read(archive, name, adapter)
            first = -2  # the talk has one track in OTIO, one for each channel in XML
            looped = shots(edit, "Audio", first)
            assert [s.record for s in looped] == [(25, 75), (75, 125), (125, 150)], name
            assert [s.source for s in looped] == [(25, 75), (25, 75), (25, 50)], name
            assert [(s.record, s.source) for s in shots(edit, "Audio", -1)] == [((50, 75), (0, 25))]
            assert {s.media for s in looped} == {"media/song.mp3"}
            clip = next(iter(edit.audio_tracks()[first].find_clips()))
            told = [m.name for m in clip.markers]
            assert told == ["level -6 dB", "-12 dB while somebody speaks"], name
        (level,) = clip.effects  # the XML's
        assert level.metadata["fcp_xml"]["parameter"]["value"] == "0.50119"


def test_what_editors_have_no_word_for_is_told_by_markers_and_in_the_readme(tmp_path: Path):
    talk, card = source("a", "talk.mp4"), bumper()
    clips = (
        Clip(source=card.sha256, start=F(0), end=F(2), whole=True),
        Clip(source=talk.sha256, start=F(1), end=F(3), mirror_x=True, look=Look(saturation=1.5)),
    )
    timeline = both(talk).model_copy(
        update={
            "sources": {s.sha256: s for s in (talk, card)},
            "clips": clips,
            "width": 1080,
            "height": 1920,
            "framing": Framing(fit="crop"),
            "sound": Sound(denoise=True, loudness_lufs=-14),
        }
    )
    shipped = shipped_files()
    with bundle(timeline, tmp_path, media=shipped) as archive:
        readme = archive.read("README.txt").decode()
        assert "media/mosaic card.mp4   (mosaic card, made by the studio)" in readme
        assert archive.read("media/mosaic card.mp4") == shipped[card.sha256].read_bytes()
        assert "* COMMENT: mirrored" in archive.read("timeline.edl").decode()
        for name, adapter in BOTH:
            edit = read(archive, name, adapter)
            intro, mirrored = edit.video_tracks()[0].find_clips()
            told = [[m.name for m in clip.markers] for clip in (intro, mirrored)]
            assert told[0] == ["shown whole over a blurred copy of itself"]
            assert told[1] == [
                "mirrored: left and right change sides",
                "colours: contrast 1, saturation 1.5, brightness +0",
            ]
            whole = [m.name for m in edit.tracks.markers]
            assert whole == [
                *(["reframed to 1080 x 1920: only timeline.xml has the motion"] * ("otio" in name)),
                "noise is taken out of the whole sound",
                "the whole sound is at -14 LUFS, at most -1 dBTP",
            ]
            assert all(note in readme for note in [*whole, *told[0], *told[1]])
        # Shown whole although the rest is cropped: fitted in width, not filling the height.
        (motion,) = intro.effects
        assert float(motion.metadata["fcp_xml"]["parameter"]["value"]) == pytest.approx(56.25)


def test_the_transcript_is_paragraphs_with_their_times(tmp_path: Path):
    talk = source("a", "a.mp4", duration=F(4000))
    said = [("One", 1), ("two.", 2), ("Three", 5), ("four.", 6), ("Five.", 3700)]
    words = tuple(
        CaptionWord(source=talk.sha256, text=text, start=F(at), end=F(at) + F(1, 2))
        for text, at in said
    )
    clip = Clip(source=talk.sha256, start=F(0), end=F(3800))
    timeline = both(talk).model_copy(update={"clips": (clip,), "captions": Captions(words=words)})
    write_subtitles(timeline, tmp_path)
    assert (tmp_path / "captions.txt").read_text("utf-8") == (
        "[0:00:01] One two.\n\n[0:00:05] Three four.\n\n[1:01:40] Five.\n"
    )


def test_a_subtitle_never_joins_words_of_cuts_that_do_not_go_on(tmp_path: Path):
    talk, other = source("a", "a.mp4"), source("b", "b.mp4")

    def said(sha: str, text: str) -> list[CaptionWord]:
        times = [(F(n, 4), F(n, 4) + F(1, 5)) for n in range(40)]
        return [
            CaptionWord(source=sha, text=word, start=a, end=b)
            for word, (a, b) in zip(text.split(), times, strict=False)
        ]

    words = (
        *said(talk.sha256, "Do you want your podcast to um sound much better if people sit far"),
        *said(other.sha256, "from it"),
    )
    cuts = [
        (talk, F(0), F(3, 2)),  # Do you want your podcast to
        (talk, F(7, 4), F(9, 4)),  # sound much: without a filler it goes on
        (talk, F(11, 4), F(13, 4)),  # people sit: "better if" was cut out
        (talk, F(1), F(5, 4)),  # podcast: back again
        (talk, F(3), F(13, 4)),  # sit
        (other, F(0), F(1, 2)),
    ]
    clips = tuple(Clip(source=s.sha256, start=a, end=b) for s, a, b in cuts)
    timeline = both(talk, other).model_copy(
        update={"clips": clips, "captions": Captions(words=words)}
    )
    assert [cue.text for cue in cues_of(timeline)] == [
        "Do you want your podcast to sound much",
        "people sit",
        "podcast",
        "sit",
        "from it",
    ]


def test_the_same_edit_gives_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_bundle(both(source("a", "a.mp4")), tmp_path / name / "t.zip", media={})
    one, two = ((tmp_path / name / "t.zip").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_facts_of_an_edit_name_the_tiles_that_laid_pictures_and_sounds_over_it():
    talk = source("a", "a.mp4")
    over = Span(source=talk.sha256, start=F(1), end=F(2))
    timeline = both(
        talk,
        cutaways=(Cutaway(tile="roll", source=talk.sha256, over=over),) * 2,
        tracks=(Track(tile="song", source=talk.sha256), Track(tile="voice", source=talk.sha256)),
    )
    [shown] = shown_edits([edit_of("o", timeline)], {"roll": "AI B-Roll", "song": "AI Music"})[
        "outputs"
    ]
    assert (shown["cutaways"], shown["sound beside"]) == ("AI B-Roll", "AI Music, voice")
