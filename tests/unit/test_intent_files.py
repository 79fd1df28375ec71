"""Files that callers name: inside the allowed folders, there, and plausible."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.intent.files import readable_file, writable_folder
from mosaic_mcp.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home folder with a few videos."""
    home = tmp_path / "home"
    for name in ("Videos/talk.mp4", "Videos/My Talk.MOV", "Videos/song.mp3", ".secret/a.mp4"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.from_env({"MOSAIC_HOME": str(home / ".local/share/mosaic")})


def refusal(said: str, settings: Settings, kind="video") -> str:
    with pytest.raises(InvalidRequest) as error:
        readable_file(said, settings, kind, "videos[0]")
    [fault] = error.value.faults
    assert fault.where == "videos[0]"
    return fault.sentence()


@pytest.mark.parametrize(
    "said", ["~/Videos/talk.mp4", "{home}/Videos/talk.mp4", "{home}/Videos/../Videos/talk.mp4"]
)
def test_a_file_is_found_however_its_path_is_written(said, home, settings):
    file = readable_file(said.format(home=home), settings, "video", "videos[0]")
    assert file.path == home.resolve() / "Videos/talk.mp4"
    assert file.size_bytes == 1


def test_spaces_and_capital_suffixes_are_fine(home, settings):
    assert readable_file("~/Videos/My Talk.MOV", settings, "video", "").size_bytes == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there a backslash separates folders")
def test_spaces_that_a_shell_escaped_are_fine(home, settings):
    assert readable_file("~/Videos/My\\ Talk.MOV", settings, "video", "").path.name == "My Talk.MOV"


def test_a_relative_path_starts_where_the_server_stands(home, settings, monkeypatch):
    monkeypatch.chdir(home / "Videos")
    assert readable_file("talk.mp4", settings, "video", "").path.name == "talk.mp4"


def test_a_missing_file_is_answered_with_the_nearest_names(settings):
    assert "Did you mean 'talk.mp4'" in refusal("~/Videos/tlak.mp4", settings)
    assert "Did you mean 'My Talk.MOV'" in refusal("~/Videos/my talk.mp4", settings)


def test_a_missing_file_without_near_names_is_answered_with_what_is_there(settings):
    answer = refusal("~/Videos/zzzzzz.mkv", settings)
    assert "'My Talk.MOV', 'talk.mp4'" in answer
    assert "song.mp3" not in answer


def test_a_missing_folder_is_named(settings):
    answer = refusal("~/Vidoes/deep/talk.mp4", settings)
    assert "Vidoes" in answer
    assert "Did you mean Videos?" in answer


@pytest.mark.parametrize("said", ["/etc/passwd", "/etc/../etc/passwd", "~/../other/talk.mp4"])
def test_files_outside_the_allowed_folders_are_refused(said, settings):
    assert "outside the allowed folders" in refusal(said, settings)


def test_a_link_does_not_lead_outside(home, settings, tmp_path):
    target = tmp_path / "outside.mp4"
    target.write_bytes(b"x")
    (home / "Videos/link.mp4").symlink_to(target)
    answer = refusal("~/Videos/link.mp4", settings)
    assert "outside the allowed folders" in answer
    assert "outside.mp4" not in answer


def test_a_link_inside_is_followed(home, settings):
    (home / "Videos/link.mp4").symlink_to(home / "Videos/talk.mp4")
    assert readable_file("~/Videos/link.mp4", settings, "video", "").path.name == "talk.mp4"


def test_hidden_folders_of_the_home_are_not_read(settings):
    assert "hidden folder" in refusal("~/.secret/a.mp4", settings)


def test_the_data_folder_is_read_although_it_is_hidden(home, settings):
    made = settings.home / "renders/r/video.mp4"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"x")
    assert readable_file(str(made), settings, "video", "").path.name == "video.mp4"


