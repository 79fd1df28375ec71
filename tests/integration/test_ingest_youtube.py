"""YouTube: recognition, refusals and limits, on a stored description of a video.

yt-dlp itself is real, and so are its choice of formats, its download and FFmpeg's joining; only
what YouTube would have answered is stored (`support/youtube_info.json`), and the files that it
names lie on a server of ours.
"""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yt_dlp

from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.errors import MediaError, MosaicError, TooLarge, Unsupported
from mosaic_mcp.studio.ingest import youtube, youtube_program
from mosaic_mcp.studio.ingest.youtube import check_info, download_youtube, failure
from mosaic_mcp.studio.perception.probe import probe
from tests.support.coded import FFMPEG, ffmpeg
from tests.support.file_server import FileServer, file_server

STORED = (Path(__file__).parents[1] / "support" / "youtube_info.json").read_text("utf-8")
LINK = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def info(**changed: Any) -> dict[str, Any]:
    return json.loads(STORED) | changed


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        "http://youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL1",
        "https://m.youtube.com/watch?app=desktop&v=dQw4w9WgXcQ",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ?si=x",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        "youtu.be/dQw4w9WgXcQ",
    ],
)
def test_a_video_is_recognised_however_its_link_is_written(link):
    assert youtube_id(link) == "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/@channel",
        "https://www.youtube.com/results?search_query=x",
        "https://www.youtube.com/watch?v=tooShort",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil.example/youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
    ],
)
async def test_what_is_no_single_video_of_youtube_is_never_given_to_yt_dlp(link, tmp_path):
    assert youtube_id(link) is None
    with pytest.raises(MediaError, match="not the address of one YouTube video"):
        await download_youtube(link, tmp_path)


async def test_without_yt_dlp_the_answer_is_the_command_to_run(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Unsupported) as refusal:
        await download_youtube(LINK, tmp_path)
    assert youtube.INSTALL in refusal.value.remedy


def test_a_finished_public_video_within_the_limits_is_taken():
    check_info(info())
    check_info(info(duration=5 * 3600))
    check_info(info(live_status="was_live"))


@pytest.mark.parametrize(
    ("changed", "kind", "says"),
    [
        ({"duration": 5 * 3600 + 1}, TooLarge, "the limit is 5"),
        ({"duration": None}, MediaError, "does not say how long"),
        ({"duration": 0}, MediaError, "does not say how long"),
        ({"live_status": "is_live"}, MediaError, "live stream"),
        ({"live_status": None, "is_live": True}, MediaError, "live stream"),
        ({"live_status": "post_live"}, MediaError, "being processed"),
        ({"live_status": "is_upcoming", "duration": None}, MediaError, "has not begun"),
        ({"_type": "playlist"}, MediaError, "playlist"),
        ({"entries": []}, MediaError, "playlist"),
        ({"_type": "url"}, MediaError, "playlist"),
        ({"filesize_approx": 6 * 1024**3}, TooLarge, "5 GB"),
    ],
)
def test_everything_else_is_refused_with_what_to_do(changed, kind, says):
    """ "Maximum duration: 5 hours per video" """
    with pytest.raises(kind, match=says) as refusal:
        check_info(info(**changed))
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("ERROR: [youtube] x: Private video. Sign in if you've been granted access", "is private"),
        ("ERROR: [youtube] x: Join this channel to get access to members-only", "members"),
        ("ERROR: [youtube] x: Sign in to confirm your age. This video may be", "age limit"),
        ("ERROR: [youtube] x: Sign in to confirm you're not a bot. Use --cookies", "not a robot"),
        ("The uploader has not made this video available in your country", "in this country"),
        ("ERROR: [youtube] x: Video unavailable", "not available"),
        ("This video has been removed by the uploader", "was removed"),
        ("Unable to download API page: <urlopen error [Errno -2]>", "cannot be reached"),
        ("HTTPSConnection: Failed to resolve (getaddrinfo failed)", "cannot be reached"),
    ],
)
def test_what_yt_dlp_says_becomes_a_sentence_with_a_remedy(message, says):
    error = failure({"code": "yt-dlp", "message": message})
    assert says in error.message
    assert error.remedy
    assert "ERROR" not in str(error)


