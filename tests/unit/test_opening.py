"""A checked path is used as it was checked: links put in its place end the walk."""

import os
from pathlib import Path

import pytest

from mosaic_mcp import opening
from mosaic_mcp.client import save_file
from mosaic_mcp.errors import InvalidRequest, MediaError
from mosaic_mcp.intent.files import readable_file
from mosaic_mcp.settings import Settings


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "talk.mp4").write_bytes(b"secret")
    return tmp_path / "outside"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "talk.mp4").write_bytes(b"talk")
    return tmp_path / "videos"


def exchange(videos: Path, outside: Path, what: str) -> None:
    """What somebody does between the check of a path and its use."""
    file = videos / "talk.mp4"
    match what:
        case "file":
            file.unlink()
            file.symlink_to(outside / "talk.mp4")
        case "folder":
            videos.rename(videos.with_name("before"))
            videos.symlink_to(outside)
        case "pipe":
            file.unlink()
            os.mkfifo(file)
        case "device":
            file.unlink()
            file.symlink_to("/dev/zero")


@pytest.mark.parametrize("what", ["file", "folder", "pipe", "device"])
def test_what_was_put_in_the_place_of_a_checked_file_is_not_opened(tmp_path, videos, outside, what):
    settings = Settings(home=tmp_path / "home", allowed_dirs=(videos,))
    checked = readable_file(str(videos / "talk.mp4"), settings, "video", "videos[0]").path
    with opening.read(checked) as file:
        assert file.read() == b"talk"
    exchange(videos, outside, what)
    with pytest.raises(OSError, match=r"(?i)link|directory|regular"):
        opening.read(checked)
    with pytest.raises(OSError, match=r"(?i)link|directory|regular"):
        opening.take(checked, tmp_path / "taken")
    assert not os.path.lexists(tmp_path / "taken")


def test_a_file_is_taken_as_a_hard_link_or_else_copied(tmp_path, videos, monkeypatch):
    opening.take(videos / "talk.mp4", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(videos / "talk.mp4")

    def refuse(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    opening.take(videos / "talk.mp4", tmp_path / "copied")
    assert (tmp_path / "copied").read_bytes() == b"talk"
    assert not (tmp_path / "copied").samefile(videos / "talk.mp4")


@pytest.mark.parametrize("path", ["talk.mp4", "/", "/.", "/dev/zero", "/proc/self/environ/x"])
def test_other_paths_are_refused(path):
    with pytest.raises(OSError, match=r"\w"):
        opening.read(Path(path))


async def test_a_folder_exchanged_for_a_link_is_not_saved_to(tmp_path, videos, outside):
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"clip")
    exchange(videos, outside, "folder")
    with pytest.raises(MediaError, match="could not be written"):
        await save_file(str(source), videos, "clip.mp4")
    assert [p.name for p in outside.iterdir()] == ["talk.mp4"]


async def test_saving_never_writes_through_a_link_nor_over_a_file(tmp_path, videos, outside):
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"clip")
    (videos / "clip.mp4").symlink_to(outside / "talk.mp4")
    (videos / "clip (2).mp4").symlink_to("nowhere")
    saved = await save_file(str(source), videos, "clip.mp4")
    assert saved == videos / "clip (3).mp4"
    assert (outside / "talk.mp4").read_bytes() == b"secret"
    assert not (videos / "nowhere").exists()


def test_what_is_done_in_a_held_folder_stays_in_it(tmp_path, videos, outside):
    with opening.held(videos) as folder:
        exchange(videos, outside, "folder")
        folder.open("new", "xb").close()
        folder.rename("new", "newer")
        for name in ("..", "../outside/x", "", "/etc/x"):
            with pytest.raises(OSError, match="name"):
                folder.open(name, "xb")
    assert [p.name for p in outside.iterdir()] == ["talk.mp4"]
    assert (tmp_path / "before" / "newer").exists()


HOSTILE = [
    "../outside/talk.mp4",
    "videos/../../outside/talk.mp4",
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/environ",
    "/proc/1/cwd/etc/passwd",
    "//server/share/talk.mp4",
    "\\\\server\\share\\talk.mp4",
    "\\\\?\\C:\\talk.mp4",
    "\\\\.\\PhysicalDrive0",
    "C:\\talk.mp4:hidden",
    "talk.mp4\x00.png",
    "~root/talk.mp4",
    "~nobody-of-that-name/talk.mp4",
    "x" * 5000,
    "a/" * 3000,
    "\udcff",
]


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_paths_are_refused_with_a_sentence(tmp_path, videos, outside, said, monkeypatch):
    monkeypatch.chdir(videos)
    (videos / "link.mp4").symlink_to(outside / "talk.mp4")
    settings = Settings(home=tmp_path / "home", allowed_dirs=(videos,))
    for tried in (said, str(videos / said.lstrip("/")), "link.mp4"):
        with pytest.raises(InvalidRequest) as refusal:
            readable_file(tried, settings, "video", "videos[0]")
        assert refusal.value.faults
