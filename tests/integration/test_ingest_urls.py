"""Videos from addresses, over real HTTP: broken, moved, too large, not a video, not public."""

import ipaddress
import random
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from mosaic_mcp.errors import MediaError, MosaicError, NoSpace, TooLarge
from mosaic_mcp.studio.ingest import fetch
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.web import addresses
from mosaic_mcp.web.addresses import anywhere, public
from mosaic_mcp.web.download import Limits, download, shown
from tests.support.file_server import FileServer, file_server

CONTENT = random.Random(7).randbytes(400_000)
QUICK = Limits(pause_s=0, silence_s=5)


@pytest.fixture(scope="module")
def serving() -> Iterator[FileServer]:
    with file_server() as server:
        yield server


@pytest.fixture
def web(serving: FileServer) -> FileServer:
    """The server without what tests before have left."""
    serving.pages.clear()
    serving.asked.clear()
    return serving


async def got(url: str, folder: Path, limits: Limits = QUICK, **how) -> bytes:
    path, _ = await download(url, folder, limits=limits, **{"allowed": anywhere, **how})
    return path.read_bytes()


async def refused(url: str, folder: Path, limits: Limits = QUICK, **how) -> MosaicError:
    """The refusal of a download, which says what to do and leaves nothing."""
    with pytest.raises(MosaicError) as refusal:
        await got(url, folder, limits, **how)
    assert refusal.value.remedy
    assert list(folder.iterdir()) == []
    return refusal.value


async def test_a_file_arrives_whole_under_the_name_that_the_server_gives(web, tmp_path):
    url = web.put("/a/My%20talk.mp4", CONTENT)
    path, name = await download(url, tmp_path, allowed=anywhere)
    assert (path.read_bytes(), name) == (CONTENT, "My talk.mp4")
    said = {"content-disposition": "attachment; filename*=UTF-8''K%C3%BCche.mov"}
    url = web.put("/get?id=7", CONTENT, headers=said)
    web.pages["/get"] = web.pages.pop("/get?id=7")
    path.unlink()
    _, name = await download(url, tmp_path, allowed=anywhere)
    assert name == "Küche.mov"


async def test_a_broken_download_goes_on_where_it_broke_off(web, tmp_path):
    url = web.put("/v.mp4", CONTENT, breaks=[100_000, 50_000])
    assert await got(url, tmp_path) == CONTENT
    ranges = [a.headers.get("range") for a in web.asked]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert web.asked[1].headers["if-range"] == '"v1"'


async def test_a_file_that_changed_meanwhile_begins_anew(web, tmp_path):
    def change(page) -> None:
        page.content, page.etag = CONTENT[::-1], '"v2"'

    url = web.put("/v.mp4", CONTENT, breaks=[100_000], then=change)
    assert await got(url, tmp_path) == CONTENT[::-1]


@pytest.mark.parametrize("page", [{"ranges": False}, {"etag": 'W/"weak"'}])
async def test_what_cannot_be_continued_begins_anew(web, tmp_path, page):
    url = web.put("/v.mp4", CONTENT, breaks=[100_000], **page)
    assert await got(url, tmp_path) == CONTENT


async def test_a_download_that_keeps_breaking_is_given_up_and_leaves_nothing(web, tmp_path):
    url = web.put("/v.mp4", CONTENT, breaks=[100_000, 0, 0, 0, 0])
    error = await refused(url, tmp_path)
    assert "broke off after 100000 bytes" in error.message
    assert "resume" in error.remedy
    assert len(web.asked) == 5, "the first, and four that bring nothing"


async def test_progress_is_bytes_of_all_bytes(web, tmp_path):
    told: list[tuple[int, int | None]] = []

    async def tell(have: int, whole: int | None) -> None:
        told.append((have, whole))

    await got(web.put("/v.mp4", CONTENT), tmp_path, on_progress=tell)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "may not be read"),
        (403, "may not be read"),
        (404, "is not there"),
        (410, "may have expired"),
        (451, "was refused (HTTP 451)"),
    ],
)
async def test_a_refusal_is_told_at_once(web, tmp_path, status, says):
    url = web.put("/v.mp4", status=status)
    assert says in str(await refused(url, tmp_path))
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_ill_server_is_asked_again_and_then_reported(web, tmp_path, status):
    url = web.put("/v.mp4", status=status)
    assert f"HTTP {status}" in str(await refused(url, tmp_path))
    assert len(web.asked) == QUICK.tries


