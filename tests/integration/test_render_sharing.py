"""Pictures of one run that show the same frames are made together, and are what they are alone."""

from fractions import Fraction as F
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.studio.render import sharing
from mosaic_mcp.studio.render.commands import kept_by
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.render.sharing import Waiting
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    CropKey,
    Cutaway,
    Framing,
    Overlay,
    Source,
    Span,
)
from tests.support.coded import FFMPEG, counted, numbered, source_of, write_video

RATE = F(10)
SECONDS = 70
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
    """Remembers of each command how many pictures it encoded, and whether it decoded any."""

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

    async def make(timeline, *others, keep=None, **more):
        name = f"{next(count)}"
        job, out = tmp_path / f"job{name}", tmp_path / f"{name}.mp4"
        job.mkdir()

        async def ask():
            return others

        with kept_by(commands := Commands()):
            report = await render(
                timeline,
                media[0],
                out,
                job=job,
                ffmpeg=FFMPEG,
                keep=keep,
                tools="1",
                waiting=ask,
                **more,
            )
        return out, report, commands.pictures

    return make


@pytest.fixture
def waiting(media):
    def wait(name, timeline, files=media[0]):
        async def bring():
            return files

        return Waiting(name, timeline, bring)

    return wait


def pictures(path) -> np.ndarray:
    with av.open(path) as file:
        return np.stack([f.to_ndarray(format="rgb24") for f in file.decode(video=0)]).astype(int)


@pytest.mark.parametrize("span", [pytest.param((0, SECONDS), id="parts"), SHORT])
async def test_three_shapes_are_made_by_one_command_and_are_what_they_are_alone(
    tmp_path, media, made, waiting, span
):
    wanted = shapes(media, span)
    keep = tmp_path / "keep"
    others = [waiting(name, wanted[name]) for name in ("square", "tall")]
    wide, first, together = await made(wanted["wide"], *others, keep=keep)
    assert set(together) == {3}
    assert len(together) == len(first.commands)
    square, second, left = await made(wanted["square"], keep=keep)
    tall, third, also_left = await made(wanted["tall"], keep=keep)
    assert left == also_left == []
    assert second.kept == third.kept == len(first.commands)
    for name, path in (("wide", wide), ("square", square), ("tall", tall)):
        alone, report, by_itself = await made(wanted[name])
        assert by_itself == [1]
        one, other = pictures(path), pictures(alone)
        assert one.shape == other.shape == (report.frames, *one.shape[1:])
        # The encoder decides a little differently by its threads; a missing caption is far more.
        assert np.abs(one - other).mean(axis=(1, 2, 3)).max() < 1.5, name


async def test_a_part_is_made_with_those_that_wait_when_it_begins(tmp_path, media, made, waiting):
    wanted, asked = shapes(media), iter(range(100))
    keep, late = tmp_path / "keep", waiting("tall", wanted["tall"])

    async def ask():
        return [late] if next(asked) else []

    job = tmp_path / "late"
    job.mkdir()
    with kept_by(commands := Commands()):
        await render(
            wanted["wide"],
            media[0],
            tmp_path / "late.mp4",
            job=job,
            ffmpeg=FFMPEG,
            keep=keep,
            waiting=ask,
        )
    assert sorted(commands.pictures) == [1, 2]


async def test_other_frames_or_mere_cuts_are_not_made_along(tmp_path, media, made, waiting):
    wanted = shapes(media, SHORT)
    tall, talk = wanted["tall"], media[1]
    others = [
        waiting("other", tall.model_copy(update={"clips": tall.clips[:1]})),
        waiting("slower", tall.model_copy(update={"frame_rate": F(5)})),
        waiting("cut", from_source(talk, tile="in").model_copy(update={"clips": tall.clips})),
        waiting("none", tall, None),
    ]
    _, _, together = await made(wanted["square"], *others[:2], keep=tmp_path / "keep")
    assert together == [1]
    plain = from_source(talk, tile="in").model_copy(update={"clips": wanted["wide"].clips})
    _, _, together = await made(wanted["square"], waiting("cut", plain), keep=tmp_path / "keep")
    assert together == [1]
    _, _, together = await made(wanted["square"], others[3], keep=tmp_path / "keep")
    assert together == [1]
    assert list((tmp_path / "keep").glob("*")) == []


async def test_not_more_are_made_along_than_have_room(tmp_path, media, made, waiting):
    wanted = shapes(media, SHORT)
    sizes = range(100, 100 + 10 * (sharing.MOST + 2), 10)
    others = [
        waiting(f"{size}", wanted["tall"].model_copy(update={"width": size, "height": size}))
        for size in sizes
    ]
    _, _, together = await made(wanted["wide"], *others, keep=tmp_path / "keep")
    assert together == [1 + sharing.MOST]


@pytest.mark.parametrize("span", [pytest.param((0, SECONDS), id="parts"), SHORT])
async def test_what_fails_together_is_made_alone(tmp_path, media, made, waiting, span):
    wanted = shapes(media, span)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    files = {**media[0], LOGO.sha256: broken}
    keep = tmp_path / "keep"
    other = waiting("square", wanted["square"], files)
    out, report, together = await made(wanted["tall"], other, keep=keep)
    assert together.count(1) == len(report.commands)
    alone, _, _ = await made(wanted["tall"])
    assert np.abs(pictures(out) - pictures(alone)).mean(axis=(1, 2, 3)).max() < 1.5


async def test_a_source_that_is_gone_keeps_the_other_from_nothing(tmp_path, media, made, waiting):
    wanted = shapes(media, SHORT)
    files = {sha: path for sha, path in media[0].items() if sha != LOGO.sha256}
    other = waiting("square", wanted["square"], files)
    _, report, together = await made(wanted["tall"], other, keep=tmp_path / "keep")
    assert together == [1]
    assert report.frames == 110


async def test_small_pictures_are_made_apart_so_that_the_first_is_there_early(
    tmp_path, media, made, waiting, monkeypatch
):
    monkeypatch.setattr(sharing, "WORTH_PIXELS", 1920 * 1080)
    wanted = shapes(media, SHORT)
    _, _, alone = await made(
        wanted["wide"], waiting("tall", wanted["tall"]), keep=tmp_path / "keep"
    )
    assert alone == [1]
