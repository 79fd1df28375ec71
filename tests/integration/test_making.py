"""Media that tiles have made, kept and found again, with real files, store, probe and FFmpeg."""

import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import anyio
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from test_generation import frame, near

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.errors import GenerationFailed, NoSpace, OutcomeUnknown, SourceUnavailable
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.providers import FilmWish, PictureWish, Providers
from mosaic_mcp.studio.providers.api import Api, Pace
from mosaic_mcp.studio.providers.cards import draw_card
from mosaic_mcp.studio.providers.fal import Fal
from mosaic_mcp.studio.providers.openai import OpenAI
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.studio.providers.replicate import Replicate
from mosaic_mcp.studio.runs.making import Workshop
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.web.addresses import anywhere
from tests.support.media import picture, video
from tests.support.providers import KEY, providers

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
AMBER = (251, 191, 36)


@pytest.fixture
def workshop(tmp_path):
    library = Library(tmp_path / "home")
    store = Store(library.studio / "studio.db")
    assets = Assets(store, library)

    async def look(path, name):
        return await probe(path, name=name)

    intake = Intake(assets, library, look, Machine(library.home))
    yield Workshop(Providers(), library, assets, intake, FFMPEG, LOCAL_OWNER, "run-1/node-1")
    store.close()


async def tell(step: str) -> None:
    pass


async def file_of(workshop: Workshop, asset_id: str) -> Path:
    _, key = await workshop.assets.file(workshop.owner, asset_id)
    return workshop.library.storage.here(key)


async def test_what_was_made_for_a_node_is_not_paid_for_again(workshop):
    with providers() as double:
        openai = OpenAI.of(KEY, double.url("/openai/v1"), allowed=anywhere)
        paying = workshop.__class__(
            Providers((openai,)), workshop.library, workshop.assets, workshop.intake, FFMPEG
        )
        wish = PictureWish("A red fox in deep snow, at dawn, with a long shadow behind it")
        first = await paying.of("anna", "run-1/n").make(wish, tell)
        again = await paying.of("anna", "run-1/n").make(wish, tell)
        assert (again, len(double.bodies)) == (first, 1)
        other = await paying.of("anna", "run-2/n").make(wish, tell)
        assert (other.asset_id != first.asset_id, len(double.bodies)) == (True, 2)
    assert (first.by, first.source.kind) == ("OpenAI", "image")
    assert first.source.name == "A red fox in deep snow, at dawn, with a long.png"
    assert (await file_of(paying.of("anna", ""), first.asset_id)).read_bytes() == double.image


async def test_what_was_made_again_after_its_file_went_is_known_again(workshop):
    wish = PictureWish("A fox", 320, 240)
    first = await workshop.make(wish, tell)
    (await file_of(workshop, first.asset_id)).unlink()
    second = await workshop.make(wish, tell)
    third = await workshop.make(wish, tell)
    assert (second.asset_id != first.asset_id, third) == (True, second)


async def test_what_was_paid_for_is_no_cache(workshop):
    await workshop.make(PictureWish("A fox", 320, 240), tell)
    assert [kept.id async for kept in workshop.library.caches()] == []
    assert len([kept async for kept in workshop.library.always()]) == 1


async def test_nobody_is_asked_where_there_is_no_room_for_what_they_make(workshop, monkeypatch):
    with providers() as double:
        openai = OpenAI.of(KEY, double.url("/openai/v1"), allowed=anywhere)
        paying = replace(workshop, providers=Providers((openai,)))
        monkeypatch.setattr(Machine, "free", 1_000_000)
        with pytest.raises(NoSpace):
            await paying.make(PictureWish("A fox"), tell)
        assert double.bodies == []


def paying(double, workshop: Workshop, name: str) -> Workshop:
    """A studio with a provider's key, just started on the workshop's folder."""
    pace = Pace(first_s=0.001, most_s=0.001)
    makers = {
        "openai": lambda: OpenAI.of(KEY, double.url("/openai/v1"), allowed=anywhere),
        "replicate": lambda: Replicate.of(
            KEY, {}, double.url("/replicate/v1"), allowed=anywhere, pace=pace
        ),
        "fal": lambda: Fal.of(KEY, {}, double.url("/fal"), allowed=anywhere, pace=pace),
    }
    return replace(
        workshop,
        providers=Providers((makers[name](),)),
        library=Library(workshop.library.home),
    )


def posts(double) -> int:
    return sum(method == "POST" for method, _ in double.asked)


class Killed(BaseException):
    """The process ends here: nothing is tidied up, nobody is told."""