@pytest.mark.parametrize("there", [True, False])
def test_a_message_that_nobody_foresaw_names_what_may_be_missing(monkeypatch, there):
    monkeypatch.setattr(youtube.shutil, "which", lambda _: "/bin/node" if there else None)
    error = failure({"code": "yt-dlp", "message": "nsig extraction failed\n\x1b[31mTraceback"})
    assert ("newer yt-dlp" in error.remedy) is there
    assert (youtube.INSTALL_RUNTIME in error.remedy) is not there
    assert "\x1b" not in str(error)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the stored formats: two seconds, small, each of another size."""
    folder = tmp_path_factory.mktemp("films")
    picture = ("-f", "lavfi", "-i", "testsrc2=size={}:rate=25:duration=2")
    tone = ("-f", "lavfi", "-i", "sine=duration=2")
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    ffmpeg(*(p.format("192x108") for p in picture), *encoded, folder / "137.mp4")
    ffmpeg(*(p.format("64x36") for p in picture), *tone, *encoded, "-shortest", folder / "18.mp4")
    ffmpeg(*tone, "-c:a", "aac", folder / "140.m4a")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def web(films) -> Iterator[FileServer]:
    with file_server() as server:
        for name, content in films.items():
            server.put(f"/{name}", content)
        yield server


@pytest.fixture
def answering(web, monkeypatch):
    """Let YouTube answer with the stored description, its files on our server."""

    def answers(**changed: Any) -> None:
        text = json.dumps(info(**changed)).replace("SERVER", web.url(""))
        monkeypatch.setattr(yt_dlp.YoutubeDL, "extract_info", lambda *_, **__: json.loads(text))

    return answers


async def test_the_best_h264_up_to_1080p_is_joined_with_its_sound(web, answering, tmp_path):
    answering()
    done = youtube_program.fetch(LINK, tmp_path, str(FFMPEG))
    assert {a.path for a in web.asked} == {"/137.mp4", "/140.m4a"}
    assert [p.name for p in tmp_path.iterdir()] == [done["file"]]
    source = await probe(tmp_path / done["file"], name=done["title"])
    assert (source.width, source.height) == (192, 108)
    assert source.audio_channels == 1
    assert float(source.duration) == pytest.approx(2, abs=0.1)


def test_an_upright_video_counts_by_its_shorter_side(web, answering, tmp_path):
    turned = [
        f | {"width": f["height"], "height": f["width"]} if "width" in f else f
        for f in info()["formats"]
    ]
    answering(formats=turned)
    youtube_program.fetch(LINK, tmp_path, str(FFMPEG))
    assert {a.path for a in web.asked} == {"/137.mp4", "/140.m4a"}


def test_without_ffmpeg_a_format_that_holds_both_is_taken(web, answering, tmp_path):
    answering()
    done = youtube_program.fetch(LINK, tmp_path, None)
    assert {a.path for a in web.asked} == {"/18.mp4"}
    assert (tmp_path / done["file"]).read_bytes() == web.pages["/18.mp4"].content


def test_a_file_over_the_limit_is_not_downloaded(web, answering, tmp_path, monkeypatch):
    answering()
    monkeypatch.setattr(youtube_program, "MAX_BYTES", 1000)
    with pytest.raises(TooLarge, match="5 GB"):
        youtube_program.fetch(LINK, tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_a_video_over_five_hours_is_not_downloaded(web, answering, tmp_path):
    answering(duration=5 * 3600 + 1)
    with pytest.raises(TooLarge):
        youtube_program.fetch(LINK, tmp_path, None)
    assert web.asked == []


def test_only_youtubes_own_extractor_reads_addresses(web, tmp_path):
    """yt-dlp's generic extractor would open any address, of this machine's network too."""
    with yt_dlp.YoutubeDL(youtube_program.options(tmp_path, None)) as program:
        assert {e.IE_NAME for e in program._ies.values()} == {"youtube"}
        with pytest.raises(yt_dlp.utils.DownloadError, match="No suitable extractor"):
            program.extract_info(web.url("/18.mp4"))
    assert web.asked == []


def test_nothing_of_the_users_configuration_or_cookies_is_read(tmp_path):
    with yt_dlp.YoutubeDL(youtube_program.options(tmp_path, None)) as program:
        assert not program.params.get("cookiesfrombrowser")
        assert not program.params.get("cookiefile")
        assert program.params["noplaylist"]


async def test_the_child_ends_with_a_sentence_and_its_title_is_only_a_name(tmp_path, monkeypatch):
    """The real child process; the yt-dlp in it finds no network."""
    words = tmp_path / "words"
    words.mkdir()
    (words / "yt_dlp.py").write_text(
        "class YoutubeDL:\n"
        "    def __init__(self, options): print('noise of a library')\n"
        "    __enter__ = lambda self: self\n"
        "    __exit__ = lambda self, *_: None\n"
        "    def extract_info(self, *_, **__): raise OSError('Failed: getaddrinfo failed')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(words))
    with pytest.raises(MosaicError, match="YouTube cannot be reached"):
        await download_youtube(LINK, tmp_path)
