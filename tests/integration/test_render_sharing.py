"""Pictures of one run that show the same frames are made together, and are what they are alone."""

from fractions import Fraction as F
from itertools import pairwise

import anyio
import av
import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.errors import Interrupted, NoSpace
from mosaic_mcp.studio.render import part, sharing
from mosaic_mcp.studio.render.commands import kept_by
from mosaic_mcp.studio.render.kept import PartStore, Underway
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    CropKey,
    Cutaway,
    Framing,
    Look,
    Overlay,
    Source,
    Span,
)
from tests.support.coded import FFMPEG, counted, numbered, source_of, write_video
from tests.support.others import FixedOthers

RATE = F(10)
SECONDS = 45
SHORT = (0, 12)
LOGO = Source(sha256="logo", name="logo.png", kind="image", width=30, height=12)


@pytest.fixture(autouse=True)
def worth_it(monkeypatch):
    """As if the small pictures here were large ones."""
    monkeypatch.setattr(sharing, "WORTH_PIXELS", 0)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A video, a logo, and another video for cutaways: their files by hash, the two videos."""
    folder = tmp_path_factory.mktemp("media")
    talk = counted(folder / "in.mp4", SECONDS * 10, rate=RATE)
    away = write_video(folder / "away.mp4", [numbered(900 + n) for n in range(60)], rate=RATE)
    Image.new("RGB", (30, 12), (255, 0, 0)).save(folder / "logo.png")
    talk_source, away_source = source_of(talk), source_of(away)
    files = {
        talk_source.sha256: talk,
        away_source.sha256: away,
        LOGO.sha256: folder / "logo.png",
    }
    return files, talk_source, away_source


def shapes(media, span=(0, SECONDS)):
    """The same cuts wide, square and tall, each with something of its own."""
    _, talk, away = media
    begin, end = span
    middle = F(begin + end, 2)
    clips = (
        Clip(source=talk.sha256, start=F(begin), end=middle),
        Clip(source=talk.sha256, start=middle + 1, end=F(end)),
    )
    words = tuple(
        CaptionWord(source=talk.sha256, text=f"w{n}", start=F(n), end=F(n) + F(4, 5))
        for n in range(begin, end)
    )
    look = CaptionStyle(font_size_px=14, vertical_position=80)
    keys = tuple(CropKey(time=F(s), x=0.3 + 0.4 * (s // 3 % 2), y=0.5) for s in range(0, end, 3))
    wide = from_source(talk, tile="in").model_copy(
        update={
            "clips": clips,
            "sources": {talk.sha256: talk, LOGO.sha256: LOGO, away.sha256: away},
        }
    )
    over = Span(source=talk.sha256, start=F(begin + 2), end=F(begin + 4))
    square = wide.model_copy(
        update={
            "width": 136,
            "height": 136,
            "framing": Framing(fit="pad"),
            "overlays": (Overlay(source=LOGO.sha256),),
            "cutaways": (Cutaway(source=away.sha256, over=over),),
        }
    )
    tall = wide.model_copy(
        update={
            "width": 90,
            "height": 160,
            "framing": Framing(paths={talk.sha256: keys}),
            "captions": Captions(words=words, look=look),
            "clips": tuple(clip.model_copy(update={"mirror_x": True}) for clip in clips),
        }
    )
    return {
        "wide": wide.model_copy(update={"captions": Captions(words=words, look=look)}),
        "square": square,
        "tall": tall,
    }


class Commands:
    """Remembers of each command that encodes how many pictures it makes."""

    def __init__(self):
        self.pictures = []

    async def began(self, command):
        coded = sum(pair == ("-c:v", "libx264") for pair in pairwise(command.arguments))
        self.pictures += [coded] if coded else []

    async def ended(self, command): ...

    async def files(self, files): ...


@pytest.fixture
def made(tmp_path, media):
    count = iter(range(100))

    async def make(timeline, others=None, keep=None, **more):
        name = f"{next(count)}"
        job, out = tmp_path / f"job{name}", tmp_path / f"{name}.mp4"
        job.mkdir()
        store = keep if isinstance(keep, PartStore) else keep and PartStore(keep)
        with kept_by(commands := Commands()):
            report = await render(
                timeline,
                media[0],
                out,
                job=job,
                ffmpeg=FFMPEG,
                store=store,
                others=others,
                **more,
            )
        return out, report, commands.pictures

    return make


@pytest.fixture(scope="module")
def alone(media, tmp_path_factory):
    """The pictures of each of the shapes when it is made by itself, made once for all tests."""
    folder = tmp_path_factory.mktemp("alone")
    known = {}

    async def make(name, span=(0, SECONDS), quality="standard"):
        if (name, span, quality) not in known:
            job = folder / f"{len(known)}"
            job.mkdir()
            timeline = shapes(media, span)[name]
            out = job.with_suffix(".mp4")
            with kept_by(commands := Commands()):
                await render(timeline, media[0], out, job=job, ffmpeg=FFMPEG, quality=quality)
            assert commands.pictures == [1]
            known[name, span, quality] = pictures(out)
        return known[name, span, quality]

    return make


def like(one, other):
    """The encoder decides a little differently by its threads; a missing caption is far more."""
    return one.shape == other.shape and np.abs(one - other).mean(axis=(1, 2, 3)).max() < 2.0


@pytest.fixture
def waiting(media):
    def wait(files=media[0], **timelines):
        return FixedOthers({name: (timeline, files) for name, timeline in timelines.items()})

    return wait


def pictures(path) -> np.ndarray:
    with av.open(path) as file:
        found = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    return np.stack(found).astype(np.int16)


@pytest.mark.parametrize(
    ("span", "quality"),
    [((0, SECONDS), "standard"), (SHORT, "standard"), (SHORT, "draft")],
    ids=["parts", "short", "draft"],
)
async def test_three_shapes_are_made_by_one_command_and_are_what_they_are_alone(
    tmp_path, media, made, alone, waiting, span, quality
):
    wanted = shapes(media, span)
    keep = tmp_path / "keep"
    others = waiting(square=wanted["square"], tall=wanted["tall"])
    wide, first, together = await made(wanted["wide"], others, keep, quality=quality)
    assert set(together) == {3}
    assert len(together) == len(first.commands)
    assert first.along == 2 * len(first.commands)
    assert others.used == []  # all is given back
    square, second, left = await made(wanted["square"], None, keep, quality=quality)
    tall, third, also_left = await made(wanted["tall"], None, keep, quality=quality)
    assert left == also_left == []
    assert second.kept == third.kept == len(first.commands)
    for name, path in (("wide", wide), ("square", square), ("tall", tall)):
        assert like(found := pictures(path), await alone(name, span, quality)), name
        assert len(found) == first.frames


async def test_clips_of_far_places_and_looks_are_made_together_too(tmp_path, media, made, waiting):
    """Several runs of clips are joined for each picture, over a blurred ground of its own."""
    wide = shapes(media, SHORT)["wide"]
    first, second = wide.clips
    far = second.model_copy(update={"start": F(40), "end": F(44)})
    look = Look(saturation=0.5)
    timelines = {
        name: wide.model_copy(
            update={
                "width": size,
                "height": size,
                "framing": Framing(fit="pad"),
                "clips": tuple(c.model_copy(update={"look": look}) for c in (first, far)),
                "captions": None,
                "overlays": (Overlay(source=LOGO.sha256), Overlay(source=LOGO.sha256, width=0.3)),
            }
        )
        for name, size in (("mine", 120), ("other", 90))
    }
    keep = tmp_path / "keep"
    mine, _, together = await made(timelines["mine"], waiting(other=timelines["other"]), keep)
    assert together == [2]
    other, report, _ = await made(timelines["other"], None, keep)
    assert report.kept == 1
    for name, path in (("mine", mine), ("other", other)):
        by_itself, _, _ = await made(timelines[name])
        assert like(pictures(path), pictures(by_itself)), name


async def test_a_part_is_made_with_those_that_wait_when_it_begins(tmp_path, media, made, waiting):
    wanted = shapes(media)

    class Late(FixedOthers):
        async def now(self):
            asked_before = self.asked
            found = await super().now()
            return found if asked_before else []

    late = Late({"tall": (wanted["tall"], media[0])})
    _, _, together = await made(wanted["wide"], late, tmp_path / "keep")
    assert sorted(together) == [1, 2]


async def test_renders_at_the_same_time_make_nothing_twice(tmp_path, media, made, alone, waiting):
    wanted = shapes(media)
    store = PartStore(tmp_path / "keep")
    reports = {}

    async def one(name: str) -> None:
        others = waiting(**{each: wanted[each] for each in wanted if each != name})
        reports[name] = await made(wanted[name], others, store)

    async with anyio.create_task_group() as group:
        for name in wanted:
            group.start_soon(one, name)
    parts = len(reports["wide"][1].commands)
    assert parts > 1
    assert sum(count for _, _, counts in reports.values() for count in counts) == 3 * parts
    for name, (path, _, _) in reports.items():
        assert like(pictures(path), await alone(name)), name


async def test_other_frames_or_mere_cuts_are_not_made_along(tmp_path, media, made, waiting):
    wanted = shapes(media, SHORT)
    tall, talk = wanted["tall"], media[1]
    others = waiting(
        other=tall.model_copy(update={"clips": tall.clips[:1]}),
        slower=tall.model_copy(update={"frame_rate": F(5)}),
        cut=from_source(talk, tile="in").model_copy(update={"clips": wanted["wide"].clips}),
    )
    _, report, together = await made(wanted["square"], others, tmp_path / "keep")
    assert together == [1]
    no_disk = waiting(None, tall=tall)
    no_memory = FixedOthers({"tall": (tall, media[0])}, memory=False)
    for nothing_there in (no_disk, no_memory):
        _, report, together = await made(wanted["square"], nothing_there, tmp_path / "keep")
        assert together == [1]
        assert nothing_there.asked
        assert nothing_there.used == []
        assert report.along == 0
    assert not (tmp_path / "keep").exists()


async def test_not_more_are_made_along_than_have_room(tmp_path, media, made, waiting):
    wanted = shapes(media, SHORT)
    sizes = range(100, 100 + 10 * (sharing.MOST + 2), 10)
    others = {
        f"n{size}": wanted["tall"].model_copy(update={"width": size, "height": size})
        for size in sizes
    }
    _, _, together = await made(wanted["wide"], waiting(**others), tmp_path / "keep")
    assert together == [1 + sharing.MOST]


@pytest.mark.parametrize("span", [pytest.param((0, SECONDS), id="parts"), SHORT])
async def test_what_fails_together_is_made_alone(tmp_path, media, made, alone, waiting, span):
    wanted = shapes(media, span)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    others = waiting({**media[0], LOGO.sha256: broken}, square=wanted["square"])
    out, report, together = await made(wanted["tall"], others, tmp_path / "keep")
    assert 2 in together
    assert together.count(1) == len(report.commands)
    assert report.apart
    assert others.spoiled == ["square"]
    assert like(pictures(out), await alone("tall", span))


@pytest.mark.parametrize("error", [NoSpace(), Interrupted("FFmpeg was killed.")])
async def test_no_room_and_a_killed_process_are_tried_alone_as_well(
    tmp_path, media, made, waiting, error, monkeypatch
):
    wanted = shapes(media, SHORT)
    run = part.run_ffmpeg

    async def fail_together(ffmpeg, arguments, **more):
        if arguments.count("libx264") > 1:
            (more["cwd"] / "part_1.mp4").write_bytes(b"half")
            raise error
        return await run(ffmpeg, arguments, **more)

    monkeypatch.setattr(part, "run_ffmpeg", fail_together)
    others = waiting(tall=wanted["tall"])
    out, report, _ = await made(wanted["wide"], others, tmp_path / "keep")
    assert report.apart == str(error)
    assert len(pictures(out)) == report.frames
    assert list(tmp_path.glob("job0/part_1.mp4")) == []


@pytest.mark.parametrize("wrong", [KeyError("logo"), OSError("no such disk")])
async def test_another_that_cannot_be_set_up_keeps_this_one_from_nothing(
    tmp_path, media, made, waiting, wrong, monkeypatch
):
    wanted = shapes(media, SHORT)

    async def fail(*_, **__):
        raise wrong

    monkeypatch.setattr(sharing, "set_up", fail)
    _, report, together = await made(
        wanted["wide"], waiting(tall=wanted["tall"]), tmp_path / "keep"
    )
    assert together == [1]
    assert report.frames == 110


async def test_small_pictures_are_made_apart_so_that_the_first_is_there_early(
    tmp_path, media, made, waiting, monkeypatch
):
    monkeypatch.setattr(sharing, "WORTH_PIXELS", 1920 * 1080)
    wanted = shapes(media, SHORT)
    _, _, alone = await made(wanted["wide"], waiting(tall=wanted["tall"]), tmp_path / "keep")
    assert alone == [1]


async def test_one_of_two_equal_pictures_waits_for_the_other(tmp_path, media, made):
    """As two mixes of one edit have them; neither would be kept for itself."""
    wanted, store, found = shapes(media, SHORT)["wide"], PartStore(tmp_path / "keep"), []

    async def one() -> None:
        found.append(await made(wanted, None, store))

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        group.start_soon(one)
    assert sorted(counts for _, _, counts in found) == [[], [1]]
    assert {len(pictures(path)) for path, _, _ in found} == {110}


async def test_a_part_whose_maker_is_stopped_is_made_by_who_waits_for_it(
    tmp_path, media, made, monkeypatch
):
    class Watched(Underway):
        async def over(self, kept):
            waited_for.set()
            await super().over(kept)

    wanted, store = shapes(media, SHORT)["wide"], PartStore(tmp_path / "keep", "", Watched())
    begun, waited_for, run, found = anyio.Event(), anyio.Event(), part.run_ffmpeg, []

    async def hold_the_first(*arguments, **more):
        if begun.is_set():
            return await run(*arguments, **more)
        begun.set()
        return await anyio.sleep_forever()

    monkeypatch.setattr(part, "run_ffmpeg", hold_the_first)

    async def waits() -> None:
        found.append(await made(wanted, None, store))

    async with anyio.create_task_group() as group, anyio.create_task_group() as first:
        first.start_soon(made, wanted, None, store)
        await begun.wait()
        group.start_soon(waits)
        await waited_for.wait()
        first.cancel_scope.cancel()
    ((path, _, counts),) = found
    assert counts == [1]
    assert len(pictures(path)) == 110


async def test_not_knowing_what_waits_is_no_failure(tmp_path, media, made, waiting):
    class Broken(FixedOthers):
        async def now(self):
            raise OSError("the database is away")

    wanted = shapes(media, SHORT)
    _, report, together = await made(wanted["wide"], Broken({}), tmp_path / "keep")
    assert together == [1]
    assert report.frames == 110