async def dies(*_: object, **__: object) -> None:
    raise Killed


async def dies_before_the_answer(api: Api, method: str, path: str, body: object = None) -> None:
    await api._answer(method, path, body)
    raise Killed


FOX = PictureWish("A red fox in deep snow")


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_a_studio_killed_while_it_waits_goes_on_with_the_work_that_it_began(
    workshop, name, monkeypatch
):
    with providers() as double:
        with monkeypatch.context() as patched:
            patched.setattr(Api, "finished", dies)
            with pytest.raises(Killed):
                await paying(double, workshop, name).make(FOX, tell)
        made = await paying(double, workshop, name).make(FOX, tell)
        assert posts(double) == 1
    assert (await file_of(workshop, made.asset_id)).read_bytes() == double.image
    [kept] = [kept async for kept in workshop.library.always()]
    assert len(kept.files) == 1, "the order is over"


DYING = """
import os, signal, sys
from pathlib import Path
import anyio
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.providers import PictureWish
from mosaic_mcp.studio.providers.fal import Fal
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.web.addresses import anywhere

async def tell(step):
    if step.startswith("waiting"):
        os.kill(os.getpid(), signal.SIGKILL)

home, base, key = sys.argv[1:]
fal, order = Fal.of(key, {}, base, allowed=anywhere), Order(Library(Path(home)), "fox", "fal")
anyio.run(fal.make, PictureWish("A fox"), Path(home), tell, order)
"""


async def test_what_a_process_knew_of_its_work_outlives_a_real_kill(workshop, tmp_path):
    with providers() as double:
        command = (sys.executable, "-c", DYING, str(workshop.library.home), double.url("/fal"), KEY)
        assert (await anyio.run_process(command, check=False)).returncode == -signal.SIGKILL
        pace = Pace(first_s=0.001)
        fal = Fal.of(KEY, {}, double.url("/fal"), allowed=anywhere, pace=pace)
        path = await fal.make(
            PictureWish("A fox"), tmp_path, tell, Order(workshop.library, "fox", "fal")
        )
        assert (path.read_bytes(), posts(double)) == (double.image, 1)


async def test_a_studio_killed_while_it_fetches_a_picture_fetches_it_again(workshop, monkeypatch):
    with providers() as double:
        double.by_url = True
        with monkeypatch.context() as patched:
            patched.setattr(Api, "fetch", dies)
            with pytest.raises(Killed):
                await paying(double, workshop, "openai").make(FOX, tell)
        await paying(double, workshop, "openai").make(FOX, tell)
        assert posts(double) == 1


@pytest.mark.parametrize("name", ["openai", "replicate", "fal"])
async def test_what_may_be_paid_and_is_lost_is_told_before_it_is_asked_for_once_more(
    workshop, name, monkeypatch
):
    with providers() as double:
        with monkeypatch.context() as patched:
            patched.setattr(Api, "ask", dies_before_the_answer)
            with pytest.raises(Killed):
                await paying(double, workshop, name).make(FOX, tell)
        assert posts(double) == 1
        with pytest.raises(OutcomeUnknown, match="may be made and paid") as told:
            await paying(double, workshop, name).make(FOX, tell)
        assert (posts(double), told.value.retryable) == (1, False), "not without being asked"
        assert told.value.remedy == "Resume the run to ask, and pay, once more."
        await paying(double, workshop, name).make(FOX, tell)
        assert posts(double) == 2


@pytest.mark.parametrize("name", ["replicate", "fal"])
async def test_work_that_failed_or_is_gone_is_asked_for_anew_the_next_time(
    workshop, name, monkeypatch
):
    with providers() as double:
        double.fails = "NSFW content detected"
        with pytest.raises(GenerationFailed, match="NSFW"):
            await paying(double, workshop, name).make(FOX, tell)
        double.fails = None
        with monkeypatch.context() as patched:
            patched.setattr(Api, "finished", dies)
            with pytest.raises(Killed):
                await paying(double, workshop, name).make(FOX, tell)
        double.answers = [(404, {"detail": "Not found."}, {})]
        with pytest.raises(GenerationFailed, match="no longer knows what it was asked for"):
            await paying(double, workshop, name).make(FOX, tell)
        assert posts(double) == 2
        await paying(double, workshop, name).make(FOX, tell)
        assert posts(double) == 3


