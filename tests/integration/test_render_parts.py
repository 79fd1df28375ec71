"""A long picture in parts: no seam shows, and what did not change is not made again."""

import shutil
from fractions import Fraction as F
from itertools import pairwise

import av
import numpy as np
import pytest

from mosaic_mcp.studio.render.commands import kept_by
from mosaic_mcp.studio.render.kept import PartStore
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.render.seams import parts_of
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    CropKey,
    Framing,
    Graphic,
    Span,
)
from tests.support.coded import FFMPEG, counted, numbers, source_of

pytestmark = [pytest.mark.long, pytest.mark.short]

RATE = F(10)
SECONDS = 70


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    path = counted(tmp_path_factory.mktemp("long") / "in.mp4", SECONDS * 10, rate=RATE)
    return path, source_of(path)


def captioned(source, *, changed: str = "", **more):
    """The whole source with a caption for each half second; the one at 45 s may be another."""
    words = tuple(
        CaptionWord(
            source=source.sha256,
            text=changed if changed and n == 90 else f"word{n}",
            start=F(n, 2),
            end=F(n, 2) + F(2, 5),
        )
        for n in range(2 * SECONDS)
    )
    look = CaptionStyle(font_size_px=12, vertical_position=80, style="scaling")
    captions = Captions(words=words, look=look)
    return from_source(source, tile="in").model_copy(update={"captions": captions, **more})


async def rendered(long, folder, name, timeline, *, keep=None, **more):
    """The edit as `name`.mp4, and the report of its rendering."""
    job, out = folder / f"job {name}", folder / f"{name}.mp4"
    job.mkdir()
    files, store = {long[1].sha256: long[0]}, keep and PartStore(keep)
    report = await render(timeline, files, out, job=job, ffmpeg=FFMPEG, store=store, **more)
    return out, report


@pytest.fixture
def made(tmp_path, long):
    count = iter(range(100))

    async def make(timeline, **more):
        return await rendered(long, tmp_path, str(next(count)), timeline, **more)

    return make


@pytest.fixture(scope="module")
async def first(tmp_path_factory, long):
    """The captioned picture, made into an empty store: the file and the store."""
    folder = tmp_path_factory.mktemp("first")
    keep = folder / "keep"
    out, report = await rendered(long, folder, "first", captioned(long[1]), keep=keep)
    assert report.kept == 0
    return out, keep


@pytest.fixture
def keep(tmp_path, first):
    """The store with the parts of that picture, to go on with."""
    return shutil.copytree(first[1], tmp_path / "keep")


def pictures(path) -> np.ndarray:
    with av.open(path) as file:
        return np.stack([f.to_ndarray(format="gray") for f in file.decode(video=0)]).astype(int)


async def test_a_long_picture_in_parts_is_the_one_in_one_piece(tmp_path, long, made):
    timeline = captioned(long[1])
    assert [part.count for part in parts_of(timeline)] == [200, 200, 300]
    shares: list[float] = []
    whole, _ = await made(timeline)
    parts, report = await made(timeline, keep=tmp_path / "keep", on_progress=shares.append)
    one, other = pictures(whole), pictures(parts)
    assert one.shape == other.shape == (SECONDS * 10, *one.shape[1:])
    # The encoder decides a little differently; a caption that is missing or moved is far more.
    assert np.abs(one - other).mean(axis=(1, 2)).max() < 1.0
    assert len(report.commands) == 3
    assert shares == sorted(shares)
    with av.open(parts) as file:
        stream = file.streams.video[0]
        times = [frame.pts * stream.time_base for frame in file.decode(stream)]
    assert times == [F(n, 10) for n in range(SECONDS * 10)]


async def test_captions_keep_their_frames_in_a_part_that_begins_between_two_hundredths(tmp_path):
    """The second part has two runs of clips, and begins at 20.41666… s."""
    rate, path = F(12), counted(tmp_path / "in.mp4", 504, rate=F(12))
    source = source_of(path)
    spans = ((1, 246), (247, 360), (361, 504))
    clips = tuple(Clip(source=source.sha256, start=a / rate, end=b / rate) for a, b in spans)
    timeline = captioned(source, clips=clips)
    assert [part.first / rate for part in parts_of(timeline)] == [0, F(245, 12)]
    whole, _ = await rendered((path, source), tmp_path, "whole", timeline)
    parts, report = await rendered(
        (path, source), tmp_path, "parts", timeline, keep=tmp_path / "keep"
    )
    assert len(report.commands) == 2
    assert np.abs(pictures(whole) - pictures(parts)).mean(axis=(1, 2)).max() < 1.0


