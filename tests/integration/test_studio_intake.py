"""Files on their way into the library, with a real store and a probe that only hashes."""

import hashlib
import os
from fractions import Fraction
from pathlib import Path

import anyio
import pytest

from mosaic_mcp.errors import InvalidRequest, MediaError, NotFound, TooLarge
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.timeline.model import Source


class Home:
    """A data folder with what the tests look at."""

    def __init__(self, folder):
        self.library = Library(folder)
        self.store = Store(folder / "studio" / "studio.db")
        self.assets = Assets(self.store, self.library)
        self.intake = Intake(self.assets, self.library, self.probe, Machine(folder))
        self.source = Source(sha256="", name="", duration=Fraction(2))
        self.probed = 0
        self.while_probing = None

    async def probe(self, path, name):
        self.probed += 1
        content = path.read_bytes()
        if self.while_probing:
            self.while_probing()
        await anyio.lowlevel.checkpoint()
        digest = hashlib.sha256(content).hexdigest()
        return self.source.model_copy(update={"sha256": digest, "name": name})

    async def file(self, owner, asset_id):
        """The asset and where its file is."""
        source, key = await self.assets.file(owner, asset_id)
        return source, self.library.storage.here(key)

    def files(self) -> list:
        return [p for p in (self.library.home / "assets").rglob("*") if p.is_file()]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    yield home
    home.store.close()


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"talk")
    return path


async def test_half_a_copy_never_lies_beside_the_sources(home, talk, monkeypatch):
    """Killed then, the studio would leave it there for ever; the work folder is emptied."""
    seen = []

    def no_link(*_arguments, **_more):
        raise OSError

    def copy(_source, target, _size):
        target.write(b"ha")
        seen.append((home.files(), home.library.work in Path(target.name).parents))
        raise KeyboardInterrupt

    monkeypatch.setattr("os.link", no_link)
    monkeypatch.setattr("shutil.copyfileobj", copy)
    with pytest.raises(KeyboardInterrupt):
        await home.intake.take_file("anna", talk, "video")
    assert seen == [([], True)]


async def uploaded(home: Home, content: bytes, owner: str = "anna") -> str:
    asset_id = await home.intake.expect(owner, "video")
    async with home.intake.begin(asset_id, len(content)) as part:
        part.write_bytes(content)
        await home.intake.received(asset_id, part, "up.mp4")
    return asset_id


async def test_a_taken_file_is_a_hard_link_known_by_its_content(home, talk):
    asset = await home.intake.take_file("anna", talk, "video")
    source, path = await home.file("anna", asset.asset_id)
    assert path.samefile(talk)
    assert path.name == f"{source.sha256}.mp4"
    assert asset.facts.size_bytes == 4


async def test_a_file_that_was_written_to_since_is_refused_until_added_again(home, talk):
    asset = await home.intake.take_file("anna", talk, "video")
    talk.write_bytes(b"other words")
    with pytest.raises(MediaError, match="changed on disk"):
        await home.assets.file("anna", asset.asset_id)
    again = await home.intake.take_file("anna", talk, "video")
    _, path = await home.file("anna", again.asset_id)
    assert path.read_bytes() == b"other words"


async def test_the_old_content_is_good_again_when_it_is_added_again(home, talk, tmp_path):
    asset = await home.intake.take_file("anna", talk, "video")
    talk.write_bytes(b"other words")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"talk")
    await home.intake.take_file("anna", copy, "video")
    _, path = await home.file("anna", asset.asset_id)
    assert path.read_bytes() == b"talk"


async def test_replacing_a_file_in_the_users_folder_leaves_ours(home, talk, tmp_path):
    asset = await home.intake.take_file("anna", talk, "video")
    new = tmp_path / "new"
    new.write_bytes(b"new talk")
    new.replace(talk)
    _, path = await home.file("anna", asset.asset_id)
    assert path.read_bytes() == b"talk"


async def test_across_disks_a_file_is_copied(home, talk, monkeypatch):
    def refuse(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    asset = await home.intake.take_file("anna", talk, "video")
    _, path = await home.file("anna", asset.asset_id)
    assert path.read_bytes() == b"talk"
    assert not path.samefile(talk)


async def test_a_file_that_changes_while_it_is_read_is_refused(home, talk):
    home.while_probing = lambda: talk.write_bytes(b"still being written")
    with pytest.raises(MediaError, match="while it was read"):
        await home.intake.take_file("anna", talk, "video")
    assert home.files() == []


async def test_a_vanished_file_is_told(home, talk):
    asset = await home.intake.take_file("anna", talk, "video")
    for path in home.files():
        path.unlink()
    with pytest.raises(MediaError, match="no longer"):
        await home.assets.file("anna", asset.asset_id)


async def test_an_equal_upload_does_not_disturb_the_asset_before_it(home, talk):
    first = await home.intake.take_file("anna", talk, "video")
    second = await uploaded(home, b"talk")
    await home.intake.finalize("anna", "video", second)
    assert len(home.files()) == 1
    for asset_id in (first.asset_id, second):
        _, path = await home.file("anna", asset_id)
        assert path.read_bytes() == b"talk"


async def test_finalizing_twice_at_once_checks_once(home):
    asset_id = await uploaded(home, b"talk")
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(home.intake.finalize, "anna", "video", asset_id)
    assert home.probed == 1


async def test_a_video_over_five_hours_is_too_large(home):
    asset_id = await uploaded(home, b"long")
    home.source = home.source.model_copy(update={"duration": Fraction(5 * 3600 + 1)})
    with pytest.raises(TooLarge, match="hours"):
        await home.intake.finalize("anna", "video", asset_id)
    with pytest.raises(InvalidRequest, match="not uploaded"):
        await home.intake.finalize("anna", "video", asset_id)


async def test_an_upload_expires_after_one_hour_and_is_swept_by_the_next(home):
    asset_id = await uploaded(home, b"late")
    assert await home.assets.awaited()
    await home.store.write(
        lambda c: c.exec_driver_sql("UPDATE assets SET expires_at = '2000-01-01T00:00:00+00:00'")
    )
    assert not await home.assets.awaited()
    with pytest.raises(NotFound, match="expired"):
        await home.intake.finalize("anna", "video", asset_id)
    await home.intake.expect("anna", "video")
    assert list((home.library.home / "uploads").iterdir()) == []


async def test_an_adopted_file_leaves_its_folder(home, talk):
    asset_id = await home.intake.adopt("anna", talk, "From the web", "video")
    source, path = await home.file("anna", asset_id)
    assert source.name == "From the web"
    assert path.suffix == ".mp4"
    assert not talk.exists()


async def test_a_death_while_one_file_takes_the_place_of_an_equal_one_costs_no_asset(
    home, talk, tmp_path, monkeypatch
):
    """A downloaded file of the same content has another time than the one that is there."""
    asset = await home.intake.take_file("anna", talk, "video")
    twin = tmp_path / "twin.mp4"
    twin.write_bytes(b"talk")
    os.utime(twin, (1, 1))

    async def die(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(home.assets, "ready", die)
    with pytest.raises(KeyboardInterrupt):
        await home.intake.adopt("anna", twin, "twin.mp4", "video")
    monkeypatch.undo()
    _, kept = await home.file("anna", asset.asset_id)
    assert kept.stat().st_mtime == 1
    kept.write_bytes(b"other")
    with pytest.raises(MediaError, match="changed on disk"):
        await home.file("anna", asset.asset_id)