def test_a_hidden_folder_that_is_named_in_the_settings_is_read(home):
    settings = Settings.from_env(
        {"MOSAIC_HOME": str(home / "data"), "MOSAIC_ALLOWED_DIRS": str(home / ".secret")}
    )
    assert readable_file("~/.secret/a.mp4", settings, "video", "").path.name == "a.mp4"
    assert "outside" in refusal("~/Videos/talk.mp4", settings)


def test_an_empty_file_is_refused(home, settings):
    (home / "Videos/none.mp4").touch()
    assert "0 bytes" in refusal("~/Videos/none.mp4", settings)


def test_a_folder_is_refused_with_what_is_in_it(settings):
    answer = refusal("~/Videos", settings)
    assert "is a folder" in answer
    assert "'talk.mp4'" in answer


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(home, settings):
    os.mkfifo(home / "Videos/pipe.mp4")
    assert "not a regular file" in refusal("~/Videos/pipe.mp4", settings)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("song.mp3", "video", "is not a video but an audio"),
        ("talk.mp4", "image", "is not an image but a video"),
        ("notes.txt", "video", "is not a video but a TXT file"),
        ("drawing.svg", "video", "is not a video but an image"),
        ("song.mp3", "image", "Give one of .png, .jpg, .jpeg, .gif, .webp."),
        ("photo.HEIC", "image", "is a picture of the kind HEIC"),
        ("photo.HEIC", "image", "Save it as PNG"),
        ("drawing.svg", "image", "Save it as PNG"),
        ("list.m3u8", "video", "is not a video but a M3U8 file"),
        ("talk.mp4", "subtitles", "is not subtitles but a video"),
        ("words", "subtitles", "a file without a suffix"),
        ("talk.txt", "subtitles", "a text without times"),
        ("talk.txt", "subtitles", "Give the same text as .srt or .vtt"),
    ],
)
def test_what_is_plainly_something_else_is_refused(name, kind, says, home, settings):
    (home / "Videos" / name).write_bytes(b"x")
    assert says in refusal(f"~/Videos/{name}", settings, kind)


def test_the_hosted_engine_takes_drawings_too_but_no_other_pictures(home, settings):
    hosted = replace(settings, api_key="mk_1")
    for name in ("drawing.svg", "photo.bmp"):
        (home / "Videos" / name).write_bytes(b"x")
    assert readable_file("~/Videos/drawing.svg", hosted, "image", "").size_bytes == 1
    assert "Save it as PNG" in refusal("~/Videos/photo.bmp", hosted, "image")


def test_an_unknown_suffix_is_left_to_the_engine(home, settings):
    (home / "Videos/raw.r3d").write_bytes(b"x")
    assert readable_file("~/Videos/raw.r3d", settings, "video", "").size_bytes == 1


@pytest.mark.parametrize(
    "said", ["~/a\0b.mp4", "x" * 5000, "~nobody-of-that-name/a.mp4", "x\\y" * 2000]
)
def test_what_is_no_path_is_refused(said, settings, home, monkeypatch):
    monkeypatch.chdir(home)
    assert refusal(said, settings)


def test_a_folder_to_save_to_is_made_inside_the_allowed_folders(home, settings):
    assert writable_folder("~/Videos/out/new", settings) == home.resolve() / "Videos/out/new"
    assert (home / "Videos/out/new").is_dir()


@pytest.mark.parametrize(
    ("said", "says"), [("/etc/x", "outside"), ("~/Videos/talk.mp4", "is a file")]
)
def test_a_folder_to_save_to_that_cannot_be_is_refused(said, says, settings):
    with pytest.raises(InvalidRequest, match=says):
        writable_folder(said, settings)


@given(st.text(min_size=1, max_size=60))
def test_any_text_is_a_file_or_a_refusal(said):
    settings = Settings(home=Path("nowhere"), allowed_dirs=(Path("nowhere"),))
    with pytest.raises(InvalidRequest):
        readable_file(said, settings, "video", "videos[0]")