async def test_only_the_part_with_a_changed_caption_is_made_again(keep, first, long, made):
    after, again = await made(captioned(long[1], changed="other"), keep=keep)
    assert again.kept == 2
    changed = np.flatnonzero((pictures(first[0]) != pictures(after)).any(axis=(1, 2)))
    assert 400 <= changed.min() <= 450 <= changed.max()
    assert again.frames == SECONDS * 10


async def test_only_the_part_with_a_changed_graphic_is_made_again(tmp_path, long, made):
    def titled(text: str):
        over = Span(source=long[1].sha256, start=F(45), end=F(48))
        title = Graphic(kind="title", texts=(text,), over=over)
        return captioned(long[1], graphics=(Graphic(kind="progress"), title))

    keep = tmp_path / "keep"
    before, _ = await made(titled("One"), keep=keep)
    after, again = await made(titled("Other"), keep=keep)
    assert again.kept == 2
    # The part is encoded again, by all cores: what is not the title may differ by a shade.
    differs = np.abs(pictures(before).astype(int) - pictures(after)) > 40
    changed = np.flatnonzero(differs.any(axis=(1, 2)))
    assert 450 <= changed.min() <= changed.max() < 480


class Commands:
    """Remembers the codecs of the commands that ran."""

    def __init__(self):
        self.encoders = []

    async def began(self, command):
        pairs = pairwise(command.arguments)
        self.encoders += [codec for option, codec in pairs if option in ("-c:v", "-c:a")]

    async def ended(self, command): ...

    async def files(self, files): ...


async def test_a_changed_caption_encodes_one_part_and_no_sound(keep, first, long, made):
    with kept_by(commands := Commands()):
        after, _ = await made(captioned(long[1], changed="other"), keep=keep)
    assert commands.encoders == ["libx264"]
    assert sounds(first[0]) == sounds(after)


def sounds(path) -> bytes:
    with av.open(path) as file:
        return b"".join(bytes(packet) for packet in file.demux(audio=0))


async def test_the_same_edit_again_renders_nothing(keep, long, made):
    _, again = await made(captioned(long[1]), keep=keep)
    assert again.kept == 3


async def test_a_cut_near_the_start_keeps_the_parts_behind_it(keep, long, made):
    source = long[1]
    clips = (
        Clip(source=source.sha256, start=F(0), end=F(3)),
        Clip(source=source.sha256, start=F(5), end=F(SECONDS)),
    )
    out, again = await made(captioned(source, clips=clips), keep=keep)
    assert again.kept == 1
    assert len(numbers(out, (0, 0, 240, 60))) == SECONDS * 10 - 20


async def test_another_quality_and_other_tools_share_no_parts(keep, long, made):
    _, draft = await made(captioned(long[1]), keep=keep, quality="draft")
    assert draft.kept == 0


async def test_a_crop_goes_on_over_the_seams(tmp_path, long, made):
    keys = tuple(CropKey(time=F(s), x=0.3 + 0.4 * (s // 7 % 2), y=0.5) for s in range(0, 70, 7))
    framing = Framing(paths={long[1].sha256: keys})
    timeline = captioned(long[1], framing=framing, width=90, height=160)
    whole, _ = await made(timeline)
    parts, report = await made(timeline, keep=tmp_path / "keep")
    assert len(report.commands) == 3
    assert np.abs(pictures(whole) - pictures(parts)).mean(axis=(1, 2)).max() < 1.5


async def test_a_short_picture_is_one_part_and_nothing_is_kept(tmp_path, long, made):
    source = long[1]
    clips = (Clip(source=source.sha256, start=F(0), end=F(30)),)
    _, report = await made(captioned(source, clips=clips), keep=tmp_path / "keep")
    assert len(report.commands) == 1
    assert not (tmp_path / "keep").exists()


async def test_half_made_parts_are_never_taken(tmp_path, long, made):
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "left.part").write_bytes(b"half")
    out, report = await made(captioned(long[1]), keep=keep)
    assert report.kept == 0
    assert len(pictures(out)) == SECONDS * 10