async def test_a_refused_wish_is_asked_for_again_without_a_word(workshop):
    with providers() as double:
        double.answers = [(503, {"detail": "busy"}, {})]
        with pytest.raises(SourceUnavailable):
            await paying(double, workshop, "openai").make(FOX, tell)
        await paying(double, workshop, "openai").make(FOX, tell)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_card_comes_in_the_format_and_size_of_the_wish(tmp_path, form):
    draw_card("A fox", "image", (320, 256), tmp_path / "card", form)
    with Image.open(tmp_path / "card") as card:
        assert (card.format, card.size) == (form, (320, 256))


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (512, 512), (720, 1280)])
@pytest.mark.parametrize("prompt", ["A fox", "word " * 700, "狐", "ثعلب"])
def test_a_card_says_what_it_is_even_after_a_crop_to_9_16(tmp_path, size, prompt):
    draw_card(prompt, "image", size, tmp_path / "card.png", "PNG")
    card = Image.open(tmp_path / "card.png").convert("RGB")
    width, height = size
    kept = min(width, int(height * 9 / 16))
    middle = card.crop(((width - kept) // 2, 0, (width + kept) // 2, height))
    whole = near(card, AMBER) * width * height
    assert near(middle, AMBER) * kept * height == pytest.approx(whole, rel=0.001)
    assert whole > 0.01 * width * height


async def test_a_placeholder_for_a_video_has_its_length_and_shape(workshop):
    made = await workshop.make(FilmWish("A fox", seconds=1, aspect="1:1"), tell)
    source = made.source
    assert (source.duration, source.width, source.height) == (1, 720, 720)
    assert near(frame(str(await file_of(workshop, made.asset_id)), 0.9), AMBER) > 0.02


def every_line(path: Path) -> np.ndarray:
    """The middle line of every frame of a video of 640x360, in grey."""
    shown = subprocess.run(
        [
            *(str(FFMPEG), "-v", "error", "-i", str(path), "-vf", "format=gray,crop=640:1:0:180"),
            *("-f", "rawvideo", "-pix_fmt", "gray", "-"),
        ],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return np.frombuffer(shown.stdout, np.uint8).reshape(-1, 640)


async def test_a_picture_comes_nearer_steadily(workshop, tmp_path):
    """A white square that grows by 8 percent, and never jumps by more than a pixel."""
    board = Image.new("RGB", (640, 360), "black")
    board.paste("white", (220, 80, 420, 280))
    board.save(tmp_path / "board.png")
    asset = await workshop.intake.take_file(LOCAL_OWNER, tmp_path / "board.png", "image")
    source, _ = await workshop.assets.file(LOCAL_OWNER, asset.asset_id)
    shown = await workshop.still(source, Fraction(2), (640, 360), zoom=True)
    assert (shown.duration, shown.width, shown.height) == (2, 640, 360)
    async with workshop.library.source(shown.sha256) as path:
        lines = every_line(path)
    widths = (lines > 127).sum(axis=1).tolist()
    assert len(widths) == 60
    assert widths[0] == pytest.approx(200, abs=2)
    assert widths[-1] == pytest.approx(200 * 1.08, abs=4)
    assert all(-1 <= b - a <= 2 for a, b in pairwise(widths))


async def test_a_picture_is_made_a_video_of_once(workshop, tmp_path, monkeypatch):
    picture(tmp_path / "hill.png")
    asset = await workshop.intake.take_file(LOCAL_OWNER, tmp_path / "hill.png", "image")
    source, _ = await workshop.assets.file(LOCAL_OWNER, asset.asset_id)
    first = await workshop.still(source, Fraction(1), (64, 48))
    with monkeypatch.context() as patched:
        patched.setattr(Workshop, "_video", dies)
        assert (
            await workshop.of(LOCAL_OWNER, "run-2/n").still(source, Fraction(1), (64, 48)) == first
        )
        with pytest.raises(Killed):
            await workshop.still(source, Fraction(2), (64, 48))
    async with workshop.library.source(first.sha256) as path:
        path.unlink()
    assert await workshop.still(source, Fraction(1), (64, 48)) == first, "made again"


async def test_the_folder_of_the_machines_user_is_nobody_elses(workshop, tmp_path):
    folder = workshop.library.home / "b-roll"
    folder.mkdir(parents=True)
    video(folder / "coffee.mp4", seconds=1)
    picture(folder / "hill.png")
    clip, still = await workshop.footage()
    assert ((await workshop.take(clip)).kind, (await workshop.take(still)).kind) == (
        "video",
        "image",
    )
    assert clip.path.exists(), "taken, not moved"
    assert await workshop.of("anna", "").footage() == ()
    assert await replace(workshop, folders=False).footage() == (), "of several machines, nobody's"