@pytest.mark.parametrize(
    "page",
    [
        {"content": b"<p>Log in</p>", "kind": "text/html; charset=utf-8"},
        {"content": b"\xef\xbb\xbf  <!DOCTYPE html><title>Share</title>", "kind": "video/mp4"},
    ],
)
async def test_a_web_page_is_not_a_video(web, tmp_path, page):
    error = await refused(web.put("/watch", **page), tmp_path)
    assert "is a web page, not a video file" in error.message
    assert "direct link" in error.remedy


@pytest.mark.parametrize("tells_length", [True, False])
async def test_more_than_five_gigabytes_are_not_taken(web, tmp_path, tells_length):
    """ "Maximum file size: 5 GB per video" (here the limit is smaller)"""
    assert Limits().size == 5 * 1024**3
    url = web.put("/v.mp4", CONTENT, tells_length=tells_length)
    limits = Limits(size=len(CONTENT) - 1, pause_s=0)
    assert isinstance(await refused(url, tmp_path, limits), TooLarge)
    assert await got(url, tmp_path, Limits(size=len(CONTENT))) == CONTENT


async def test_a_full_disk_is_told_before_the_download(web, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 1 << 40, len(CONTENT) - 1))
    error = await refused(web.put("/v.mp4", CONTENT), tmp_path)
    assert isinstance(error, NoSpace)
    assert "space" in error.remedy


async def test_a_download_leaves_free_what_the_studio_leaves_free(web, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    free = 1_000_000_000 + len(CONTENT) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 1 << 40, free))
    room = Machine(tmp_path).check
    error = await refused(web.put("/v.mp4", CONTENT), tmp_path, room=room)
    assert isinstance(error, NoSpace)
    assert error.message.startswith("The disk with the data folder has no room for the download:")
    free += 1
    assert await got(web.put("/v.mp4", CONTENT), tmp_path, room=room) == CONTENT


async def test_a_disk_that_fills_up_meanwhile_stops_a_download_of_unknown_length(web, tmp_path):
    asked = 0

    def room(need: int, what: str) -> None:
        nonlocal asked
        asked += need
        if asked > len(CONTENT) // 2:
            raise NoSpace

    url = web.put("/v.mp4", CONTENT, tells_length=False)
    assert isinstance(await refused(url, tmp_path, room=room), NoSpace)
    assert len(CONTENT) // 2 < asked < len(CONTENT), "it had begun"


async def test_a_server_that_falls_silent_counts_as_broken(web, tmp_path):
    url = web.put("/v.mp4", CONTENT, hold_after=1000)
    error = await refused(url, tmp_path, Limits(silence_s=0.1, pause_s=0, tries=2))
    assert "no answer in time" in error.message


async def test_a_download_has_an_end(web, tmp_path):
    url = web.put("/v.mp4", CONTENT, hold_after=1000)
    error = await refused(url, tmp_path, Limits(seconds=0.2))
    assert "took more than" in error.message
    assert "give the file" in error.remedy


async def test_a_cancelled_download_leaves_nothing(web, tmp_path):
    begun = anyio.Event()

    async def tell(have: int, _whole: int | None) -> None:
        if have:
            begun.set()

    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            await got(url, tmp_path, on_progress=tell)

        url = web.put("/v.mp4", CONTENT, hold_after=1000)
        tasks.start_soon(work)
        await begun.wait()
        tasks.cancel_scope.cancel()
    assert list(tmp_path.iterdir()) == []


async def test_an_address_where_nobody_answers_is_named_without_its_secrets(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await refused(f"http://user:secret@127.0.0.1:{port}/v.mp4?sig=secret", tmp_path)
    assert f"http://127.0.0.1:{port}/v.mp4 cannot be reached" in error.message
    assert "secret" not in str(error)


async def test_a_host_that_does_not_exist_is_told_at_once(tmp_path):
    error = await refused("http://nowhere.invalid/v.mp4", tmp_path, Limits(), allowed=public)
    assert "There is no host 'nowhere.invalid'." in error.message


@pytest.mark.parametrize("url", ["ftp://example.com/v.mp4", "file:///etc/passwd", "http:///v.mp4"])
async def test_other_schemes_are_refused(tmp_path, url):
    assert "http or https" in str(await refused(url, tmp_path))


def test_an_address_is_shown_without_password_and_query():
    assert shown("https://a:b@example.com:8443/x.mp4?token=1#f") == "https://example.com:8443/x.mp4"


# Only public addresses


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b:1::5db8:d822", False),
        ("2002:7f00:0001::1", False),
        ("::7f00:1", False),
    ],
)
def test_public_is_what_the_internet_can_reach(address, is_public):
    assert public(ipaddress.ip_address(address)) is is_public


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
)
async def test_this_machine_is_refused_however_it_is_written(web, tmp_path, host):
    web.put("/v.mp4", CONTENT)
    error = await refused(web.url("/v.mp4", host), tmp_path, allowed=public)
    assert "private network" in error.message
    assert web.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_into_a_private_network_is_refused(web, tmp_path, status):
    web.put("/secret", CONTENT)
    inside = {"location": web.url("/secret", "127.0.0.2")}
    url = web.put("/v.mp4", status=status, headers=inside)
    outside = ipaddress.ip_address("127.0.0.1")
    error = await refused(url, tmp_path, allowed=lambda address: address == outside)
    assert "private network" in error.message
    assert [a.path for a in web.asked] == ["/v.mp4"]


async def test_a_redirect_to_an_allowed_place_is_followed(web, tmp_path):
    web.put("/new.mp4", CONTENT)
    url = web.put("/old", status=302, headers={"location": "/new.mp4"})
    path, name = await download(url, tmp_path, allowed=anywhere)
    assert (path.read_bytes(), name) == (CONTENT, "new.mp4")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://example.com/x"])
async def test_a_redirect_to_another_scheme_is_refused(web, tmp_path, to):
    url = web.put("/v.mp4", status=302, headers={"location": to})
    assert "redirects" in str(await refused(url, tmp_path))


async def test_a_circle_of_redirects_is_refused(web, tmp_path):
    url = web.put("/v.mp4", status=302, headers={"location": "/v.mp4"})
    assert "redirects more than 5 times" in str(await refused(url, tmp_path))


def resolving(monkeypatch, *answers: list[str]) -> list[str]:
    """Let names be looked up with these answers, one after the other; who was looked up."""
    asked: list[str] = []

    async def getaddrinfo(host, port, **_):
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

    monkeypatch.setattr(addresses.anyio, "getaddrinfo", getaddrinfo)
    return asked


async def test_the_address_that_was_checked_is_the_one_that_is_asked(web, tmp_path, monkeypatch):
    """DNS rebinding: whoever looks a name up twice may get two answers."""
    asked = resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.9"])
    web.put("/v.mp4", CONTENT)
    checked: list[str] = []

    def allowed(address) -> bool:
        checked.append(str(address))
        return True

    assert await got(web.url("/v.mp4", "video.example"), tmp_path, allowed=allowed) == CONTENT
    assert (asked, checked) == (["video.example"], ["127.0.0.1"])
    assert web.asked[0].headers["host"] == f"video.example:{web.port}"


async def test_a_name_that_becomes_private_between_two_connections_is_refused(
    web, tmp_path, monkeypatch
):
    resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    web.put("/v.mp4", CONTENT, breaks=[100_000])
    first = ipaddress.ip_address("127.0.0.1")
    url = web.url("/v.mp4", "video.example")
    error = await refused(url, tmp_path, allowed=lambda address: address == first)
    assert "private network" in error.message
    assert len(web.asked) == 1


async def test_one_private_address_among_public_ones_is_enough(tmp_path, monkeypatch):
    resolving(monkeypatch, ["93.184.216.34", "192.168.0.10"])
    error = await refused("http://video.example/v.mp4", tmp_path, allowed=public)
    assert "private network" in error.message


async def test_the_next_address_of_a_host_is_tried(web, tmp_path, monkeypatch):
    resolving(monkeypatch, ["::1", "127.0.0.1"])  # it listens on IPv4 only
    web.put("/v.mp4", CONTENT)
    assert await got(web.url("/v.mp4", "video.example"), tmp_path) == CONTENT


async def test_the_owner_of_a_studio_may_allow_private_addresses(web, tmp_path):
    url = web.put("/v.mp4", CONTENT)
    steps: list[str] = []

    async def report(_share: float, step: str) -> None:
        steps.append(step)

    with pytest.raises(MediaError, match="private network"):
        await fetch("url", url, tmp_path, report)
    path, name = await fetch("url", url, tmp_path, report, private=True)
    assert (path.read_bytes(), name) == (CONTENT, "v.mp4")
    assert steps[-1] == "downloading · 0.4 of 0.4 MB"
